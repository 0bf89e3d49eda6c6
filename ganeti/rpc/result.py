"""What comes back from one node RPC."""

from __future__ import annotations

from typing import Any

from ganeti import errors


class RpcResult:
    """The answer of one node, or why there is none.

    :ivar payload: the answer; None after a failure
    :ivar fail_msg: empty when the call succeeded
    :ivar offline: the call was not sent, since the node is marked offline
    """

    __slots__ = ("call", "fail_msg", "node_name", "node_uuid", "offline", "payload")

    def __init__(self, *, node_uuid: str, node_name: str, call: str, payload: Any = None,
                 fail_msg: str = "", offline: bool = False):
        self.node_uuid = node_uuid
        self.node_name = node_name
        self.call = call
        self.payload = payload
        self.fail_msg = fail_msg
        self.offline = offline

    def __repr__(self) -> str:
        state = "offline" if self.offline else (self.fail_msg or "ok")
        return f"<RpcResult {self.call} on {self.node_name}: {state}>"

    def raise_if_failed(self, text: str, prereq: bool = False, ecode: str | None = None) -> Any:
        """The payload; a failure is raised as the operation's error, introduced by `text`."""
        if not self.fail_msg:
            return self.payload
        message = f"{text}: {self.fail_msg}"
        if prereq:
            raise errors.OpPrereqError(message, ecode or errors.ECODE_ENVIRON)
        raise errors.OpExecError(message)
