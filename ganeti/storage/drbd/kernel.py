"""The DRBD module of this node: its version, its helper program, the state of its minors."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ganeti import constants, errors
from ganeti.storage.drbd import status
from ganeti.utils import process

#: Where the module tells its helper program
HELPER_FILES = ("/sys/module/drbd/parameters/usermode_helper", "/proc/sys/drbd/usermode_helper")
#: The first version that shows its state only to drbdsetup
JSON_SINCE = 9
_TIMEOUT = 120


def run(argv: Sequence[str], *, secret: bool = False) -> process.Result:
    """Run one of DRBD's programs."""
    return process.run(list(argv), timeout=_TIMEOUT, secret=secret)


def call(argv: Sequence[str], what: str, *, secret: bool = False) -> str:
    """Run a program that has to succeed; returns what it printed."""
    result = run(argv, secret=secret)
    if result.failed:
        text = " ".join(result.output.split()) or result.fail_reason
        raise errors.BlockDeviceError(f"Can not {what}: {text}")
    return result.stdout


def status_text() -> str:
    """The text of /proc/drbd."""
    try:
        with open(constants.DRBD_STATUS_FILE, encoding="ascii", errors="replace") as fobj:
            return fobj.read()
    except FileNotFoundError:
        raise errors.BlockDeviceError(
            f"DRBD is not loaded ({constants.DRBD_STATUS_FILE} is missing); load it with"
            " 'modprobe drbd minor_count=128 usermode_helper=/bin/true'") from None


def version() -> str:
    """The version of the module."""
    return status.version(status_text())[0]


def major_version() -> int:
    """8 or 9: which dialect the module's commands are in."""
    return status.version(status_text())[1]


def loaded() -> bool:
    """Whether this node has the module; without it no minor can be in use."""
    return os.path.exists(constants.DRBD_STATUS_FILE)


def mirrors() -> dict[int, status.Mirror]:
    """Minor -> state of everything that is configured on this node."""
    text = status_text()
    if status.version(text)[1] < JSON_SINCE:
        found = status.parse_proc(text)
    else:
        found = status.parse_json(call(
            ["drbdsetup", "status", "--json", "--verbose", "--statistics"],
            "get the status of DRBD"))
    return {minor: mirror for minor, mirror in found.items() if mirror.configured}


def helper() -> str:
    """The program that the module calls about events."""
    for path in HELPER_FILES:
        try:
            with open(path, encoding="ascii") as fobj:
                return fobj.read().strip()
        except FileNotFoundError:
            continue
    raise errors.BlockDeviceError("DRBD is not loaded, so it has no usermode helper")
