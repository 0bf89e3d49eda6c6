"""node-cleanup: take this machine out of a cluster that can not do it any more.

For machines that are out of the cluster's reach; `gnt-node remove` does the same for the others.
"""

from __future__ import annotations

import argparse
import glob
import logging
import os
import sys
import time

from ganeti import constants, errors, pathutils
from ganeti.backend import node
from ganeti.tools import node_tool
from ganeti.utils import process, x509

NAME = "node-cleanup"
WARNING = """This removes all Ganeti configuration from this machine: certificates, keys, the copy
of the configuration, the job queue. Instances that run here are not touched.
If that is what you want, repeat the command with --yes-do-it."""


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=NAME, allow_abbrev=False,
                                     description="Take this machine out of its cluster.")
    parser.add_argument("-d", "--debug", action="count", default=0)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--yes-do-it", "--ya-rly", action="store_true", dest="yes_do_it",
                        help="really do it")
    parser.add_argument("--no-backup", action="store_false", dest="backup",
                        help="do not keep a copy of the files")
    parser.add_argument("--version", action="version",
                        version=f"{NAME} (ganeti) {constants.RELEASE_VERSION}")
    return parser.parse_args(argv)


def _back_up() -> str:
    """An archive of what will be removed."""
    stamp = time.strftime("%Y-%m-%d-%H-%M-%S")
    path = os.path.join(pathutils.BACKUP_DIR, f"cleanup-{stamp}-{os.getpid()}.tgz")
    directory = pathutils.DATA_DIR
    mask = os.umask(0o077)
    try:
        process.run(["tar", "-c", "-z", "-f", path, "-C", os.path.dirname(directory),
                     os.path.basename(directory)]).require_success("Cannot make a copy")
    finally:
        os.umask(mask)
    return path


def _stop_daemons() -> None:
    result = process.run([pathutils.DAEMON_UTIL, "stop-all"], timeout=120)
    if result.failed:
        raise errors.NodeSetupError(f"The daemons do not stop: {result.output.strip()}")


def clean_up(options: argparse.Namespace) -> None:
    """Stop the daemons, keep a copy, remove the files."""
    if os.path.exists(pathutils.NODED_CERT_FILE):
        try:
            x509.file_digest(pathutils.NODED_CERT_FILE)
        except errors.X509CertError as err:
            logging.warning("%s", errors.text(err))
    _stop_daemons()
    if options.backup and os.path.isdir(pathutils.DATA_DIR):
        logging.warning("A copy of the files is in %s", _back_up())
    node.clean_data_directory()
    for path in glob.glob(pathutils.ssconf_file("*")):
        os.unlink(path)
    if os.path.exists(pathutils.RAPI_USERS_FILE):
        os.unlink(pathutils.RAPI_USERS_FILE)
    logging.info("Cleaned up")


def main(argv: list[str] | None = None) -> int:
    """Entry point of the program."""
    options = _parse(argv)
    node_tool.set_up_logging(options)
    if not options.yes_do_it:
        print(WARNING, file=sys.stderr)
        return constants.EXIT_CONFIRMATION
    try:
        clean_up(options)
    except errors.GenericError as err:
        print(f"{NAME}: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    return constants.EXIT_SUCCESS


if __name__ == "__main__":
    sys.exit(main())
