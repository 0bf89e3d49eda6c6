"""gnt-group add, modify, rename and remove."""

from __future__ import annotations

from typing import Any

from ganeti.cli import jobs, opcode_options, params, policy
from ganeti.cli.command import GROUP, Arg, Command, one
from ganeti.cli.option import Values
from ganeti.cli.report import Refused, to_stdout
from ganeti.opcodes.group import OpGroupAdd, OpGroupRemove, OpGroupRename, OpGroupSetParams


def _settings(values: Values) -> dict[str, Any]:
    """The settings of a group as the options give them; what is not given is None."""
    return {
        "alloc_policy": values.alloc_policy,
        "ndparams": params.node(values.ndparams),
        "diskparams": params.by_template(values.diskparams) or None,
        "hv_state": params.hv_state(values.hv_state),
        "disk_state": params.disk_state(values.disk_state),
        "ipolicy": policy.from_options(values, group=True) or None,
    }


def add(values: Values, args: list[str]) -> int:
    """Add a group."""
    jobs.submit_or_send(OpGroupAdd(group_name=args[0], **_settings(values)), values)
    return 0


def modify(values: Values, args: list[str]) -> int:
    """Change the settings of a group."""
    settings = _settings(values)
    if all(value is None for value in settings.values()):
        raise Refused("Please give at least one of the parameters.")
    changed = jobs.submit_or_send(OpGroupSetParams(group_name=args[0], **settings), values)
    if changed:
        to_stdout(f"Modified node group {args[0]}")
        for name, value in changed:
            to_stdout(f" - {name:<5} -> {value}")
    return 0


def rename(values: Values, args: list[str]) -> int:
    """Give a group another name."""
    jobs.submit_or_send(OpGroupRename(group_name=args[0], new_name=args[1]), values)
    return 0


def remove(values: Values, args: list[str]) -> int:
    """Remove an empty group."""
    jobs.submit_or_send(OpGroupRemove(group_name=args[0]), values)
    return 0


ADD = Command(add, args=[one(GROUP)],
              options=[*opcode_options.options_of(OpGroupAdd), *policy.GROUP_OPTIONS],
              help="Add a node group", example="gnt-group add --alloc-policy=preferred rack2")
MODIFY = Command(modify, args=[one(GROUP)],
                 options=[*opcode_options.options_of(OpGroupSetParams), *policy.GROUP_OPTIONS],
                 help="Change the settings of a node group",
                 example="gnt-group modify --alloc-policy=last_resort rack2")
RENAME = Command(rename, args=[Arg(GROUP, 2, 2)],
                 options=opcode_options.options_of(OpGroupRename),
                 help="Give a node group another name", example="gnt-group rename rack2 rack3")
REMOVE = Command(remove, args=[one(GROUP)], options=opcode_options.options_of(OpGroupRemove),
                 help="Remove an empty node group", example="gnt-group remove rack2")
