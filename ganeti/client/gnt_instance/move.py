"""gnt-instance migrate, failover, move and change-group."""

from __future__ import annotations

from typing import Any

from ganeti import constants
from ganeti.cli import jobs, opcode_options, prompt
from ganeti.cli.command import INSTANCE, Command, one
from ganeti.cli.option import Values
from ganeti.cli.report import Refused
from ganeti.cli.standard import FORCE
from ganeti.client.gnt_node.move import NON_LIVE, migration_mode
from ganeti.opcodes.instance_life import (
    OpInstanceChangeGroup,
    OpInstanceFailover,
    OpInstanceMigrate,
    OpInstanceMove,
)


def _name(luxi: Any, word: str) -> str:
    """The full name; an unknown one is refused before anything is asked."""
    name: str = luxi.query_instances([word], ["name"])[0][0]
    return name


def migrate(values: Values, args: list[str]) -> int:
    """Migrate an instance to another node."""
    luxi = jobs.client()
    name = _name(luxi, args[0])
    if not values.force:
        question = (f"Instance {name} will be recovered from a failed migration. "
                    "Its disks and state will be checked on both nodes. Continue?"
                    if values.cleanup else
                    f"Instance {name} will be migrated. Its disks are switched to the other "
                    "node while it runs; should that fail, it may have to be repaired with "
                    "--cleanup. Continue?")
        if not prompt.confirm(question):
            return constants.EXIT_CONFIRMATION
    op = opcode_options.build(OpInstanceMigrate, values, instance_name=name,
                              mode=migration_mode(values))
    jobs.submit_or_send(op, values, luxi)
    return 0


def failover(values: Values, args: list[str]) -> int:
    """Fail an instance over to another node."""
    luxi = jobs.client()
    name = _name(luxi, args[0])
    if not values.force and not prompt.confirm(
            f"Failover will happen to instance {name}. It is stopped and started again on the "
            "other node. Continue?"):
        return constants.EXIT_CONFIRMATION
    jobs.submit_or_send(opcode_options.build(OpInstanceFailover, values, instance_name=name),
                        values, luxi)
    return 0


def move(values: Values, args: list[str]) -> int:
    """Move an instance by copying its disks."""
    if not values.target_node:
        raise Refused("Give the node to move to with -n")
    if not values.force and not prompt.confirm(
            f"Instance {args[0]} will be moved. It is stopped for that, if it runs. Continue?"):
        return constants.EXIT_CONFIRMATION
    jobs.submit_or_send(opcode_options.build(OpInstanceMove, values, instance_name=args[0]),
                        values)
    return 0


def change_group(values: Values, args: list[str]) -> int:
    """Move an instance to another node group."""
    luxi = jobs.client()
    op = opcode_options.build(OpInstanceChangeGroup, values, instance_name=args[0],
                              target_groups=values.target_groups or None)
    result = jobs.submit_or_send(op, values, luxi)
    results = jobs.follow_submitted(result, values, luxi, args[0])
    return 0 if all(ok for ok, _result in results) else 1


MIGRATE = Command(migrate, args=[one(INSTANCE)],
                  options=[FORCE, NON_LIVE, *opcode_options.options_of(OpInstanceMigrate)],
                  help="Move a running instance to another node without stopping it",
                  example="gnt-instance migrate -f web1.example.org")
FAILOVER = Command(failover, args=[one(INSTANCE)],
                   options=[FORCE, *opcode_options.options_of(OpInstanceFailover)],
                   help="Stop an instance and start it on another node",
                   example="gnt-instance failover -f web1.example.org")
MOVE = Command(move, args=[one(INSTANCE)],
               options=[FORCE, *opcode_options.options_of(OpInstanceMove)],
               help="Move an instance by copying its disks",
               example="gnt-instance move -n node3.example.org web1.example.org")
CHANGE_GROUP = Command(change_group, args=[one(INSTANCE)],
                       options=opcode_options.options_of(OpInstanceChangeGroup, dry_run=False),
                       help="Move an instance to another node group",
                       example="gnt-instance change-group --to rack2 web1.example.org")
