"""Replication of the job queue: rows of the RPC table."""

from __future__ import annotations

from ganeti.rpc.calls import NORMAL, URGENT, Arg, Call
from ganeti.rpc.kinds import COMPRESSED

CALLS = [
    Call("jobqueue_apply", Arg("changes"), timeout=URGENT, multi=True, idempotent=True,
         result="null; all changes of a batch are durable"),
    Call("jobqueue_purge", timeout=NORMAL, idempotent=True, result="null"),
    Call("jobqueue_rename", Arg("rename"), timeout=URGENT, multi=True, result="list of null"),
    Call("jobqueue_set_drain_flag", Arg("flag"), timeout=URGENT, multi=True, idempotent=True,
         result="null"),
    Call("jobqueue_update", Arg("file_name"), Arg("content", COMPRESSED), timeout=URGENT,
         multi=True, idempotent=True, result="null"),
]
