"""The notes under ``bdev-cache`` that tell which instance uses an assembled device."""

from __future__ import annotations

import os

from ganeti import pathutils
from ganeti.utils import io


def _note_file(device_path: str) -> str:
    name = device_path.removeprefix("/dev/").replace("/", "_")
    return os.path.join(pathutils.BDEV_CACHE_DIR, f"bdev_{name}")


def note(owner: str, on_primary: bool, iv_name: str, device_path: str) -> None:
    """Write down who uses a device."""
    os.makedirs(pathutils.BDEV_CACHE_DIR, mode=0o755, exist_ok=True)
    role = "primary" if on_primary else "secondary"
    io.write_file(_note_file(device_path), f"{owner} {role} {iv_name or 'not_visible'}\n",
                  mode=0o644, sync=False)


def forget(device_path: str) -> None:
    """Remove the note of a device, if there is one."""
    io.remove_file(_note_file(device_path))
