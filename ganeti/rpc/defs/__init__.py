"""The table of all node RPCs, put together from one module a subject."""

from __future__ import annotations

import functools

from ganeti import errors
from ganeti.rpc.calls import Call
from ganeti.rpc.defs import (
    blockdev,
    files,
    instance,
    network,
    node,
    os,
    queue,
    ssh,
    storage,
    transfer,
)

SUBJECTS = [blockdev, files, instance, network, node, os, queue, ssh, storage, transfer]


@functools.cache
def table() -> dict[str, Call]:
    """Every call by its name."""
    return {call.name: call for subject in SUBJECTS for call in subject.CALLS}


def get(name: str) -> Call:
    """The row of one call; an unknown name is the caller's bug."""
    try:
        return table()[name]
    except KeyError:
        raise errors.ProgrammerError(f"There is no node RPC '{name}'") from None
