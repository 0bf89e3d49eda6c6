"""Waiting, on the master and on nodes."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import tempfile
from collections.abc import Iterator

from ganeti import constants, errors, opcodes, pathutils
from ganeti.cmdlib import base


class LUTestDelay(base.LogicalUnit):
    """Wait a while, as often as told."""

    OP = opcodes.OpTestDelay

    def expand(self) -> None:
        if self.op.duration < 0:
            raise errors.OpPrereqError("The duration of a delay can not be negative",
                                       errors.ECODE_INVAL)
        if self.op.interruptible and self.op.on_nodes:
            raise errors.OpPrereqError("Only a delay on the master can be interrupted",
                                       errors.ECODE_INVAL)
        uuids = list(self.op.on_node_uuids or [])
        uuids += [self.config.expand_node(name).uuid for name in self.op.on_nodes]
        self.node_uuids = list(dict.fromkeys(uuids))

    def locks(self, level: base.Level) -> base.LockRequest | None:
        if level is not base.Level.NODE:
            return None
        names = [*self.node_uuids]
        if self.op.on_master:
            names.append(self.config.cluster.master_node)
        return base.LockRequest(names) if names else None

    def exec(self) -> None:
        if not self.op.repeat:
            self.wait_once()
            return
        for number in range(self.op.repeat):
            self.feedback(f"Test delay iteration {number}/{self.op.repeat - 1}")
            self.wait_once()

    def wait_once(self) -> None:
        """One delay, on nodes and on the master."""
        if self.op.interruptible:
            self.wait_for_interrupt()
            return
        if self.node_uuids:
            results = self.rpc.test_delay(self.node_uuids, self.op.duration)
            for result in results.values():
                result.raise_if_failed(f"Delay on node {result.node_name} failed")
        if self.op.on_master and self.op.duration:
            self.job.cancel_requested.wait(self.op.duration)
            self.check_cancel()

    def wait_for_interrupt(self) -> None:
        """Wait until somebody connects to a socket, at most as long as the delay."""
        with _listener() as (listener, path):
            self.feedback([path], constants.ELOG_DELAY_TEST)
            select.select([listener], [], [], self.op.duration)
        self.check_cancel()


@contextlib.contextmanager
def _listener() -> Iterator[tuple[socket.socket, str]]:
    """A socket in a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="delay-", dir=pathutils.RUN_DIR) as directory:
        path = os.path.join(directory, "delay.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(1)
            yield listener, path
