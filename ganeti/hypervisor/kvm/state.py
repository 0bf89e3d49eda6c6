"""What a guest keeps beside its disks: the variables of its UEFI and the memory of its TPM.

They lie on the node where the guest is, below <data dir>/kvm-state in a directory of the
instance's uuid, which a new name does not change. A migration carries them inside QEMU's own
stream; the master copies them where a guest moves while it is off (doc/design/kvm-firmware.md).
"""

from __future__ import annotations

import base64
import logging
import os
import shutil
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganeti import errors, pathutils
from ganeti.utils import io

_NVRAM = "nvram.fd"
_TPM = "tpm"
_ARRIVING = "arriving"
#: Names of swtpm's that are worth keeping; its lock is not
_TPM_SUFFIXES = (".permall", ".volatilestate")
#: Flash is some MiB at most; nobody shall fill a node's disk by an answer
_LARGEST = 64 << 20


@dataclass(frozen=True)
class Kept:
    """The directory of one guest."""

    uuid: str

    @property
    def directory(self) -> str:
        return os.path.join(pathutils.KVM_STATE_DIR, self.uuid)

    @property
    def nvram(self) -> str:
        return os.path.join(self.directory, _NVRAM)

    @property
    def tpm(self) -> str:
        return os.path.join(self.directory, _TPM)

    @property
    def _arriving(self) -> str:
        return os.path.join(self.directory, _ARRIVING)

    @property
    def exists(self) -> bool:
        """Whether a guest's state is here; one that is just about to arrive does not count."""
        return os.path.isdir(self.directory) and not os.path.exists(self._arriving)

    def make_directory(self, path: str) -> None:
        try:
            os.makedirs(pathutils.KVM_STATE_DIR, mode=0o700, exist_ok=True)
            os.makedirs(path, mode=0o700, exist_ok=True)
        except OSError as err:
            raise errors.HypervisorError(f"Can not make {path}: {err.strerror}") from err

    # Variables -------------------------------------------------------------------------------

    def ensure_nvram(self, template: str) -> None:
        """Give a guest that has no variables yet those of a template."""
        if os.path.exists(self.nvram):
            return
        self.make_directory(self.directory)
        try:
            content = io.read_bytes(template)
        except OSError as err:
            raise errors.HypervisorError(
                f"The template of UEFI variables {template} can not be read: {err.strerror}"
                ) from err
        io.write_file(self.nvram, content, mode=0o600)
        logging.info("Made UEFI variables %s from %s", self.nvram, template)

    # Arrival ---------------------------------------------------------------------------------

    def expect(self, nvram_size: int | None) -> None:
        """Be ready for a guest that brings its state along; what is here is written over."""
        fresh = not os.path.isdir(self.directory)
        self.make_directory(self.directory)
        if fresh:
            io.write_file(self._arriving, b"", mode=0o600)
        if nvram_size is not None and (not os.path.exists(self.nvram)
                                       or os.path.getsize(self.nvram) != nvram_size):
            io.write_file(self.nvram, bytes(min(nvram_size, _LARGEST)), mode=0o600)

    def arrived(self, success: bool) -> None:
        """The guest has come with its state; or it has not, then an empty one is no copy."""
        if not os.path.exists(self._arriving):
            return
        if success:
            os.unlink(self._arriving)
        else:
            self.forget()

    def describe(self) -> dict[str, Any]:
        """What the target of a migration has to know."""
        return {"nvram_size": os.path.getsize(self.nvram) if os.path.exists(self.nvram) else None}

    # Copies ----------------------------------------------------------------------------------

    def pack(self) -> dict[str, Any] | None:
        """The state as JSON can carry it, with the time of its last change; None without one."""
        if not self.exists:
            return None
        paths = self._files()
        return {"saved": max((os.path.getmtime(path) for path in paths.values()),
                             default=time.time()),
                "files": {name: _encode(io.read_bytes(path)) for name, path in paths.items()}}

    def _files(self) -> dict[str, str]:
        found = {_NVRAM: self.nvram} if os.path.exists(self.nvram) else {}
        if os.path.isdir(self.tpm):
            found |= {f"{_TPM}/{name}": os.path.join(self.tpm, name)
                      for name in io.list_visible(self.tpm) if name.endswith(_TPM_SUFFIXES)}
        return found

    def unpack(self, state: Mapping[str, Any]) -> None:
        """Take over a state from another node."""
        files = {_checked(name): _decode(text) for name, text in state["files"].items()}
        self.forget()
        self.make_directory(self.directory)
        for name, content in files.items():
            path = os.path.join(self.directory, name)
            self.make_directory(os.path.dirname(path))
            io.write_file(path, content, mode=0o600)
            os.utime(path, (state["saved"], state["saved"]))

    def forget(self) -> None:
        """Remove all of it."""
        if os.path.isdir(self.directory):
            shutil.rmtree(self.directory)


def _checked(name: str) -> str:
    """Only names that are ours, since the path is made from them."""
    directory, _, base = name.rpartition("/")
    good = name == _NVRAM or (directory == _TPM and base.endswith(_TPM_SUFFIXES)
                              and base.replace(".", "").replace("-", "").isalnum())
    if not good:
        raise errors.HypervisorError(f"The state of a guest has the unknown part {name!r}")
    return name


def _encode(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def _decode(text: str) -> bytes:
    engine = zlib.decompressobj()
    try:
        content = engine.decompress(base64.b64decode(text, validate=True), _LARGEST)
    except (ValueError, zlib.error) as err:
        raise errors.HypervisorError(f"The state of a guest is damaged: {err}") from err
    if not engine.eof:
        raise errors.HypervisorError("The state of a guest is damaged or too large")
    return content
