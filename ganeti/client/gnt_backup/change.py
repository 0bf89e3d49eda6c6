"""gnt-backup export, import and remove."""

from __future__ import annotations

from ganeti import constants
from ganeti.cli import jobs, opcode_options, params, prompt
from ganeti.cli.command import INSTANCE, UNKNOWN, Command, one
from ganeti.cli.option import Option, Values
from ganeti.cli.report import Refused, to_stderr
from ganeti.cli.standard import FORCE
from ganeti.client.gnt_instance.create import NO_NICS, OS_SIZE, hypervisor, placement
from ganeti.opcodes.backup import OpBackupExport, OpBackupRemove
from ganeti.opcodes.instance_create import OpInstanceCreate


def export(values: Values, args: list[str]) -> int:
    """Write an instance to a node."""
    if not values.target_node:
        raise Refused("Give the node for the export with -n")
    if values.remove_instance and not values.force and not prompt.confirm(
            f"Instance {args[0]} will be removed after its export. Continue?"):
        return constants.EXIT_CONFIRMATION
    op = opcode_options.build(OpBackupExport, values, instance_name=args[0],
                              mode=constants.EXPORT_MODE_LOCAL)
    jobs.submit_or_send(op, values)
    return 0


def import_(values: Values, args: list[str]) -> int:
    """Create an instance from an export."""
    if values.no_nics:
        to_stderr("Warning: the interfaces are those of the export all the same; 'gnt-instance"
                  " modify --net 0:remove' takes one away")
    op = opcode_options.build(
        OpInstanceCreate, values, instance_name=args[0], mode=constants.INSTANCE_IMPORT,
        start=False, beparams=params.backend(values.beparams),
        tags=params.words(values.tags) or [],
        disks=params.new_disks(values.disks, values.sd_size, values.disk_template, needed=False),
        nics=params.new_nics(values.nics, values.no_nics) if values.nics else [],
        **placement(values), **hypervisor(values))
    jobs.submit_or_send(op, values)
    return 0


def remove(values: Values, args: list[str]) -> int:
    """Remove the export of an instance from all nodes."""
    jobs.submit_or_send(opcode_options.build(OpBackupRemove, values, instance_name=args[0]),
                        values)
    return 0


_NOT_EXPORTED = ("commit", "forthcoming", "force_variant", "no_install", "start", "os_type",
                 "instance_communication", "tags", "disks", "nics")
EXPORT = Command(export, args=[one(INSTANCE)],
                 options=[FORCE, *opcode_options.options_of(OpBackupExport)],
                 help="Write an instance's disks and settings to a node",
                 example="gnt-backup export -n node3.example.org web1.example.org")
IMPORT = Command(
    import_, args=[one(INSTANCE)],
    options=[*opcode_options.options_of(OpInstanceCreate, leave_out=_NOT_EXPORTED),
             Option("--disk", dest="disks", action="append", type="identkeyval", default=[],
                    metavar="N:size=SIZE,...", help="A disk in place of an exported one"),
             OS_SIZE,
             Option("--net", dest="nics", action="append", type="identkeyval", default=[],
                    metavar="N:k=v,...", help="Interfaces in place of the exported ones"),
             NO_NICS,
             Option("--tags", dest="tags", metavar="TAG,...", help="Tags")],
    help="Create an instance from an export, and leave it stopped",
    example="gnt-backup import -n node1.example.org --src-node node3.example.org"
            " web1.example.org")
REMOVE = Command(remove, args=[one(UNKNOWN, "name")], options=opcode_options.options_of(
    OpBackupRemove), help="Remove the export of an instance",
    example="gnt-backup remove web1.example.org")
