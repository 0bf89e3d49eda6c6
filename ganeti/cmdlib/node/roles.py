"""The roles of a node and the changes between them, as pure functions.

A node is candidate, drained, offline or (none of them) regular; never two at a time.
"""

from __future__ import annotations

import dataclasses
import enum

from ganeti import errors, objects


class Role(enum.Enum):
    """What a node is for the cluster, the master apart."""

    CANDIDATE = "candidate"
    DRAINED = "drained"
    OFFLINE = "offline"
    REGULAR = "regular"


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """The changes an administrator asked for; None leaves a thing as it is."""

    master_candidate: bool | None = None
    drained: bool | None = None
    offline: bool | None = None
    master_capable: bool | None = None


FLAGS = ("master_candidate", "drained", "offline")
_OF_ROLE = {Role.CANDIDATE: "master_candidate", Role.DRAINED: "drained",
            Role.OFFLINE: "offline"}


def of(node: objects.Node) -> Role:
    """The role of a node."""
    if node.offline:
        return Role.OFFLINE
    if node.drained:
        return Role.DRAINED
    return Role.CANDIDATE if node.master_candidate else Role.REGULAR


def flags(role: Role) -> dict[str, bool]:
    """The three flags of a role."""
    return {name: _OF_ROLE.get(role) == name for name in FLAGS}


def check(wish: Wish) -> None:
    """Refuse wishes that contradict themselves."""
    wanted = [name for name in FLAGS if getattr(wish, name)]
    if len(wanted) > 1:
        raise errors.OpPrereqError(
            f"A node can not be {' and '.join(wanted)} at the same time", errors.ECODE_INVAL)
    if wish.master_candidate and wish.master_capable is False:
        raise errors.OpPrereqError(
            "A node that is not master_capable can not be a master candidate",
            errors.ECODE_INVAL)


def may_demote(wish: Wish) -> bool:
    """Whether the wish takes the candidate role away from a node that has it."""
    return (wish.offline is True or wish.drained is True or wish.master_candidate is False
            or wish.master_capable is False)


def resulting(node: objects.Node, wish: Wish, pool_has_room: bool) -> Role:
    """The role after the change.

    A node that comes back from drained or offline becomes a candidate by itself when the pool
    has room and nothing else was asked for.
    """
    old = of(node)
    capable = node.master_capable if wish.master_capable is None else wish.master_capable
    if wish.offline:
        return Role.OFFLINE
    if wish.drained:
        return Role.DRAINED
    if wish.master_candidate:
        if old in (Role.OFFLINE, Role.DRAINED) and _is_cleared(old, wish) is False:
            raise errors.OpPrereqError(
                f"Node {node.name} is {old.value}; it can not become a master candidate before"
                f" --{old.value}=no is given", errors.ECODE_STATE)
        return Role.CANDIDATE
    if old in (Role.OFFLINE, Role.DRAINED) and not _is_cleared(old, wish):
        return old
    came_back = old in (Role.OFFLINE, Role.DRAINED)
    if came_back and capable and pool_has_room and wish.master_candidate is None:
        return Role.CANDIDATE
    if old is Role.CANDIDATE and capable and wish.master_candidate is None:
        return Role.CANDIDATE
    return Role.REGULAR


def _is_cleared(old: Role, wish: Wish) -> bool:
    return (wish.offline if old is Role.OFFLINE else wish.drained) is False
