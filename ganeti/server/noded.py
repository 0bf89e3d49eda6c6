"""ganeti-noded, the node daemon: takes calls of the master over TLS and carries them out."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import logging
import os
import sys

from ganeti import backend, constants, errors, pathutils
from ganeti.backend import confcopy
from ganeti.rpc import server, tls
from ganeti.utils import daemon, directories

_MCL_CURRENT = 1
_MCL_FUTURE = 2
# Only what was touched: whole thread stacks are mostly air.
_MCL_ONFAULT = 4


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-mlock", action="store_false", dest="mlock",
                        help="do not keep the daemon in memory")
    parser.add_argument("--max-clients", type=_positive, default=20, metavar="NUMBER",
                        help="calls of a kind that are carried out at the same time "
                             "(default: %(default)s)")


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive number")
    return int(text)


def check(options: argparse.Namespace) -> None:
    """Refuse to start where no cluster has been, or with unusable files."""
    if not options.ssl:
        return
    for path in (options.ssl_cert, options.ssl_key):
        if not os.path.exists(path):
            raise daemon.Refusal(
                f"{path} is missing: this machine is not part of a cluster (see 'gnt-cluster "
                "init' and 'gnt-node add')", constants.EXIT_NOTCLUSTER)


def _lock_memory() -> None:
    """Keep the daemon out of swap, so that it answers when the node is short of memory."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        logging.info("The daemon's memory cannot be locked: %s",
                     os.strerror(ctypes.get_errno()))


async def run(options: argparse.Namespace, life: daemon.Life) -> None:
    """Serve until told to stop, by a signal or by a call that makes the node leave."""
    if options.mlock:
        _lock_memory()
    directories.ensure_directories()
    constants.HYPER_TYPES.log_problems()
    constants.DISK_TEMPLATES.log_problems()
    backend.functions()
    confcopy.recover()
    peers = context = None
    if options.ssl:
        context = tls.server_context(options.ssl_cert, options.ssl_key)
        peers = tls.PeerCheck(certificate=options.ssl_cert)
    node_server = server.NodeServer(backend.resolve, peers, options.max_clients)
    await node_server.start(options.bind_address, options.port, context)
    logging.info("Node daemon %s serves on %s port %d", constants.RELEASE_VERSION,
                 options.bind_address, options.port)
    life.ready()
    waits = [asyncio.ensure_future(life.stop.wait()),
             asyncio.ensure_future(node_server.stopping.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await node_server.stop()
    confcopy.finish()


def main() -> int:
    """Entry point of the program."""
    try:
        return daemon.main(
            constants.NODED, check, run, options=_options, port=constants.DEFAULT_NODED_PORT,
            ssl_files=(pathutils.NODED_CERT_FILE, pathutils.NODED_CERT_FILE))
    except errors.GenericError as err:
        print(f"{constants.NODED}: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
