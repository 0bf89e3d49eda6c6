"""Under which user and in which directory QEMU runs, once it has opened what it needs."""

from __future__ import annotations

import logging
import os
import pwd
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

from ganeti import constants, errors, pathutils, ssconf
from ganeti.hypervisor.kvm import paths
from ganeti.hypervisor.kvm.binary import Binary
from ganeti.hypervisor.kvm.paths import Files
from ganeti.utils import io, process


def drops_privileges(hvp: Mapping[str, Any]) -> bool:
    """Whether a running QEMU can not open the node's devices any more."""
    return bool(hvp["security_model"] != constants.HT_SM_NONE or hvp["use_chroot"])


def arguments(hvp: Mapping[str, Any], binary: Binary, files: Files) -> list[str]:
    """Prepare user and directory, and tell QEMU."""
    user = _user(hvp, files)
    directory = _make_chroot(files) if hvp["use_chroot"] else ""
    # -run-with replaces -chroot from QEMU 8.1 and -runas from 9.1 on
    result: list[str] = []
    run_with = []
    if directory:
        if binary.version >= (8, 1, 0):
            run_with.append(f"chroot={directory}")
        else:
            result += ["-chroot", directory]
    if user:
        if binary.version >= (9, 1, 0):
            run_with.append(f"user={user}")
        else:
            result += ["-runas", user]
    return result + (["-run-with", ",".join(run_with)] if run_with else [])


def release(files: Files) -> None:
    """Give back user and directory of a guest that is gone."""
    if os.path.exists(files.uid):
        os.unlink(files.uid)
    if os.path.isdir(files.chroot):
        try:
            os.rmdir(files.chroot)
        except OSError:
            kept = tempfile.mkdtemp(prefix=f"{files.name}-",
                                    dir=paths.directory("chroot-quarantine"))
            os.rename(files.chroot, os.path.join(kept, "chroot"))
            logging.warning("QEMU of instance %s left files in its empty directory; they are"
                            " kept in %s", files.name, kept)


def _make_chroot(files: Files) -> str:
    os.makedirs(files.chroot, mode=0o755, exist_ok=True)
    return files.chroot


def _user(hvp: Mapping[str, Any], files: Files) -> str:
    if hvp["security_model"] == constants.HT_SM_USER:
        return str(hvp["security_domain"])
    if hvp["security_model"] == constants.HT_SM_POOL:
        uid = _take_uid(files)
        return f"{uid}:{_group_of(uid)}"
    return ""


def _group_of(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid


def _take_uid(files: Files) -> int:
    """The first user of the cluster's pool that no guest and no process of the node has."""
    os.makedirs(pathutils.UIDPOOL_LOCKDIR, exist_ok=True)
    with io.lock_file(os.path.join(pathutils.UIDPOOL_LOCKDIR, "lock"), timeout=10):
        used = set(_recorded_uids()) | set(_running_uids())
        for uid in _pool():
            if uid not in used:
                io.write_file(files.uid, str(uid).encode(), mode=0o644)
                return uid
    raise errors.HypervisorError(
        f"No user of the cluster's pool is free for instance {files.name}; widen it with"
        " 'gnt-cluster modify --add-uids'")


def _pool() -> Iterable[int]:
    for low, high in ssconf.SimpleStore().uid_pool():
        yield from range(low, high + 1)


def _recorded_uids() -> Iterable[int]:
    directory = paths.directory("uid")
    for name in os.listdir(directory):
        yield int(io.read_file(os.path.join(directory, name)))


def _running_uids() -> Iterable[int]:
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            uid = os.stat(f"/proc/{name}").st_uid
        except FileNotFoundError:
            continue
        # one that has ended counts no more, even if nobody has taken note of it yet
        if uid and process.alive(int(name)):
            yield uid
