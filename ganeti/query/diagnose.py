"""What OS definitions and storage providers have in common: every node is asked for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ganeti import errors
from ganeti.query.fields import Context
from ganeti.utils import text

#: the need of all their fields
DIAGNOSED = "diagnosed"


class Found:
    """A definition with what each node tells about it."""

    __slots__ = ("cache", "name", "nodes")

    def __init__(self, name: str) -> None:
        self.name = name
        #: node name -> the places on the node where it was found, each without the name
        self.nodes: dict[str, list[list[Any]]] = {}
        #: what has been worked out from them
        self.cache: dict[str, Any] = {}


def collect(context: Context, answers: Any) -> dict[str, Found]:
    """Sort the answers of the nodes by definition; nodes that did not answer are left out."""
    names = {uuid: context.config.node(uuid).name
             for uuid, answer in answers.items() if not answer.status}
    found: dict[str, Found] = {}
    for uuid, name in names.items():
        for entry in answers[uuid].payload:
            item = found.setdefault(entry[0], Found(entry[0]))
            item.nodes.setdefault(name, []).append(list(entry[1:]))
    for item in found.values():
        for name in names.values():
            item.nodes.setdefault(name, [])
    return found


def asked_nodes(context: Context) -> list[str]:
    """The nodes that can know."""
    return [node.uuid for node in context.config.online_nodes() if node.vm_capable]


def items(kind: str) -> Callable[[Context, Sequence[Any] | None], list[Any]]:
    """The definitions in natural order, or those asked for."""
    def find(context: Context, names: Sequence[Any] | None) -> list[Any]:
        found: dict[str, Found] = context.live[DIAGNOSED]
        if names is None:
            return text.nice_sort(list(found.values()), key=lambda item: item.name)
        for name in names:
            if name not in found:
                raise errors.OpPrereqError(f"No node has the {kind} {name}", errors.ECODE_NOENT)
        return [found[name] for name in names]
    return find
