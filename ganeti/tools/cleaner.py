"""ganeti-cleaner: removes what has become too old; run from cron.

`node` removes expired certificates of imports and exports and the watcher's forgotten state;
`master` removes old archived jobs. What it does is written to a log of each run.
"""

from __future__ import annotations

import argparse
import glob
import logging
import os
import shutil
import sys
import time
from collections.abc import Sequence

from ganeti import constants, errors, pathutils, ssconf
from ganeti.backend import crypto_keys
from ganeti.utils import io, log, x509

_LOG = logging.getLogger(__name__)
_DAY = 86400
MAX_AGE = 21 * _DAY
KEPT_LOGS = 50


def _older_than(path: str, limit: float) -> bool:
    try:
        return os.lstat(path).st_mtime < limit
    except FileNotFoundError:
        return False


def clean_crypto(now: float) -> int:
    """Remove the directories of certificates that have expired; how many."""
    removed = 0
    for name in io.list_visible(pathutils.CRYPTO_KEYS_DIR):
        directory = os.path.join(pathutils.CRYPTO_KEYS_DIR, name)
        cert_file = os.path.join(directory, crypto_keys.CERT)
        if not os.path.isfile(cert_file):
            continue
        try:
            ended = x509.expiry(x509.load_file(cert_file)).timestamp() < now
        except errors.X509CertError as err:
            _LOG.warning("Left alone: %s", errors.text(err))
            continue
        if ended:
            _LOG.info("Removing %s, its certificate has expired", directory)
            shutil.rmtree(directory)
            removed += 1
    return removed


def clean_watcher_state(now: float) -> int:
    """Remove the watcher's files of groups that nobody has watched for long; how many."""
    patterns = (pathutils.WATCHER_GROUP_STATE_FILE,
                pathutils.WATCHER_GROUP_INSTANCE_STATUS_FILE)
    return _remove_old([path for pattern in patterns for path in glob.glob(pattern % "*-*-*-*-*")],
                       now)


def clean_archive(now: float) -> int:
    """Remove archived jobs that are too old; how many."""
    return _remove_old(glob.glob(f"{pathutils.JOB_QUEUE_ARCHIVE_DIR}/*/job-*"), now)


def _remove_old(paths: list[str], now: float) -> int:
    removed = 0
    for path in sorted(paths):
        if _older_than(path, now - MAX_AGE) and io.remove_file(path):
            _LOG.info("Removed %s", path)
            removed += 1
    return removed


def clean_logs(directory: str) -> int:
    """Keep the newest logs of the cleaner's own runs; how many others were removed."""
    logs = sorted(glob.glob(f"{directory}/cleaner-*.log"), key=os.path.getmtime)
    for path in logs[:-KEPT_LOGS]:
        io.remove_file(path)
    return len(logs[:-KEPT_LOGS])


def _clean(what: str) -> None:
    now = time.time()
    if what == "node":
        certificates, states = clean_crypto(now), clean_watcher_state(now)
        _LOG.info("Removed %d expired certificates and %d state files", certificates, states)
        return
    store = ssconf.SimpleStore()
    if not os.path.exists(store.path(constants.SS_MASTER_NODE)) or not store.is_master():
        _LOG.info("This is not the master, there is nothing to do")
        return
    _LOG.info("Removed %d archived jobs", clean_archive(now))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the program."""
    parser = argparse.ArgumentParser(prog="ganeti-cleaner", allow_abbrev=False)
    parser.add_argument("what", choices=["node", "master"], metavar="node|master",
                        help="which things to clean")
    parser.add_argument("--version", action="version",
                        version=f"ganeti-cleaner (ganeti) {constants.RELEASE_VERSION}")
    what: str = parser.parse_args(argv).what
    directory = (pathutils.LOG_CLEANER_DIR if what == "node"
                 else pathutils.LOG_MASTER_CLEANER_DIR)
    try:
        io.make_dirs(directory, 0o750)
        stamp = time.strftime("%Y-%m-%dT%H_%M")
        log.setup("ganeti-cleaner", stderr=False,
                  logfile=f"{directory}/cleaner-{stamp}.{os.getpid()}.log")
        _clean(what)
        clean_logs(directory)
    except (errors.GenericError, OSError) as err:
        _LOG.error("%s", errors.text(err))
        print(f"ganeti-cleaner: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    return constants.EXIT_SUCCESS


if __name__ == "__main__":
    sys.exit(main())
