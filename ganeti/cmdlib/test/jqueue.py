"""Exercising the job queue: messages, notifications, failure."""

from __future__ import annotations

import os
import select
import socket
import tempfile
from typing import Any

from ganeti import constants, errors, opcodes, pathutils
from ganeti.cmdlib import base

CONNECT_SECONDS = 20.0
CONFIRM_SECONDS = 60.0

EXPAND_NAMES = "expandnames"
EXEC = "exec"
START_MESSAGES = "startmsg"
MESSAGE = "logmsg"
PREFIX = "prefix:"


class LUTestJqueue(base.LogicalUnit):
    """Log messages; stop at the stages that the opcode names until a client confirms."""

    OP = opcodes.OpTestJqueue

    def expand(self) -> None:
        if self.op.notify_waitlock:
            self.notify(EXPAND_NAMES, None)

    def locks(self, level: base.Level) -> base.LockRequest | None:
        if level is base.Level.NODE:
            return base.LockRequest([self.config.cluster.master_node])
        return None

    def exec(self) -> bool:
        if self.op.notify_exec:
            self.notify(EXEC, None)
        if self.op.log_messages:
            self.notify(START_MESSAGES, len(self.op.log_messages))
            for number, message in enumerate(self.op.log_messages):
                self.feedback(PREFIX + message)
                self.notify(MESSAGE, number + 1)
        if self.op.fail:
            raise errors.OpExecError("Opcode failure was requested")
        return True

    def notify(self, stage: str, argument: Any) -> None:
        """Tell the client through the log where the job is, and wait for its confirmation."""
        with tempfile.TemporaryDirectory(prefix="jqueue-", dir=pathutils.RUN_DIR) as directory:
            path = os.path.join(directory, "sock")
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
                listener.bind(path)
                listener.listen(1)
                self.feedback([path, stage, argument], constants.ELOG_JQUEUE_TEST)
                listener.settimeout(CONNECT_SECONDS)
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    raise errors.OpExecError(
                        f"No client has connected within {CONNECT_SECONDS:.0f} s") from None
            with connection:
                ready, _, _ = select.select([connection], [], [], CONFIRM_SECONDS)
                if not ready:
                    raise errors.OpExecError(
                        f"The client has not confirmed within {CONFIRM_SECONDS:.0f} s")
        self.check_cancel()
