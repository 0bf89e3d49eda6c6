"""The directories and files of a node, with their modes and owners: one table for all programs.

Accounts other than root's are used only on systems that have them (see `runtime.owner`).
"""

from __future__ import annotations

import glob
import logging
import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from ganeti import pathutils, runtime

_LOG = logging.getLogger(__name__)
_JOB_MODE = 0o640
_MASTERD, _RAPI, _DAEMONS, _ROOT = "gnt-masterd", "gnt-rapi", "gnt-daemons", "root"


class Entry(NamedTuple):
    """A directory or file and who may do what with it."""

    path: str
    mode: int
    user: str = _ROOT
    group: str = _ROOT


def node_directories() -> list[Entry]:
    """Every directory of a node, parents before their children."""
    return [
        Entry(pathutils.DATA_DIR, 0o755, _MASTERD, _DAEMONS),
        Entry(pathutils.QUEUE_DIR, 0o750, _MASTERD, _DAEMONS),
        Entry(pathutils.JOB_QUEUE_ARCHIVE_DIR, 0o750, _MASTERD, _DAEMONS),
        Entry(pathutils.RAPI_DATA_DIR, 0o750, _ROOT, _RAPI),
        Entry(pathutils.LOCK_DIR, 0o1777),
        Entry(pathutils.RUN_DIR, 0o775, _ROOT, _DAEMONS),
        Entry(pathutils.SOCKET_DIR, 0o755, _MASTERD, _DAEMONS),
        Entry(pathutils.BDEV_CACHE_DIR, 0o755),
        Entry(pathutils.DISK_LINKS_DIR, 0o755),
        Entry(pathutils.CRYPTO_KEYS_DIR, 0o700),
        Entry(pathutils.IMPORT_EXPORT_DIR, 0o755),
        Entry(pathutils.INSTANCE_REASON_DIR, 0o755),
        Entry(pathutils.UIDPOOL_LOCKDIR, 0o750),
        Entry(pathutils.LOG_DIR, 0o770, _ROOT, _DAEMONS),
        Entry(pathutils.LOG_OS_DIR, 0o750),
        Entry(pathutils.LOG_ES_DIR, 0o750),
        Entry(pathutils.LOG_KVM_DIR, 0o750),
        Entry(pathutils.LOG_XEN_DIR, 0o750),
        Entry(pathutils.LOG_CLEANER_DIR, 0o750),
        Entry(pathutils.LOG_MASTER_CLEANER_DIR, 0o750),
        Entry(pathutils.CONF_DIR, 0o755),
        Entry(pathutils.HOOKS_BASE_DIR, 0o755),
    ]


def node_files() -> list[Entry]:
    """The files whose modes matter; only those that exist are set right."""
    return [
        Entry(pathutils.CLUSTER_CONF_FILE, 0o640, _MASTERD, "gnt-confd"),
        Entry(pathutils.CONFD_HMAC_KEY, 0o440, _MASTERD, "gnt-confd"),
        Entry(pathutils.CLUSTER_DOMAIN_SECRET_FILE, 0o640, _MASTERD, _MASTERD),
        Entry(pathutils.NODED_CERT_FILE, 0o440, _MASTERD, _DAEMONS),
        Entry(pathutils.NODED_CLIENT_CERT_FILE, 0o440, _MASTERD, _DAEMONS),
        Entry(pathutils.RAPI_CERT_FILE, 0o440, _RAPI, _RAPI),
        Entry(pathutils.SPICE_CERT_FILE, 0o440),
        Entry(pathutils.SPICE_CACERT_FILE, 0o440),
        Entry(pathutils.RAPI_USERS_FILE, 0o640, _ROOT, _RAPI),
        Entry(pathutils.SSH_KNOWN_HOSTS_FILE, 0o644),
        Entry(pathutils.WATCHER_PAUSEFILE, 0o644),
        Entry(pathutils.JOB_QUEUE_SERIAL_FILE, 0o640, _MASTERD, _DAEMONS),
        Entry(pathutils.JOB_QUEUE_VERSION_FILE, 0o640, _MASTERD, _DAEMONS),
    ]


def ensure_directories(entries: Iterable[Entry] | None = None) -> list[str]:
    """Make what is missing and set right what is different; a line for each change.

    A link in the place of a directory is followed: it may be an administrator's own choice.
    """
    changes = []
    for entry in node_directories() if entries is None else entries:
        if not os.path.isdir(entry.path):
            # parents in between belong to the system: they get its usual mode
            previous = os.umask(0o022)
            try:
                os.makedirs(entry.path)
            finally:
                os.umask(previous)
            changes.append(f"made {entry.path}")
        changes += _set_right(entry)
    return changes


def ensure_files(entries: Iterable[Entry] | None = None) -> list[str]:
    """Set the mode and owner of files that exist; a line for each change."""
    wanted = node_files() if entries is None else entries
    return [line for entry in wanted if os.path.isfile(entry.path) for line in _set_right(entry)]


def ensure_jobs() -> list[str]:
    """The same for every job file, archived ones too."""
    owner = (_MASTERD, _DAEMONS)
    archive = pathutils.JOB_QUEUE_ARCHIVE_DIR
    directories = [Entry(path, 0o750, *owner) for path in glob.glob(f"{archive}/[0-9]*")
                   if os.path.isdir(path)]
    names = [*glob.glob(f"{pathutils.QUEUE_DIR}/job-*"), *glob.glob(f"{archive}/*/job-*")]
    return ensure_directories(directories) + ensure_files(
        Entry(path, _JOB_MODE, *owner) for path in names)


def _set_right(entry: Entry) -> list[str]:
    changes = []
    status = os.stat(entry.path)
    owner = runtime.owner(entry.user, entry.group)
    if owner != runtime.UNCHANGED and (status.st_uid, status.st_gid) != (owner.uid, owner.gid):
        os.chown(entry.path, owner.uid, owner.gid)
        changes.append(f"{entry.path} now belongs to {runtime.user_name(owner.uid)}")
    mode = stat.S_IMODE(status.st_mode)
    if mode != entry.mode and _may_change(status):
        os.chmod(entry.path, entry.mode)
        changes.append(f"{entry.path} now has mode {entry.mode:04o}")
    for line in changes:
        _LOG.info("%s", line)
    return changes


def _may_change(status: os.stat_result) -> bool:
    """An ordinary user's virtual node may lie in directories that belong to another."""
    return os.geteuid() in (0, status.st_uid)
