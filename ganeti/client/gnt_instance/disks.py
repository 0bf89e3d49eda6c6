"""gnt-instance activate-, deactivate-, grow-, recreate- and replace-disks."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors
from ganeti.cli import jobs, opcode_options, params
from ganeti.cli.command import INSTANCE, UNKNOWN, Command, one
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import to_stdout
from ganeti.opcodes.instance_disks import (
    OpInstanceActivateDisks,
    OpInstanceDeactivateDisks,
    OpInstanceGrowDisk,
    OpInstanceRecreateDisks,
    OpInstanceReplaceDisks,
)
from ganeti.utils import text


def _wrong(message: str) -> errors.OpPrereqError:
    return errors.OpPrereqError(message, errors.ECODE_INVAL)


def activate(values: Values, args: list[str]) -> int:
    """Make the disks of an instance usable on its nodes."""
    op = opcode_options.build(OpInstanceActivateDisks, values, instance_name=args[0])
    for node, name, device in jobs.submit_or_send(op, values):
        to_stdout(f"{node}:{name}:{device}")
    return 0


def deactivate(values: Values, args: list[str]) -> int:
    """Shut down the disks of a stopped instance."""
    jobs.submit_or_send(opcode_options.build(
        OpInstanceDeactivateDisks, values, instance_name=args[0]), values)
    return 0


def grow(values: Values, args: list[str]) -> int:
    """Enlarge a disk."""
    name, disk, amount = args
    index = disk.removeprefix("disk/")
    if not index.isdigit():
        raise _wrong(f"'{disk}' is no number of a disk")
    jobs.submit_or_send(opcode_options.build(
        OpInstanceGrowDisk, values, instance_name=name, disk=int(index),
        amount=text.parse_unit(amount.removeprefix("+"))), values)
    return 0


def _recreated(pairs: list[tuple[str, Any]]) -> list[Any]:
    """Numbers, or numbers with changed settings."""
    result: list[Any] = []
    for ident, given in pairs:
        if not ident.isdigit():
            raise _wrong(f"'{ident}' is no number of a disk")
        settings = dict(given or {})
        if constants.IDISK_SIZE in settings:
            settings = params.disk(ident, settings)
        result.append([int(ident), settings])
    return result if any(item[1] for item in result) else [item[0] for item in result]


def recreate(values: Values, args: list[str]) -> int:
    """Create disks anew, empty."""
    nodes = [name for name in (values.nodes or "").split(":") if name]
    if nodes and values.iallocator:
        raise _wrong("Give either nodes (-n) or an allocator (-I)")
    op = opcode_options.build(OpInstanceRecreateDisks, values, instance_name=args[0],
                              nodes=nodes, disks=_recreated(values.disks))
    jobs.submit_or_send(op, values)
    return 0


def replace(values: Values, args: list[str]) -> int:
    """Build one side of mirrored disks anew."""
    numbers = params.words(values.disks) or []
    if not all(number.isdigit() for number in numbers):
        raise _wrong(f"'{values.disks}' is no list of numbers of disks")
    modes = {constants.REPLACE_DISK_PRI: values.on_primary,
             constants.REPLACE_DISK_SEC: values.on_secondary,
             constants.REPLACE_DISK_AUTO: values.auto,
             constants.REPLACE_DISK_CHG: bool(values.remote_node or values.iallocator)}
    chosen = [mode for mode, wanted in modes.items() if wanted]
    if len(chosen) != 1:
        raise _wrong("Give exactly one of -p, -s, -a, -n and -I")
    jobs.submit_or_send(opcode_options.build(
        OpInstanceReplaceDisks, values, instance_name=args[0], mode=chosen[0],
        disks=[int(number) for number in numbers]), values)
    return 0


def _switch(short: str, long: str, dest: str, help: str) -> Option:
    return Option(short, long, dest=dest, action=STORE_TRUE, default=False, help=help)


ACTIVATE_DISKS = Command(
    activate, args=[one(INSTANCE)],
    options=opcode_options.options_of(OpInstanceActivateDisks, dry_run=False),
    help="Make the disks of an instance usable on its nodes",
    example="gnt-instance activate-disks web1.example.org")
DEACTIVATE_DISKS = Command(
    deactivate, args=[one(INSTANCE)],
    options=opcode_options.options_of(OpInstanceDeactivateDisks),
    help="Shut down the disks of a stopped instance",
    example="gnt-instance deactivate-disks web1.example.org")
GROW_DISK = Command(
    grow, args=[one(INSTANCE), one(UNKNOWN, "disk"), one(UNKNOWN, "amount")],
    options=opcode_options.options_of(OpInstanceGrowDisk), help="Enlarge a disk",
    example="gnt-instance grow-disk web1.example.org 0 2g")
RECREATE_DISKS = Command(
    recreate, args=[one(INSTANCE)], options=[
        *opcode_options.options_of(OpInstanceRecreateDisks, leave_out=["disks"]),
        Option("--disk", dest="disks", action="append", type="identkeyval", default=[],
               metavar="N[:k=v,...]", help="Only this disk; may be repeated")],
    help="Create the disks of an instance anew, empty",
    example="gnt-instance recreate-disks --disk=0 web1.example.org")
REPLACE_DISKS = Command(
    replace, args=[one(INSTANCE)], options=[
        *opcode_options.options_of(OpInstanceReplaceDisks, leave_out=["disks", "mode"]),
        Option("--disks", dest="disks", metavar="N,...", help="Only these disks"),
        _switch("-p", "--on-primary", "on_primary", "Build the disks on the primary node anew"),
        _switch("-s", "--on-secondary", "on_secondary",
                "Build the disks on the secondary node anew"),
        _switch("-a", "--auto", "auto", "Build those anew that are broken")],
    help="Build one side of mirrored disks anew, in place or on another node",
    example="gnt-instance replace-disks -n node3.example.org web1.example.org")
