"""Setting up the logs of a program: file, standard error, syslog."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
import time

SYSLOG_NO = "no"
SYSLOG_YES = "yes"
SYSLOG_ONLY = "only"
SYSLOG_USAGES = (SYSLOG_NO, SYSLOG_YES, SYSLOG_ONLY)
_SYSLOG_SOCKET = "/dev/log"


class _Formatter(logging.Formatter):
    """'2024-05-01 12:00:00,123: program pid=12/Thread INFO text'; one line an event."""

    def __init__(self, program: str, debug: bool, stamp: bool = True) -> None:
        when = "%(asctime)s: " if stamp else ""
        where = " %(module)s:%(lineno)s" if debug else ""
        super().__init__(f"{when}{program} pid=%(process)d/%(threadName)s %(levelname)s"
                         f"{where} %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return super().formatMessage(record).replace("\n", "\\n")

    def formatTime(self, record: logging.LogRecord,  # noqa: N802
                   datefmt: str | None = None) -> str:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        return f"{stamp},{int(record.msecs):03d}"


class _File(logging.handlers.WatchedFileHandler):
    """A log file that can be opened anew after rotation; not readable by everybody."""

    def _open(self):  # type: ignore[no-untyped-def]
        fd = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        return os.fdopen(fd, "a", encoding="utf-8", errors="backslashreplace")


def setup(program: str, *, logfile: str | None = None, debug: bool | int = False,
          stderr: bool = True, syslog: str = SYSLOG_NO) -> None:
    """Send the events of this process to the wanted places, at INFO or (debug) at DEBUG."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    if stderr:
        _add(root, logging.StreamHandler(sys.stderr), _Formatter(program, bool(debug)))
    if syslog != SYSLOG_NO:
        handler = logging.handlers.SysLogHandler(
            _SYSLOG_SOCKET, logging.handlers.SysLogHandler.LOG_DAEMON)
        _add(root, handler, _Formatter(program, bool(debug), stamp=False))
    if logfile is not None and syslog != SYSLOG_ONLY:
        _add(root, _File(logfile), _Formatter(program, bool(debug)))
    # aiohttp tells each request at INFO, asyncio each slow callback: that is the wire
    for name in ("aiohttp.access", "asyncio", "paramiko", "paramiko.transport"):
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.WARNING)


def _add(root: logging.Logger, handler: logging.Handler, formatter: logging.Formatter) -> None:
    handler.setFormatter(formatter)
    root.addHandler(handler)


def reopen() -> None:
    """Open the log file anew, after it has been rotated away."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.handlers.WatchedFileHandler):
            handler.reopenIfNeeded()
