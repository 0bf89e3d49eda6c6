"""Node groups: which nodes belong to them."""

from __future__ import annotations

from collections.abc import Mapping

from ganeti import errors, objects
from ganeti.config import draft as drafts


def assign(draft: drafts.Draft, moves: Mapping[str, str]) -> list[objects.Node]:
    """Move nodes to other groups (node uuid -> group uuid); returns the changed nodes."""
    changed = []
    for node_uuid, group_uuid in moves.items():
        group = draft.config.nodegroups.get(group_uuid)
        if group is None:
            raise errors.ConfigurationError(f"Node group {group_uuid} does not exist")
        node = draft.config.node(node_uuid)
        if node.group != group_uuid:
            changed.append(draft.update(node, group=group_uuid))
    return changed


def lookup_default(config: objects.ConfigData, wanted: str | None) -> objects.NodeGroup:
    """The named group, or the only one there is."""
    if wanted is not None:
        return config.expand_group(wanted)
    if len(config.nodegroups) == 1:
        return next(iter(config.nodegroups.values()))
    names = ", ".join(sorted(group.name for group in config.nodegroups.values()))
    raise errors.OpPrereqError(
        f"There are several node groups ({names}); say which one is meant", errors.ECODE_INVAL)
