"""Guests that are processes in a changed root directory: the first disk, mounted on the node.

A program on that disk, the parameter ``init_script``, is called in the chroot with ``start``,
``stop`` and ``status``. There is no isolation but of files: no limits, no network of their own.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, ht, objects, pathutils, serializer
from ganeti.hypervisor import base, console, linux, rootfs
from ganeti.utils import io, process

_MOUNTS = "/proc/self/mountinfo"
_SCRIPT_TIMEOUT = 300
_MOUNT_TIMEOUT = 60
_END_TIMEOUT = 15
_POLL = 0.02
#: What init scripts answer to `status` when nothing runs
_NOT_RUNNING = 3
_SUFFIX = ".state"
_STATE = ht.Object({"memory": ht.Int, "vcpus": ht.Int, "init_script": ht.String}, exact=False)


def _directory(name: str) -> str:
    """Where the guest's root file system is mounted."""
    if "/" in name or name.startswith("."):
        raise errors.HypervisorError(f"Wrong instance name '{name}'")
    return os.path.join(pathutils.CHROOT_DIR, name)


def _state_file(name: str) -> str:
    return _directory(name) + _SUFFIX


def _mounts(directory: str) -> list[str]:
    """What is mounted on a directory and below it, in the order of mounting."""
    with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as stream:
        points = [line.split()[4].replace("\\040", " ") for line in stream]
    return [point for point in points if (point + "/").startswith(directory + "/")]


def _processes(directory: str) -> list[int]:
    """Processes whose root directory is inside a directory."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                root = os.readlink(f"/proc/{entry}/root")
            except OSError:
                # it has just ended, or belongs to somebody else and so is no guest's
                continue
            if (root + "/").startswith(directory + "/"):
                found.append(int(entry))
    return sorted(found)


class ChrootHypervisor(base.BaseHypervisor):
    """Processes in a chroot, started and stopped by a script of their own."""

    name = constants.HT_CHROOT

    # Life ------------------------------------------------------------------------------------

    def start(self, instance: objects.Instance, block_devices: Sequence[base.BlockDevice],
              paused: bool = False) -> None:
        """Mount the first disk and run its init script; what fails is taken back."""
        name = instance.name
        trouble = self.verify()
        if trouble is not None:
            raise errors.HypervisorError(f"This node can not run chroots: {trouble}")
        if not block_devices:
            raise errors.HypervisorError(
                f"Instance {name} has no disk; a chroot needs one with a root file system on it")
        self._take_apart(name)
        try:
            os.makedirs(_directory(name), mode=0o755, exist_ok=True)
            os.makedirs(pathutils.LOG_CHROOT_DIR, mode=0o750, exist_ok=True)
            # before the mount: a guest that is mounted has a state, whenever we may be killed
            self._write_state(instance)
            self._mount(name, block_devices[0])
            self._script(name, "start").require_success(f"Starting instance {name} in its chroot")
            if not self._runs(name):
                raise errors.HypervisorError(
                    f"Instance {name} does not run although its init script said so; see"
                    f" {self._log(name)}")
            if paused:
                self._signal(name, signal.SIGSTOP)
        except (errors.GenericError, OSError) as err:
            self._take_apart(name)
            if isinstance(err, OSError):
                raise errors.HypervisorError(
                    f"The chroot of instance {name} can not be prepared: {err}") from err
            raise

    def _mount(self, name: str, device: base.BlockDevice) -> None:
        process.run(rootfs.mount_command(name, device, _directory(name)), timeout=_MOUNT_TIMEOUT
                    ).require_success(f"Mounting the first disk of instance {name}")

    def _write_state(self, instance: objects.Instance) -> None:
        state = {"memory": instance.beparams[constants.BE_MAXMEM],
                 "vcpus": instance.beparams[constants.BE_VCPUS],
                 "init_script": instance.hvparams["init_script"]}
        io.write_file(_state_file(instance.name), serializer.dump(state), mode=0o640, sync=False)

    def _state(self, name: str) -> dict[str, Any]:
        try:
            state = serializer.load(io.read_file(_state_file(name)))
            _STATE.check(state)
        except (FileNotFoundError, errors.ParseError, ht.Mismatch) as err:
            raise errors.HypervisorError(
                f"What is noted of instance {name} in {_state_file(name)} is unusable: {err}"
                ) from err
        return dict(state)

    def _log(self, name: str) -> str:
        return os.path.join(pathutils.LOG_CHROOT_DIR, f"{name}.log")

    def _script(self, name: str, action: str, timeout: float = _SCRIPT_TIMEOUT
                ) -> process.Result:
        """Run the guest's init script; its output goes to the guest's log."""
        return process.run(
            ["chroot", _directory(name), self._state(name)["init_script"], action],
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            reset_env=True, timeout=timeout, output=self._log(name))

    def stop(self, instance: objects.Instance, *, force: bool = False, retry: bool = False,
             name: str | None = None, timeout: float | None = None) -> None:
        """Run the init script with `stop`, or end all processes of the guest."""
        name = name or instance.name
        if not self._is_mounted(name):
            return
        if force:
            self._take_apart(name)
            return
        self._signal(name, signal.SIGCONT)
        result = self._script(name, "stop", max(1.0, timeout or _SCRIPT_TIMEOUT))
        if result.failed:
            logging.warning("Stopping instance %s in its chroot: %s", name, result.fail_reason)

    def cleanup(self, name: str) -> None:
        """Unmount what a stopped guest has left mounted."""
        if self._is_mounted(name) and self._runs(name):
            raise errors.HypervisorError(f"Instance {name} still runs; stop it first")
        self._take_apart(name)

    def reboot(self, instance: objects.Instance) -> None:
        """Stop and start by the init script; the file system stays mounted."""
        name = instance.name
        if not self._is_mounted(name) or not self._runs(name):
            raise errors.HypervisorError(f"Instance {name} does not run on this node")
        self.stop(instance)
        self._end(name)
        self._script(name, "start").require_success(f"Starting instance {name} in its chroot")

    # The guest's processes and mounts ---------------------------------------------------------

    def _is_mounted(self, name: str) -> bool:
        return _directory(name) in _mounts(_directory(name))

    def _runs(self, name: str) -> bool:
        """Whether a mounted guest has processes, or at least its script says that it runs."""
        return bool(_processes(_directory(name))) or (
            self._script(name, "status").exit_code == 0)

    def _signal(self, name: str, number: signal.Signals) -> None:
        for pid in _processes(_directory(name)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def _end(self, name: str) -> None:
        """End all processes inside."""
        deadline = time.monotonic() + _END_TIMEOUT
        while _processes(_directory(name)):
            if time.monotonic() > deadline:
                raise errors.HypervisorError(
                    f"Processes of instance {name} survive SIGKILL; they hang in the kernel,"
                    " probably on storage that does not answer")
            self._signal(name, signal.SIGKILL)
            time.sleep(_POLL)

    def _take_apart(self, name: str) -> None:
        """End, unmount and forget a guest; what is gone already is no trouble."""
        directory = _directory(name)
        if os.path.isdir(directory):
            self._end(name)
            for point in reversed(_mounts(directory)):
                self._unmount(point)
            os.rmdir(directory)
        io.remove_file(_state_file(name))

    def _unmount(self, point: str) -> None:
        """Unmount; the kernel may hold files of processes that ended for a moment longer."""
        deadline = time.monotonic() + _END_TIMEOUT
        while (result := process.run(["umount", point], timeout=_MOUNT_TIMEOUT)).failed:
            if time.monotonic() > deadline:
                result.require_success(
                    f"Unmounting {point} (who uses it tells 'fuser -vm {point}')")
            time.sleep(_POLL)

    # Looking ---------------------------------------------------------------------------------

    def list_instances(self, hvparams: base.HvParams | None = None) -> list[str]:
        return [name for name in io.list_visible(pathutils.CHROOT_DIR)
                if os.path.isdir(_directory(name)) and self._is_mounted(name)
                and self._runs(name)]

    def instance_info(self, name: str, hvparams: base.HvParams | None = None
                      ) -> base.InstanceInfo | None:
        """State of a guest; its memory and processors are what its parameters say."""
        if not self._is_mounted(name) or not self._runs(name):
            return None
        state = self._state(name)
        pids = _processes(_directory(name))
        return base.InstanceInfo(name, pids[0] if pids else 0, state["memory"], state["vcpus"],
                                 time=sum(_cpu_seconds(pid) for pid in pids))

    def node_info(self, hvparams: base.HvParams | None = None) -> dict[str, Any]:
        return linux.node_info()

    @classmethod
    def console(cls, instance: objects.Instance, node: objects.Node, group: objects.NodeGroup,
                hvparams: base.HvParams, beparams: Mapping[str, Any]) -> dict[str, Any]:
        """A shell in the chroot, over ssh; the path is logical."""
        return console.ssh(instance.name, node.name, constants.SSH_LOGIN_USER, [
            pathutils.CHROOT_CONSOLE_WRAPPER, pathutils.logical(pathutils.CHROOT_DIR),
            instance.name])

    def verify(self, hvparams: base.HvParams | None = None) -> str | None:
        """Root and the programs that mount are all it takes."""
        if os.getuid() != 0:
            return ("chroots need a node daemon that runs as root; take 'chroot' out of the"
                    " cluster's enabled hypervisors, or run the daemons as root")
        missing = [program for program in ("chroot", *rootfs.PROGRAMS)
                   if shutil.which(program) is None]
        if missing:
            return f"Programs are missing on this node: {', '.join(missing)}"
        return None


def _cpu_seconds(pid: int) -> float:
    try:
        return linux.cpu_seconds(pid)
    except errors.HypervisorError:
        # it has ended since it was found
        return 0.0
