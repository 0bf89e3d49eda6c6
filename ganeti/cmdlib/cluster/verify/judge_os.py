"""Judges of OS definitions: valid, and the same on all nodes of the group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from ganeti import constants
from ganeti.cmdlib.cluster.verify.report import Problem
from ganeti.cmdlib.cluster.verify.view import GroupView

Problems = Iterator[Problem]


class Definition(NamedTuple):
    """One OS definition as a node found it."""

    name: str
    path: str
    ok: bool
    diagnosis: str | None
    variants: frozenset[str]
    parameters: frozenset[tuple[str, str]]
    api_versions: frozenset[int]
    trusted: bool


def definitions(rows: list[Any]) -> dict[str, list[Definition]]:
    """Name -> definitions in the order of the search path (the first is the one used)."""
    result: dict[str, list[Definition]] = defaultdict(list)
    for name, path, ok, diagnosis, variants, parameters, versions, trusted in rows:
        result[name].append(Definition(
            name, path, ok, diagnosis, frozenset(variants),
            frozenset((item[0], item[-1]) for item in parameters if item),
            frozenset(versions), trusted))
    return result


def os_definitions(view: GroupView) -> Problems:
    """Compare every node with the first of the group that could list its definitions."""
    listed: list[tuple[str, dict[str, list[Definition]]]] = []
    for answer in view.arrived(vm_only=True):
        rows = answer.get(constants.NV_OSLIST)
        if isinstance(rows, str):
            yield Problem(answer.node.name, f"cannot list OS definitions: {rows}")
        elif rows is not None:
            listed.append((answer.node.name, definitions(rows)))
    if not listed:
        return
    base_name, base = listed[0]
    for name, found in listed:
        yield from _by_itself(name, found)
        if name != base_name:
            yield from _compared(name, found, base_name, base)


def _by_itself(name: str, found: dict[str, list[Definition]]) -> Problems:
    for os_name, entries in sorted(found.items()):
        first = entries[0]
        if len(entries) > 1:
            yield Problem(name, f"OS {os_name} exists more than once; {first.path} is used, "
                                f"the others are not: {', '.join(e.path for e in entries[1:])}")
        if not first.ok:
            yield Problem(name, f"OS {os_name} at {first.path} is not valid: {first.diagnosis}")


def _compared(name: str, found: dict[str, list[Definition]], base_name: str,
              base: dict[str, list[Definition]]) -> Problems:
    missing = sorted(base.keys() - found.keys())
    if missing:
        yield Problem(name, f"lacks OSes that {base_name} has: {', '.join(missing)}")
    extra = sorted(found.keys() - base.keys())
    if extra:
        yield Problem(name, f"has OSes that {base_name} lacks: {', '.join(extra)}")
    for os_name in sorted(base.keys() & found.keys()):
        mine, other = found[os_name][0], base[os_name][0]
        if not (mine.ok and other.ok):
            continue
        for what, left, right in (
                ("API versions", mine.api_versions, other.api_versions),
                ("variants", mine.variants, other.variants),
                ("parameters", {p[0] for p in mine.parameters}, {p[0] for p in other.parameters}),
                ("trust", {mine.trusted}, {other.trusted})):
            if left != right:
                yield Problem(name, f"OS {os_name}: {what} differ from {base_name}: "
                                    f"{_shown(left)} here, {_shown(right)} there")


def _shown(values: Any) -> str:
    return ", ".join(sorted(str(value) for value in values)) or "none"
