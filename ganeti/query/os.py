"""Fields of OS definitions, as the nodes have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ganeti import constants
from ganeti.query import diagnose
from ganeti.query.diagnose import DIAGNOSED, Found
from ganeti.query.fields import BOOL, OTHER, TEXT, Context, FieldRow, Getter, Resource, attribute

# Where a node's entry has what, the name left out
_OK, _VARIANTS, _PARAMETERS, _API, _TRUSTED = 1, 3, 4, 5, 6


def _gather(context: Context, _items: Sequence[Any], _needs: frozenset[str]) -> None:
    answers = context.source.os_diagnose(diagnose.asked_nodes(context))
    context.live[DIAGNOSED] = diagnose.collect(context, answers)


def _first(found: Found) -> list[list[Any]]:
    """The entry of each node that counts: the first place of its search path."""
    return [places[0] for places in found.nodes.values() if places]


def _valid(found: Found, _context: Context) -> bool:
    """Usable means: on every node, and the same variants, parameters and versions everywhere."""
    return bool(found.nodes) and all(
        places and places[0][_OK] for places in found.nodes.values())


def _common(position: int) -> Callable[[Found], list[Any]]:
    """What all nodes agree upon."""
    def compute(found: Found) -> list[Any]:
        lists = [entry[position] or [] for entry in _first(found)]
        if not lists:
            return []
        return [item for item in lists[0] if all(item in other for other in lists[1:])]
    return compute


def _agreed(position: int) -> Getter:
    compute = _common(position)
    return lambda found, context: compute(found)


def _of_cluster(name: str) -> Getter:
    def get(found: Found, context: Context) -> Any:
        return getattr(context.config.cluster, name).get(found.name, {})
    return get


def _row(name: str, title: str, kind: str, doc: str, getter: Getter) -> FieldRow:
    return FieldRow(name, title, kind, doc, getter, needs=[DIAGNOSED])


ROWS = [
    _row("name", "Name", TEXT, "Name of the OS definition", attribute("name")),
    _row("valid", "Valid", BOOL, "Is it in order on all nodes?", _valid),
    _row("hidden", "Hidden", BOOL, "Is it left out of lists?",
         lambda found, context: found.name in context.config.cluster.hidden_os),
    _row("blacklisted", "Blacklisted", BOOL, "Is it forbidden for new instances?",
         lambda found, context: found.name in context.config.cluster.blacklisted_os),
    _row("variants", "Variants", OTHER, "Variants that all nodes have", _agreed(_VARIANTS)),
    _row("parameters", "Parameters", OTHER, "Parameters that all nodes know, with their text",
         _agreed(_PARAMETERS)),
    _row("api_versions", "ApiVersions", OTHER, "Versions of the interface that all nodes have",
         _agreed(_API)),
    _row("trusted", "Trusted", BOOL, "Do its scripts run outside a helper machine?",
         lambda found, context: all(entry[_TRUSTED] for entry in _first(found))),
    _row("node_status", "NodeStatus", OTHER, "What each node tells about it",
         lambda found, context: found.nodes),
    _row("osparams", "OsParameters", OTHER, "OS parameters set on the cluster",
         _of_cluster("osparams")),
    _row("os_hvp", "OsHypervisorParams", OTHER, "Hypervisor parameters set for it",
         _of_cluster("os_hvp")),
]

RESOURCE = Resource(constants.QR_OS, "name", ROWS, diagnose.items("OS"), _gather,
                    lists_before_fields=True)
