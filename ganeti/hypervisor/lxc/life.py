"""A container's coming to life and its end, with everything it takes and leaves."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import time
from collections.abc import Sequence

from ganeti import errors, objects
from ganeti.hypervisor import rootfs
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.lxc import cgroup, config, disks, limits, network, paths, program
from ganeti.hypervisor.lxc.cgroup import Group
from ganeti.hypervisor.lxc.paths import MONITOR, Files
from ganeti.utils import io, process

_END_TIMEOUT = 15
_POLL = 0.02
#: Without this capability a first process can not tell the kernel that it has shut down
_SYS_BOOT = 1 << 22
_FROZEN = ("FROZEN", "FREEZING")
#: How long a container may take to stand still, attempt by attempt
_FREEZE_TIMEOUTS = (5, 5, 10, 10)


def group(files: Files) -> Group:
    return Group(cgroup.tree(), files)


def start(instance: objects.Instance, devices: Sequence[BlockDevice], paused: bool) -> None:
    """Start a container; what fails underway is taken back."""
    files = Files(instance.name)
    prepare(files)
    try:
        _configure(instance, files, devices)
        run(instance, files)
        if paused:
            freeze(files)
    except (errors.GenericError, OSError) as err:
        end(files, at_once=True)
        remove_traces(files)
        if isinstance(err, OSError):
            raise errors.HypervisorError(
                f"Container {files.name} can not be prepared: {err}") from err
        raise


def prepare(files: Files) -> None:
    """Remove what an earlier container of the name has left, and make its directories."""
    paths.ensure_directories()
    # first, so that control groups are looked for even where the directory was lost
    _make(files.directory)
    if is_running(files):
        raise errors.HypervisorError(f"Instance {files.name} runs already")
    end(files)
    remove_traces(files)
    _make(files.rootfs)


def _make(directory: str) -> None:
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
    except OSError as err:
        raise errors.HypervisorError(f"Can not prepare {directory}: {err.strerror}") from err


def _configure(instance: objects.Instance, files: Files,
               devices: Sequence[BlockDevice]) -> None:
    if not devices:
        raise errors.HypervisorError(
            f"Instance {instance.name} has no disk; a container needs one with the root file"
            " system of its operating system on it")
    limits.prepare_extra(instance.hvparams)
    mount = shlex.join(rootfs.mount_command(instance.name, devices[0], files.rootfs))
    text = config.render(instance, files, cgroup.tree(),
                         f"{mount} 2>>{shlex.quote(files.messages)}",
                         disks.attach(files, devices[1:]), network.settings(instance, files))
    io.write_file(files.config, text, mode=0o640, sync=False)


def run(instance: objects.Instance, files: Files) -> None:
    """Start the configured container and wait until it runs; no longer than startup_timeout."""
    patience = instance.hvparams["startup_timeout"] or None
    begun = time.monotonic()
    program.start(files, patience)
    left = _END_TIMEOUT if patience is None else patience - (time.monotonic() - begun)
    if not program.wait(files, "RUNNING", max(1, round(left))) or not is_running(files):
        raise errors.HypervisorError(
            f"Container {files.name} ended at once; the last of its console is in"
            f" {files.console_log}")


def first_process(files: Files, tree: cgroup.Tree | None = None) -> int | None:
    """The first process of a container; None when it does not run."""
    if not os.path.exists(files.directory):
        return None
    return cgroup.init_of(Group(tree or cgroup.tree(), files).processes())


def is_running(files: Files) -> bool:
    return first_process(files) is not None


def ask_to_stop(files: Files) -> None:
    """Send the signal that asks the first process to shut down; does not wait."""
    thaw(files)
    program.require("lxc-stop", files, "--nokill", "--nowait")


def freeze(files: Files) -> None:
    """Pause a container.

    A process that can not be stopped just then keeps the kernel on its way for as long as it is
    asked: the container is let go and asked again.
    """
    for patience in _FREEZE_TIMEOUTS:
        result = program.call("lxc-freeze", files, timeout=patience)
        if result.timed_out is None:
            break
        thaw(files)
    program.check("lxc-freeze", files, result)


def thaw(files: Files) -> None:
    """Let a paused container go on: a frozen one hears no signal."""
    own = group(files)
    if own.read("freezer", "freezer.state") in _FROZEN:
        own.write("freezer", "freezer.state", "THAWED")
    elif own.read("freezer", "cgroup.freeze") == "1":
        own.write("freezer", "cgroup.freeze", "0")


def is_frozen(files: Files) -> bool:
    own = group(files)
    return (own.read("freezer", "freezer.state") in _FROZEN
            or own.read("freezer", "cgroup.freeze") == "1")


def has_shut_down(files: Files) -> bool:
    """Whether only a first process is left that may not tell the kernel of its end.

    Containers without the capability sys_boot stay like this for ever after their shutdown.
    """
    processes = group(files).processes()
    init = cgroup.init_of(processes)
    return len(processes) == 1 and init is not None and not _may_reboot(init)


def _may_reboot(number: int) -> bool:
    for line in cgroup.status_lines(number):
        if line.startswith("CapBnd:"):
            return bool(int(line.split()[1], 16) & _SYS_BOOT)
    return True


def end(files: Files, at_once: bool = False) -> None:
    """End all processes of a container, whatever became of its monitor.

    A monitor that lives takes down what it has set up, and goes too; `at_once` is for one that
    may be at its start yet.
    """
    if not os.path.exists(files.directory):
        return
    thaw(files)
    _kill(group(files))
    if at_once:
        _kill_monitor(files)
    else:
        _await_monitor(files)


def _kill(group: Group) -> None:
    deadline = time.monotonic() + _END_TIMEOUT
    while group.processes():
        if time.monotonic() > deadline:
            raise errors.HypervisorError(
                f"Processes of container {group.files.name} survive SIGKILL; they hang in the"
                " kernel, probably on storage that does not answer")
        group.kill()
        time.sleep(_POLL)


def _await_monitor(files: Files) -> None:
    """Wait until the monitor of a container that ended is gone; end one that hangs."""
    deadline = time.monotonic() + _END_TIMEOUT
    while program.monitor(files) is not None:
        if time.monotonic() > deadline:
            logging.warning("The monitor of container %s did not end with it, ending it",
                            files.name)
            _kill_monitor(files)
            return
        time.sleep(_POLL)


def _kill_monitor(files: Files) -> None:
    """End a monitor and the hooks that it runs; before it has its group they share its session."""
    watcher = program.monitor(files)
    if watcher is not None:
        try:
            leads = os.getpgid(watcher) == watcher
        except ProcessLookupError:
            return
        process.end(watcher, 0.0, group=leads)
    _kill(Group(cgroup.tree(), files, MONITOR))


def remove_traces(files: Files) -> None:
    """Remove files, loop devices and control groups of a container that does not run.

    Its logs stay.
    """
    if not os.path.exists(files.directory):
        return
    _await_monitor(files)
    cgroup.remove(files)
    disks.detach(files)
    try:
        # not by rmtree: if a guest's disk should be mounted there, its files are not ours
        if os.path.isdir(files.rootfs):
            os.rmdir(files.rootfs)
        shutil.rmtree(files.directory)
    except FileNotFoundError:
        return
    except OSError as err:
        raise errors.HypervisorError(
            f"Can not remove {files.directory}: {err}; 'umount -l {files.rootfs}' if something"
            " is mounted there") from err
