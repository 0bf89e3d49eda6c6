"""How a guest comes to life from its runtime, and what is done when it is gone."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence

from ganeti import errors, objects
from ganeti.hypervisor.kvm import (
    binary,
    build,
    cpu,
    display,
    launch,
    migrate,
    paths,
    runtime,
    security,
    tap,
    tpm,
)
from ganeti.hypervisor.kvm.paths import Files
from ganeti.hypervisor.kvm.qmp import CommandRefused, Session
from ganeti.hypervisor.kvm.runtime import Runtime
from ganeti.hypervisor.kvm.state import Kept
from ganeti.undo import Undo

#: A guest that does not react to its power button after so many presses is reset
_PRESSES = 20
_PRESS_INTERVAL = 3.0
_STATE_TIMEOUT = 10.0
_POLL = 0.05


def prepare(files: Files) -> None:
    paths.ensure_directories()
    files.check_sockets()
    if launch.pid(files) is not None:
        raise errors.HypervisorError(
            f"Instance {files.name} runs already on this node (process {launch.pid(files)})")
    remove_traces(files)


def execute(run: Runtime, instance: objects.Instance, *, paused: bool = False,
            target: str | None = None) -> None:
    """Bring a runtime to life; with `target` it waits there for a guest that arrives."""
    files = Files(instance.name)
    with Undo() as undo:
        undo.push("remove the guest's files", remove_traces, files)
        run.save(files)
        if run.hvp["vtpm"]:
            tpm.start(run.hvp["swtpm_path"], files, Kept(instance.uuid))
        queues: list[list[int]] = []
        try:
            _make_taps(run, instance, files, queues, arriving=target is not None)
            argv = build.arguments(run, queues)
            argv += security.arguments(run.hvp, binary.probe(run.command[0]), files)
            argv += ["-pidfile", files.pid]
            argv += ["-S"] if target is None else ["-incoming", "defer"]
            pid = launch.start(argv, files, [fd for fds in queues for fd in fds])
        finally:
            for fds in queues:
                tap.close(fds)
        undo.push("end QEMU", launch.end, files)
        _set_up(run, instance, pid, paused=paused, target=target)
        undo.forget()


def _make_taps(run: Runtime, instance: objects.Instance, files: Files,
               queues: list[list[int]], *, arriving: bool) -> None:
    names: list[str] = []
    for number, nic in enumerate(run.nics):
        name, fds = tap.create(nic.nic, nic.queues(run.hvp), nic.wants_header(run.hvp))
        queues.append(fds)
        names.append(name)
        tap.write_records(files, names)
        if not arriving or tap.connects_early(nic.nic):
            tap.connect(instance, number, nic.nic, name, tap.INCOMING if arriving else "")


def _set_up(run: Runtime, instance: objects.Instance, pid: int, *, paused: bool,
            target: str | None) -> None:
    """What is told to QEMU before the guest runs."""
    files = Files(instance.name)
    with Session(files.qmp, files.name) as session:
        cpu.pin(run.hvp["cpu_mask"], run.vcpus, pid, session)
        display.set_passwords(run.hvp, session)
        if target is not None:
            migrate.receive(session, migrate.parameters(instance.hvparams, run.hvp), target)
        elif not paused:
            session.execute("cont")


def remove_traces(files: Files) -> None:
    if os.path.exists(files.runtime):
        _forget_outside(files)
    tap.forget(files)
    security.release(files)
    tpm.end(files)
    for path in (*files.sockets, files.shutdown, files.pid, files.tpm_pid, files.runtime):
        if os.path.lexists(path):
            os.unlink(path)


def _forget_outside(files: Files) -> None:
    """Take back what only the runtime knows of: connections, and the socket of VNC."""
    try:
        run = runtime.load(files)
    except errors.HypervisorError as err:
        logging.warning("Interfaces of %s stay connected: %s", files.name, err)
        return
    if (path := display.vnc_socket(run.hvp, files.name)) and os.path.lexists(path):
        os.unlink(path)
    for number, (nic, name) in enumerate(zip(run.nics, tap.records(files), strict=False)):
        tap.disconnect(files.name, number, nic.nic, name)


def shut_down_inside(session: Session, name: str) -> None:
    """Press the power button, and keep QEMU alive when the guest is off."""
    try:
        session.execute("set-action", shutdown="pause")
    except CommandRefused as err:
        if err.kind != "CommandNotFound":
            raise
        logging.warning("QEMU of instance %s, older than 6.0, would end with the guest's system;"
                        " it is reset", name)
        return
    try:
        migrate.run(session)
        for _ in range(_PRESSES):
            # a guest that boots just now does not feel the first one
            session.execute("system_powerdown")
            if session.wait_event(("SHUTDOWN",), _PRESS_INTERVAL) is not None:
                wait_for(session, ("shutdown", "paused"))
                return
        logging.warning("Instance %s did not react to its power button within %g s, it is"
                        " reset", name, _PRESSES * _PRESS_INTERVAL)
    finally:
        session.execute("set-action", shutdown="poweroff")


def start_again(instance: objects.Instance) -> None:
    """End a QEMU and start it anew from its runtime, with what was plugged since."""
    files = Files(instance.name)
    run = runtime.load(files)
    launch.end(files)
    remove_traces(files)
    execute(run, instance)


def wait_for(session: Session, states: Sequence[str], timeout: float = _STATE_TIMEOUT) -> None:
    """Wait until QEMU is in one of these states."""
    deadline = time.monotonic() + timeout
    while (state := session.execute("query-status")["status"]) not in states:
        if time.monotonic() > deadline:
            raise errors.HypervisorError(
                f"QEMU is still in state '{state}' after {timeout:g} s; expected"
                f" {' or '.join(states)}")
        time.sleep(_POLL)
