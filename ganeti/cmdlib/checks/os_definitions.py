"""Operating system definitions: do the nodes have one, and does it accept the parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganeti import constants, errors
from ganeti.cmdlib import base


def require(
    lu: base.LogicalUnit,
    node_uuids: Iterable[str],
    os_type: str,
    params: Mapping[str, Any],
    *,
    force_variant: bool = False,
    required: bool = True,
) -> None:
    """Refuse an OS that a node does not have, or whose verify script refuses the parameters."""
    online = [uuid for uuid in node_uuids if not lu.config.nodes[uuid].offline]
    answers = lu.rpc.os_validate(
        online, required, os_type, [constants.OS_VALIDATE_PARAMETERS], dict(params),
        force_variant)
    for node_uuid, result in answers.items():
        name = lu.config.nodes[node_uuid].name
        result.raise_if_failed(f"OS '{os_type}' can not be used on node {name}", prereq=True,
                               ecode=errors.ECODE_INVAL)
        if not result.payload:
            lu.feedback.info(f"OS {os_type} not found on node {name}, its parameters were not"
                             " checked there")
