"""Where file based disks may live: the administrator's list and the paths nobody may list.

``file-storage-paths`` names the allowed directories of this node, one absolute path a line.
Paths here are logical (as in the configuration) until :func:`local` makes them real.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from ganeti import errors, pathutils
from ganeti.utils import io

#: Directories that, with all that they hold, belong to the operating system
SYSTEM_TREES = (
    "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/proc",
    "/root", "/run", "/sbin", "/sys", "/usr", "/var/cache", "/var/lib/dpkg", "/var/log",
    "/var/run", "/var/spool",
)
#: Directories in which a directory of its own may be allowed, but not themselves
SYSTEM_PARENTS = ("/", "/mnt", "/media", "/opt", "/srv", "/tmp", "/usr/local", "/var", "/var/lib",
                  "/var/tmp", "/usr/local/lib")
#: Exceptions inside the trees
EXEMPT_TREES = ("/usr/local",)


def _below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def forbidden_reason(path: str) -> str | None:
    """Why a directory can never hold disks, or None."""
    if not os.path.isabs(path):
        return f"'{path}' is not an absolute path"
    clean = os.path.normpath(path)
    if clean in SYSTEM_PARENTS:
        return f"'{path}' is a directory of the system; use a directory of its own below it"
    exempt = any(_below(clean, tree) for tree in EXEMPT_TREES)
    for tree in SYSTEM_TREES:
        if _below(clean, tree) and not exempt:
            return f"'{path}' lies in the system's directory {tree}"
    return None


def forbidden(paths: Iterable[str]) -> list[str]:
    """Those of the paths that can never hold disks, sorted."""
    return sorted(path for path in paths if forbidden_reason(path) is not None)


def allowed_paths() -> list[str]:
    """The directories that this node's administrator has listed; none without the file."""
    try:
        text = io.read_file(pathutils.FILE_STORAGE_PATHS_FILE)
    except FileNotFoundError:
        return []
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return [os.path.normpath(pathutils.logical(line)) for line in lines if line]


def check(path: str, *, must_exist: bool = False) -> str:
    """Refuse a logical path outside the allowed directories; returns the clean logical path."""
    if not os.path.isabs(path):
        raise errors.FileStoragePathError(f"File storage path '{path}' is not absolute")
    clean = os.path.normpath(pathutils.logical(path))
    reason = forbidden_reason(os.path.dirname(clean)) if clean != "/" else "it is the root"
    listed = allowed_paths()
    usable = [entry for entry in listed if forbidden_reason(entry) is None]
    if not any(_below(clean, entry) for entry in usable):
        raise errors.FileStoragePathError(
            f"'{path}' is not below a directory that {pathutils.FILE_STORAGE_PATHS_FILE} allows"
            f" on this node ({', '.join(usable) or 'it allows none'})"
            + (f"; {reason}" if reason and not usable else ""))
    if must_exist and not os.path.isdir(pathutils.local(clean)):
        raise errors.FileStoragePathError(f"Directory '{clean}' does not exist on this node")
    return clean


def local(path: str) -> str:
    """The real path of an allowed logical path."""
    return pathutils.local(check(path))


def usable_problem(path: str) -> str | None:
    """Why a directory can not hold disks on this node now (for verify), or None."""
    try:
        clean = check(path)
    except errors.FileStoragePathError as err:
        return str(err)
    real = pathutils.local(clean)
    if not os.path.isdir(real):
        return f"'{clean}' is not a directory on this node; create it"
    if not os.access(real, os.W_OK | os.X_OK):
        return f"'{clean}' is not writable for the node daemon"
    return None
