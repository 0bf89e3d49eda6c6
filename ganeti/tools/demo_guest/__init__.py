"""The guest of the demo and of tests: Debian's kernel, and a busybox that counts on its console.

`build()` makes it once and keeps it in a cache; it needs no root, and no network the second time.
What goes on in the guest is in :mod:`.init`; the OS definition that fills its disk is
tools/os/demo-linux.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ganeti import errors
from ganeti.utils import io


class GuestError(errors.GenericError):
    """The guest can not be made; the text says what is missing."""


@dataclass(frozen=True)
class Guest:
    """Files on this host for the hypervisor parameters kernel_path and initrd_path."""

    kernel: Path
    initrd: Path


def cache_directory() -> Path:
    """Where the guest is kept: $GANETI_DEMO_CACHE, or the user's cache."""
    told = os.environ.get("GANETI_DEMO_CACHE")
    if told:
        return Path(told).absolute()
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "ganeti-demo"


def build(directory: Path | None = None) -> Guest:
    """The guest, from the cache where possible; other builders at work are waited for."""
    from ganeti.tools.demo_guest import fetch, initrd

    cache = directory or cache_directory()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with io.lock_file(str(cache / "lock"), timeout=300):
            kernel = fetch.kernel(cache)
            busybox = fetch.busybox(cache)
            image = initrd.make(cache, kernel, busybox)
    except OSError as err:
        raise GuestError(f"Can not make the demo's guest in {cache}: {err}") from err
    return Guest(kernel.image, image)


def main() -> int:
    """`python -m ganeti.tools.demo_guest [DIRECTORY]`: build and print the two paths."""
    begun = time.monotonic()
    try:
        guest = build(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else None)
    except errors.GenericError as err:
        print(f"demo_guest: {errors.text(err)}", file=sys.stderr)
        return 1
    print(f"{guest.kernel}\n{guest.initrd}")
    print(f"({time.monotonic() - begun:.2f} s)", file=sys.stderr)
    return 0
