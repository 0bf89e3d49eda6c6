"""Choosing several instances: by name, by node, by tag, or all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import errors
from ganeti.cli.option import STORE_CONST, STORE_TRUE, Option, Values
from ganeti.cli.prompt import confirm_many

_INSTANCES, _CLUSTER = "instances", "cluster"

_MODES = [
    ("--node", "nodes", "The arguments are nodes: take the instances that live there"),
    ("--primary", "nodes-pri", "The arguments are nodes: take their primary instances"),
    ("--secondary", "nodes-sec", "The arguments are nodes: take their secondary instances"),
    ("--all", _CLUSTER, "Take all instances"),
    ("--instance", _INSTANCES, "The arguments are instances, as usual"),
    ("--node-tags", "nodes-by-tags", "The arguments are tags of nodes, as with --node"),
    ("--pri-node-tags", "nodes-pri-by-tags", "The arguments are tags of nodes, as --primary"),
    ("--sec-node-tags", "nodes-sec-by-tags", "The arguments are tags of nodes, as --secondary"),
    ("--tags", "instances-by-tags", "The arguments are tags of instances"),
]
OPTIONS = [
    Option("--force-multiple", dest="force_multi", action=STORE_TRUE, default=False,
           help="Do not ask before several instances are touched"),
    *[Option(name, dest="multi_mode", action=STORE_CONST, const=mode, help=text)
      for name, mode, text in _MODES],
]


def choose(values: Values, args: Sequence[str], luxi: Any) -> list[str]:
    """The names of the instances that a command means."""
    mode = values.multi_mode or _INSTANCES
    if mode == _CLUSTER:
        if args:
            raise errors.OpPrereqError("With --all no names are given", errors.ECODE_INVAL)
        names = [row[0] for row in luxi.query_instances([], ["name"])]
        if not names:
            raise errors.OpPrereqError("There are no instances", errors.ECODE_INVAL)
        return names
    if not args:
        raise errors.OpPrereqError("Give at least one name, or --all", errors.ECODE_INVAL)
    if mode == _INSTANCES:
        return [row[0] for row in luxi.query_instances(list(args), ["name"])]
    if mode == "instances-by-tags":
        rows = luxi.query_instances([], ["name", "tags"])
        names = [name for name, tags in rows if set(tags) & set(args)]
    else:
        names = _on_nodes(mode, args, luxi)
    if not names:
        raise errors.OpPrereqError("No instance fits", errors.ECODE_INVAL)
    return names


def _on_nodes(mode: str, args: Sequence[str], luxi: Any) -> list[str]:
    fields = ["name", "pinst_list", "sinst_list", "tags"]
    if mode.endswith("-by-tags"):
        rows = [row for row in luxi.query_nodes([], fields) if set(row[3]) & set(args)]
    else:
        rows = luxi.query_nodes(list(args), fields)
    names: list[str] = []
    for _node, primary, secondary, _tags in rows:
        found = ([] if "sec" in mode else primary) + ([] if "pri" in mode else secondary)
        names += [name for name in found if name not in names]
    return names


def confirmed(values: Values, names: Sequence[str], operation: str) -> bool:
    """Ask, if several instances were chosen in another way than by their names."""
    explicit = values.multi_mode in (None, _INSTANCES)
    if explicit or values.force_multi or getattr(values, "submit_all", False):
        return True
    return confirm_many(names, "instances", operation)
