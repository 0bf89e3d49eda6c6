"""Fields of exports: one line an export, and one for every node without any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ganeti import constants
from ganeti.objects import ConfigData
from ganeti.query.fields import (
    COMPARE_HOST,
    TEXT,
    Context,
    FieldRow,
    Resource,
    attribute,
    special,
)
from ganeti.query.objects import by_name
from ganeti.utils import text

_nodes = by_name("nodes", ConfigData.expand_node)


class Export(NamedTuple):
    """The export of an instance on a node."""

    node: str
    export: Any


def _items(context: Context, names: Sequence[Any] | None) -> list[Any]:
    nodes = _nodes(context, names)
    answers = context.source.exports([node.uuid for node in nodes])
    result = []
    for node in nodes:
        answer = answers.get(node.uuid)
        if answer is None or answer.status:
            result.append(Export(node.name, special(answer)))
        elif answer.payload:
            result += [Export(node.name, name) for name in text.nice_sort(answer.payload)]
        else:
            result.append(Export(node.name, None))
    return result


ROWS = [
    FieldRow("node", "Node", TEXT, "Node that holds the export", attribute("node"),
             compare=COMPARE_HOST),
    FieldRow("export", "Export", TEXT, "Name of the exported instance", attribute("export")),
]

RESOURCE = Resource(constants.QR_EXPORT, "node", ROWS, _items)
