"""``import-export STATUS-FILE import|export``: started by the node daemon for one disk."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from ganeti import constants, errors
from ganeti.impexpd import flow, options, tls
from ganeti.impexpd.status import StatusFile


def _receive(given: options.Options, status: StatusFile) -> None:
    with tls.listening(given) as server:
        status.set(listen_port=server.getsockname()[1])
        sock = tls.accept(given, server)
    with sock:
        status.set(connected=True)
        flow.receive(given, sock, status)


def _send(given: options.Options, status: StatusFile) -> None:
    with tls.connect(given, threading.Event().wait) as sock:
        status.set(connected=True)
        flow.send(given, sock, status)


def _end(status: StatusFile, exit_status: int, text: str | None = None) -> NoReturn:
    """Write the last status and go, without waiting for commands that hang on a dead pipe."""
    status.set(exit_status=exit_status, error_message=text)
    if text:
        logging.error("%s", text)
    logging.shutdown()
    os._exit(exit_status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one end of a transfer; its outcome is in the status file and the exit status."""
    try:
        given = options.parse(argv)
    except errors.OpPrereqError as err:
        print(f"import-export: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    logging.basicConfig(
        stream=sys.stderr, format="%(asctime)s: %(message)s",
        level=logging.DEBUG if given.debug else logging.INFO if given.verbose
        else logging.WARNING)
    status = StatusFile(given.status_file, given.expected_size)
    status.set()
    signal.signal(signal.SIGTERM, lambda number, frame: _end(
        status, constants.EXIT_FAILURE, "The transfer was aborted"))
    try:
        (_receive if given.mode == options.IMPORT else _send)(given, status)
    except (errors.GenericError, OSError) as err:
        _end(status, constants.EXIT_FAILURE, errors.text(err))
    _end(status, constants.EXIT_SUCCESS)
