"""The TPM of a guest: a process of swtpm's beside QEMU, which ends with it."""

from __future__ import annotations

import logging
import os
import time

from ganeti import errors
from ganeti.hypervisor.kvm import launch
from ganeti.hypervisor.kvm.command import CommandLine, option
from ganeti.hypervisor.kvm.guest import Guest
from ganeti.hypervisor.kvm.paths import Files
from ganeti.hypervisor.kvm.state import Kept
from ganeti.utils import io, process

DEVICE = "tpm-crb"
_START_TIMEOUT = 10.0
_END_TIMEOUT = 3.0
_POLL = 0.02


def arguments(guest: Guest, cmd: CommandLine) -> None:
    if not guest.hvp["vtpm"]:
        return
    cmd.add("-chardev", option("socket", {"id": "tpm0-socket", "path": guest.files.tpm}))
    cmd.add("-tpmdev", "emulator,id=tpm0,chardev=tpm0-socket")
    cmd.device(driver=DEVICE, tpmdev="tpm0")


def start(program: str, files: Files, kept: Kept) -> None:
    """Start the emulator, and wait until QEMU can talk to it. It ends when QEMU hangs up."""
    kept.make_directory(kept.tpm)
    number = process.start_daemon(
        [program, "socket", "--tpm2", "--tpmstate", f"dir={kept.tpm},mode=0600",
         "--ctrl", f"type=unixio,path={files.tpm},mode=0600", "--pid", f"file={files.tpm_pid}",
         "--terminate"], output=files.tpm_log)
    deadline = time.monotonic() + _START_TIMEOUT
    while not (os.path.exists(files.tpm) and pid(files)):
        if not process.alive(number) or time.monotonic() > deadline:
            end(files)
            raise errors.HypervisorError(
                f"The TPM of instance {files.name} does not start ({program} on {kept.tpm}); see"
                f" {files.tpm_log}")
        time.sleep(_POLL)


def pid(files: Files) -> int | None:
    """The emulator of a guest; None when it does not run."""
    number = io.read_pid_file(files.tpm_pid)
    if not number:
        return None
    try:
        with open(f"/proc/{number}/cmdline", "rb") as stream:
            words = stream.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    ours = f"path={files.tpm},".encode()
    return number if any(ours in word for word in words) else None


def end(files: Files) -> None:
    """See to it that the emulator of a guest that is gone is gone as well.

    It goes by itself when QEMU hangs up, after it has written what it has to keep.
    """
    number = pid(files)
    if not number:
        return
    if not launch.wait_gone(number, _END_TIMEOUT):
        logging.info("Ending the TPM of instance %s (process %d)", files.name, number)
        process.end(number, _END_TIMEOUT)
