"""gnt-instance rename and remove."""

from __future__ import annotations

from ganeti import constants
from ganeti.cli import jobs, opcode_options, prompt
from ganeti.cli.command import HOST, INSTANCE, Command, one
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import FORCE
from ganeti.opcodes.instance_create import OpInstanceRemove, OpInstanceRename


def rename(values: Values, args: list[str]) -> int:
    """Give an instance another name."""
    if not values.name_check and not values.force and not prompt.confirm(
            "Without the name check the system can not know whether the new name is right. "
            "Continue?"):
        return constants.EXIT_CONFIRMATION
    op = opcode_options.build(OpInstanceRename, values, instance_name=args[0], new_name=args[1])
    name = jobs.submit_or_send(op, values)
    if name:
        to_stdout(f"Instance '{args[0]}' renamed to '{name}'")
    return 0


def remove(values: Values, args: list[str]) -> int:
    """Delete an instance."""
    luxi = jobs.client()
    name = luxi.query_instances([args[0]], ["name"])[0][0]
    if not values.force and not prompt.confirm(
            f"This will remove the volumes of the instance {name} (including mirrors), "
            "thus all its data. Continue?"):
        return constants.EXIT_CONFIRMATION
    jobs.submit_or_send(opcode_options.build(OpInstanceRemove, values, instance_name=name),
                        values, luxi)
    return 0


RENAME = Command(rename, args=[one(INSTANCE), one(HOST, "new name")],
                 options=[FORCE, *opcode_options.options_of(OpInstanceRename)],
                 help="Give an instance another name",
                 example="gnt-instance rename web1.example.org web2.example.org")
REMOVE = Command(remove, args=[one(INSTANCE)],
                 options=[FORCE, *opcode_options.options_of(OpInstanceRemove)],
                 help="Delete an instance with its disks",
                 example="gnt-instance remove -f web1.example.org")
