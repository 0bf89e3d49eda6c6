"""gnt-node volumes, list-storage, modify-storage and repair-storage."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors
from ganeti.cli import jobs, listing, opcode_options, table
from ganeti.cli.command import CHOICE, FILE, NODE, Arg, Command, many, one
from ganeti.cli.option import Option, Values
from ganeti.cli.report import Refused, to_stdout
from ganeti.cli.standard import FIELDS, PRIORITY, TABLE_OPTIONS, UNITS
from ganeti.opcodes.node_storage import (
    OpNodeModifyStorage,
    OpNodeQueryStorage,
    OpNodeQueryvols,
    OpRepairNodeStorage,
)

_VOLUME_TITLES = {"node": "Node", "phys": "PhysDev", "vg": "VG", "name": "Name", "size": "Size",
                  "instance": "Instance"}
_STORAGE_TITLES = {"node": "Node", "type": "Type", "name": "Name", "size": "Size",
                   "used": "Used", "free": "Free", "allocatable": "Allocatable"}
_SIZES = frozenset(["size", "used", "free"])


def _print(rows: list[list[Any]], fields: list[str], titles: dict[str, str],
           values: Values) -> int:
    units = values.units or ("h" if values.separator is None else "m")
    columns = [table.Column(titles.get(name, name),
                            table.writer("unit" if name in _SIZES else "bool"
                                         if name == "allocatable" else "text", name, units),
                            name in _SIZES) for name in fields]
    texts = [[column.write(_number(value) if column.right else value)
              for column, value in zip(columns, row, strict=True)] for row in rows]
    for line in table.lines(columns, texts, header=not values.no_headers,
                            separator=values.separator):
        to_stdout(line)
    return 0


def _number(value: Any) -> Any:
    """Sizes come as texts from some sources."""
    if isinstance(value, str):
        try:
            return int(float(value))
        except ValueError:
            return value
    return value


def volumes(values: Values, args: list[str]) -> int:
    """Print the logical volumes on nodes."""
    fields = listing.chosen_fields(values.output, list(_VOLUME_TITLES))
    rows = jobs.submit_or_send(OpNodeQueryvols(nodes=args, output_fields=fields), values)
    return _print(rows, fields, _VOLUME_TITLES, values)


def list_storage(values: Values, args: list[str]) -> int:
    """Print the storage units of nodes."""
    fields = listing.chosen_fields(values.output, list(_STORAGE_TITLES))
    op = OpNodeQueryStorage(nodes=args, storage_type=values.storage_type, output_fields=fields)
    return _print(jobs.submit_or_send(op, values), fields, _STORAGE_TITLES, values)


def modify_storage(values: Values, args: list[str]) -> int:
    """Change a property of a storage unit."""
    node, kind, name = args
    if values.allocatable is None:
        raise Refused("Please give at least one of the parameters.")
    jobs.submit_or_send(OpNodeModifyStorage(
        node_name=node, storage_type=kind, name=name,
        changes={"allocatable": values.allocatable}), values)
    return 0


def repair_storage(values: Values, args: list[str]) -> int:
    """Repair a storage unit."""
    node, kind, name = args
    if kind != constants.ST_LVM_VG:
        raise errors.OpPrereqError(f"Storage of type {kind} can not be repaired",
                                   errors.ECODE_INVAL)
    jobs.submit_or_send(OpRepairNodeStorage(
        node_name=node, storage_type=kind, name=name,
        ignore_consistency=values.ignore_consistency), values)
    return 0


_TYPES = tuple(sorted(constants.STS_REPORT))
VOLUMES = Command(volumes, args=[many(NODE)], options=[*TABLE_OPTIONS, UNITS, FIELDS, PRIORITY],
                  help="List the logical volumes on nodes", example="gnt-node volumes")
LIST_STORAGE = Command(
    list_storage, args=[many(NODE)], options=[
        *TABLE_OPTIONS, UNITS, FIELDS,
        Option("-t", "--storage-type", dest="storage_type", choices=_TYPES,
               metavar="STORAGE_TYPE", help="Only units of this type"), PRIORITY],
    help="List the storage units of nodes", example="gnt-node list-storage -t lvm-vg")
MODIFY_STORAGE = Command(
    modify_storage, args=[one(NODE), Arg(CHOICE, choices=("lvm-pv",)), one(FILE, "name")],
    options=[Option("--allocatable", dest="allocatable", type="bool", metavar="yes|no",
                    help="May new volumes be put there"),
             *opcode_options.options_of(OpNodeModifyStorage, leave_out=["changes"])],
    help="Change a property of a storage unit",
    example="gnt-node modify-storage --allocatable=no node2.example.org lvm-pv /dev/sdb1")
REPAIR_STORAGE = Command(
    repair_storage, args=[one(NODE), Arg(CHOICE, choices=("lvm-vg",)), one(FILE, "name")],
    options=opcode_options.options_of(OpRepairNodeStorage),
    help="Repair a storage unit",
    example="gnt-node repair-storage node2.example.org lvm-vg xenvg")
