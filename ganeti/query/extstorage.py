"""Fields of external storage providers, as the nodes have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import constants
from ganeti.query import diagnose
from ganeti.query.diagnose import DIAGNOSED, Found
from ganeti.query.fields import OTHER, TEXT, Context, FieldRow, Getter, Resource, attribute

# Where a node's entry has what, the name left out
_OK, _PARAMETERS = 1, 3


def _gather(context: Context, _items: Sequence[Any], _needs: frozenset[str]) -> None:
    answers = context.source.extstorage_diagnose(diagnose.asked_nodes(context))
    context.live[DIAGNOSED] = diagnose.collect(context, answers)


def _groups(found: Found, context: Context) -> dict[str, bool]:
    """Is it in order on all nodes of a group that have answered?"""
    result: dict[str, bool] = {}
    for name, places in found.nodes.items():
        node = context.config.node_by_name(name)
        if node is not None:
            group = context.config.group_of(node).name
            result[group] = result.get(group, True) and bool(places and places[0][_OK])
    return result


def _parameters(found: Found, _context: Context) -> list[Any]:
    lists = [places[0][_PARAMETERS] or [] for places in found.nodes.values() if places]
    if not lists:
        return []
    return [item for item in lists[0] if all(item in other for other in lists[1:])]


def _row(name: str, title: str, kind: str, doc: str, getter: Getter) -> FieldRow:
    return FieldRow(name, title, kind, doc, getter, needs=[DIAGNOSED])


ROWS = [
    _row("name", "Name", TEXT, "Name of the provider", attribute("name")),
    _row("node_status", "NodeStatus", OTHER, "What each node tells about it",
         lambda found, context: found.nodes),
    _row("nodegroup_status", "NodegroupStatus", OTHER, "Is it in order in each node group?",
         _groups),
    _row("parameters", "Parameters", OTHER, "Parameters that all nodes know", _parameters),
]

RESOURCE = Resource(constants.QR_EXTSTORAGE, "name", ROWS, diagnose.items("storage provider"),
                    _gather, lists_before_fields=True)
