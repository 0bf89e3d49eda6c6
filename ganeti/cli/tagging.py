"""The commands for tags, which are the same for every kind of object."""

from __future__ import annotations

import sys
from typing import Any

from ganeti.cli import jobs
from ganeti.cli.command import UNKNOWN, Command, many, one
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import PRINT_JOBID, PRIORITY, SUBMIT, TAGS_FROM

_CLUSTER = "cluster"
_CHANGE_OPTIONS = [TAGS_FROM, PRIORITY, SUBMIT, PRINT_JOBID]


def commands(kind: str, arg: str, tool: str) -> tuple[Command, Command, Command]:
    """The rows of list-tags, add-tags and remove-tags.

    :param kind: the kind of the object as opcodes call it
    :param arg: the kind of the argument that names it
    """
    named = [] if kind == _CLUSTER else [one(arg)]
    name = "" if kind == _CLUSTER else " NAME"
    values: dict[str, Any] = {"tag_kind": kind}
    tags = many(UNKNOWN, label="tag")
    return (
        Command(show, args=named, values=values, help="Show the tags, one a line",
                example=f"{tool} list-tags{name}"),
        Command(add, args=[*named, tags], options=_CHANGE_OPTIONS, values=values,
                help="Add tags", example=f"{tool} add-tags{name} env:production"),
        Command(remove, args=[*named, tags], options=_CHANGE_OPTIONS, values=values,
                help="Remove tags", example=f"{tool} remove-tags{name} env:production"))


def _target(values: Values, args: list[str]) -> tuple[str | None, list[str]]:
    if values.tag_kind == _CLUSTER:
        return None, args
    return args[0], args[1:]


def show(values: Values, args: list[str]) -> int:
    """Print the tags of an object."""
    name, _rest = _target(values, args)
    for tag in sorted(jobs.client().query_tags(values.tag_kind, name or "")):
        to_stdout(tag)
    return 0


def _tags(values: Values, given: list[str]) -> list[str]:
    """The tags of the command line and of the file."""
    from ganeti import errors
    tags = list(given)
    if values.tags_source == "-":
        tags += [line.strip() for line in sys.stdin]
    elif values.tags_source is not None:
        with open(values.tags_source, encoding="utf-8") as source:
            tags += [line.strip() for line in source]
    tags = [tag for tag in tags if tag]
    if not tags:
        raise errors.OpPrereqError("No tags given", errors.ECODE_INVAL)
    return tags


def add(values: Values, args: list[str]) -> int:
    """Add tags to an object."""
    from ganeti.opcodes.tags import OpTagsSet
    name, given = _target(values, args)
    jobs.submit_or_send(OpTagsSet(kind=values.tag_kind, name=name, tags=_tags(values, given)),
                        values)
    return 0


def remove(values: Values, args: list[str]) -> int:
    """Remove tags from an object."""
    from ganeti.opcodes.tags import OpTagsDel
    name, given = _target(values, args)
    jobs.submit_or_send(OpTagsDel(kind=values.tag_kind, name=name, tags=_tags(values, given)),
                        values)
    return 0
