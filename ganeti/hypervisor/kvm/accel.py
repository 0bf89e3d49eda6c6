"""Whether hardware virtualisation works on this node, found out by trying.

/dev/kvm may exist where guests hang in it (nested machines with half a virtualisation), so a
guest of 512 bytes is run once a boot: it only leaves through a debug port. The answer lies in
the run directory.
"""

from __future__ import annotations

import logging
import os
import tempfile
from typing import Any

from ganeti import constants, errors, pathutils, serializer
from ganeti.hypervisor import linux
from ganeti.utils import io, process

KVM, TCG = "kvm", "tcg"
_DEVICE = "/dev/kvm"
_TIMEOUT = 3
#: mov $0xf4,%dx; mov $0x10,%al; out %al,%dx; hlt; jmp back to hlt
_GUEST = bytes.fromhex("baf400b010eef4ebfd").ljust(510, b"\0") + b"\x55\xaa"
#: isa-debug-exit leaves with 2 * value + 1
_GUEST_EXIT = 0x10 * 2 + 1


def choose(kvm_flag: str, kvm_path: str) -> str:
    """The accelerator for a guest: as its `kvm_flag` demands, else KVM where that works."""
    if kvm_flag == constants.HT_KVM_DISABLED:
        return TCG
    trouble = why_not(kvm_path)
    if trouble is None:
        return KVM
    if kvm_flag == constants.HT_KVM_ENABLED:
        raise errors.HypervisorError(
            f"kvm_flag=enabled, but hardware virtualisation does not work on this node: {trouble}")
    return TCG


def why_not(kvm_path: str) -> str | None:
    """Why KVM can not be used here; None when it works. Tries it when nobody has since boot."""
    if not os.path.exists(_DEVICE):
        return f"there is no {_DEVICE}"
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return f"{_DEVICE} may not be opened by this user"
    path = os.path.join(pathutils.RUN_DIR, "kvm-accelerator")
    key = [linux.boot_id(), kvm_path, os.stat(_DEVICE).st_rdev]
    with io.lock_file(f"{path}.lock", timeout=4 * _TIMEOUT):
        known = _read(path)
        if known.get("for") == key:
            return known["trouble"]  # type: ignore[no-any-return]
        trouble = _try(kvm_path)
        logging.info("Hardware virtualisation: %s", trouble or "works")
        io.write_file(path, serializer.dump({"for": key, "trouble": trouble}), mode=0o644)
    return trouble


def _read(path: str) -> dict[str, Any]:
    try:
        content = serializer.load(io.read_file(path))
    except FileNotFoundError:
        return {}
    except errors.ParseError as err:
        logging.warning("%s is damaged (%s); KVM is tried again", path, err)
        return {}
    return content if isinstance(content, dict) else {}


def _try(kvm_path: str) -> str | None:
    with tempfile.NamedTemporaryFile(prefix="ganeti-kvm-probe-") as image:
        image.write(_GUEST)
        image.flush()
        result = process.run(
            [kvm_path, "-nodefaults", "-no-user-config", "-display", "none",
             "-machine", "pc,accel=kvm", "-m", "16", "-no-reboot",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=0x01",
             "-drive", f"file={image.name},format=raw,if=ide,readonly=off,snapshot=on"],
            timeout=_TIMEOUT)
    if result.exit_code == _GUEST_EXIT:
        return None
    if result.timed_out is not None:
        return f"a guest of 512 bytes did not end within {_TIMEOUT} s"
    words = result.output.strip().splitlines()
    return words[-1] if words else f"a guest of 512 bytes ended with {result.fail_reason}"
