"""gnt-instance add."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors
from ganeti.cli import jobs, opcode_options, params
from ganeti.cli.command import HOST, Command, one
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.opcodes.instance_create import OpInstanceCreate

NO_NICS = Option("--no-nics", dest="no_nics", action=STORE_TRUE, default=False,
                 help="No network interface at all")
OS_SIZE = Option("-s", "--os-size", dest="sd_size", type="unit", metavar="<size>",
                 help="Size of the only disk, in place of --disk")


def placement(values: Values) -> dict[str, Any]:
    """Where the instance goes: -n PRIMARY[:SECONDARY], -I ALLOCATOR, -g GROUP."""
    primary, _colon, secondary = (values.pnode or "").partition(":")
    if values.iallocator and primary:
        raise errors.OpPrereqError("Give either nodes (-n) or an allocator (-I)",
                                   errors.ECODE_INVAL)
    return {"pnode": primary or None, "snode": secondary or None}


def hypervisor(values: Values) -> dict[str, Any]:
    """-H HYPERVISOR:k=v,… as hypervisor and parameters."""
    if not values.hvparams:
        return {"hypervisor": None, "hvparams": {}}
    name, given = values.hvparams
    if not isinstance(given, dict):
        raise errors.OpPrereqError(f"'{name}' can not be removed here", errors.ECODE_INVAL)
    return {"hypervisor": name, "hvparams": params.hypervisor(name, given)}


def devices(values: Values) -> dict[str, Any]:
    """Disks and interfaces."""
    if values.disk_template is None and not values.disks and values.sd_size is None \
            and not values.commit:
        raise errors.OpPrereqError("Give a disk template (-t) and disks, or '-t diskless'",
                                   errors.ECODE_INVAL)
    return {
        "disks": params.new_disks(values.disks, values.sd_size, values.disk_template,
                                  needed=not values.commit),
        "nics": params.new_nics(values.nics, values.no_nics),
    }


def add(values: Values, args: list[str]) -> int:
    """Create an instance."""
    op = opcode_options.build(
        OpInstanceCreate, values, instance_name=args[0], mode=constants.INSTANCE_CREATE,
        beparams=params.backend(values.beparams), tags=params.words(values.tags) or [],
        **placement(values), **hypervisor(values), **devices(values))
    jobs.submit_or_send(op, values)
    return 0


_NOT_HERE = ("identify_defaults", "src_node", "src_path", "compress", "tags", "disks", "nics")
_OPTIONS = [
    *opcode_options.options_of(OpInstanceCreate, leave_out=_NOT_HERE),
    Option("--disk", dest="disks", action="append", type="identkeyval", default=[],
           metavar="N:size=SIZE,...", help="A disk; may be repeated"),
    OS_SIZE,
    Option("--net", dest="nics", action="append", type="identkeyval", default=[],
           metavar="N:k=v,...", help="A network interface; may be repeated"),
    NO_NICS,
    Option("--tags", dest="tags", metavar="TAG,...", help="Tags"),
]
ADD = Command(add, args=[one(HOST, "name")], options=_OPTIONS, help="Create an instance",
              example="gnt-instance add -t plain -s 10g -o debootstrap+default "
                      "-n node1.example.org web1.example.org")
