"""gnt-instance repair-disks: copies of mirrored disks that can not find together again."""

from __future__ import annotations

from typing import Any

from ganeti.cli import jobs, opcode_options
from ganeti.cli.command import INSTANCE, Command, one
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.opcodes.instance_disks import OpInstanceRepairDisks

_SPLIT = "split brain"
_CUT_OFF = "cut off"
_LOST = "copy lost"


def repair(values: Values, args: list[str]) -> int:
    """Show how the copies stand, and settle a split brain when a node to keep is given."""
    op = opcode_options.build(OpInstanceRepairDisks, values, instance_name=args[0])
    findings = jobs.submit_or_send(op, values)
    for line in advice(args[0], findings):
        to_stdout(line)
    return 1 if any(finding["verdict"] == _SPLIT for finding in findings) else 0


def advice(instance: str, findings: list[dict[str, Any]]) -> list[str]:
    """What can be done about it, and what each choice would lose."""
    split = [finding for finding in findings if finding["verdict"] == _SPLIT]
    if split:
        names = [copy["node"] for copy in split[0]["copies"]]
        lines = ["Nothing has been changed. Choose the copy to keep; look at both first:"]
        for keep, lose in (names, names[::-1]):
            lost = sum(copy["changed"] for finding in split for copy in finding["copies"]
                       if copy["node"] == lose)
            lines.append(f"  gnt-instance repair-disks --keep={keep} {instance}")
            lines.append(f"      gives up what was written on {lose} alone: about {lost} KiB in"
                         f" {len(split)} disk(s)")
        return lines
    if any(finding["verdict"] == _CUT_OFF for finding in findings):
        return [f"gnt-instance activate-disks {instance} connects the copies again"]
    if any(finding["verdict"] == _LOST for finding in findings):
        return [f"gnt-instance activate-disks {instance} attaches a copy that is whole",
                f"gnt-instance replace-disks --auto {instance} makes a broken one anew"]
    return []


REPAIR_DISKS = Command(
    repair, args=[one(INSTANCE)], options=opcode_options.options_of(OpInstanceRepairDisks),
    help="Show how the copies of mirrored disks stand, and settle a split brain",
    example="gnt-instance repair-disks --keep=node1.example.org web1.example.org")
