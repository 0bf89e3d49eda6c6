"""gnt-node evacuate, failover and migrate: instances leave a node."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors
from ganeti.cli import jobs, opcode_options, prompt
from ganeti.cli.command import NODE, Command, one
from ganeti.cli.option import STORE_FALSE, STORE_TRUE, Option, Values
from ganeti.cli.report import to_stderr, to_stdout
from ganeti.cli.standard import FORCE, PRIORITY
from ganeti.opcodes.instance_life import OpInstanceFailover
from ganeti.opcodes.node import OpNodeEvacuate, OpNodeMigrate

NON_LIVE = Option("--non-live", dest="live", action=STORE_FALSE, default=True,
                  help="Suspend the guest and wake it on the other node")


def migration_mode(values: Values) -> str | None:
    """The mode that --non-live or --migration-mode ask for."""
    if not values.live and values.mode is not None:
        raise errors.OpPrereqError("Give either --non-live or --migration-mode",
                                   errors.ECODE_INVAL)
    return constants.HT_MIGRATION_NONLIVE if not values.live else values.mode


def _instances(luxi: Any, node: str, field: str) -> list[str]:
    rows = luxi.query_nodes([node], [field])
    return list(rows[0][0] or [])


def evacuate(values: Values, args: list[str]) -> int:
    """Move instances away from a node."""
    if values.primary_only and values.secondary_only:
        raise errors.OpPrereqError("Only one of --primary-only and --secondary-only is possible",
                                   errors.ECODE_INVAL)
    mode = (constants.NODE_EVAC_PRI if values.primary_only else
            constants.NODE_EVAC_SEC if values.secondary_only else constants.NODE_EVAC_ALL)
    luxi = jobs.client()
    names: list[str] = []
    if mode != constants.NODE_EVAC_SEC:
        names += _instances(luxi, args[0], "pinst_list")
    if mode != constants.NODE_EVAC_PRI:
        names += _instances(luxi, args[0], "sinst_list")
    if not names:
        to_stderr(f"No instances to evacuate from node {args[0]}")
        return 0
    if not values.force and not prompt.confirm_many(sorted(set(names)), "instances", "evacuation"):
        return constants.EXIT_CONFIRMATION
    op = opcode_options.build(OpNodeEvacuate, values, node_name=args[0], mode=mode)
    return _follow(op, values, luxi, args[0])


def _follow(op: Any, values: Values, luxi: Any, node: str) -> int:
    result = jobs.submit_or_send(op, values, luxi)
    results = jobs.follow_submitted(result, values, luxi, f"node {node}")
    if all(ok for ok, _result in results):
        to_stdout("All instances evacuated successfully.")
        return 0
    to_stdout(f"There were {sum(not ok for ok, _result in results)} errors")
    return 1


def failover(values: Values, args: list[str]) -> int:
    """Fail over all primary instances of a node."""
    luxi = jobs.client()
    names = _instances(luxi, args[0], "pinst_list")
    if not names:
        to_stderr(f"No primary instances on node {args[0]}")
        return 0
    if not values.force and not prompt.confirm_many(names, "instances", "failover"):
        return constants.EXIT_CONFIRMATION
    batch = jobs.Batch(values, luxi)
    for name in names:
        batch.add(name, opcode_options.build(OpInstanceFailover, values, instance_name=name))
    results = batch.run()
    failed = sum(not ok for ok, _result in results)
    to_stdout("All instances failed over successfully." if not failed
              else f"There were errors during the failover:\n{failed} errors "
                   f"out of {len(results)} instances.")
    return 1 if failed else 0


def migrate(values: Values, args: list[str]) -> int:
    """Migrate all primary instances of a node."""
    luxi = jobs.client()
    names = _instances(luxi, args[0], "pinst_list")
    if not names:
        to_stderr(f"No primary instances on node {args[0]}")
        return 0
    if not values.force and not prompt.confirm_many(names, "instances", "migration"):
        return constants.EXIT_CONFIRMATION
    op = opcode_options.build(OpNodeMigrate, values, node_name=args[0],
                              mode=migration_mode(values))
    result = jobs.submit_or_send(op, values, luxi)
    results = jobs.follow_submitted(result, values, luxi, f"node {args[0]}")
    return 0 if all(ok for ok, _result in results) else 1


EVACUATE = Command(
    evacuate, args=[one(NODE)], options=[
        FORCE, *opcode_options.options_of(OpNodeEvacuate, leave_out=["mode"], dry_run=False),
        Option("-p", "--primary-only", dest="primary_only", action=STORE_TRUE, default=False,
               help="Only instances whose primary node it is"),
        Option("-s", "--secondary-only", dest="secondary_only", action=STORE_TRUE, default=False,
               help="Only instances whose secondary node it is")],
    help="Move instances away from a node",
    example="gnt-node evacuate -I hail node2.example.org")
FAILOVER = Command(
    failover, args=[one(NODE)], options=[
        FORCE, opcode_options.option(OpInstanceFailover, "ignore_consistency"),
        opcode_options.option(OpInstanceFailover, "iallocator"), PRIORITY],
    help="Fail over all primary instances of a node",
    example="gnt-node failover -f node2.example.org")
MIGRATE = Command(
    migrate, args=[one(NODE)],
    options=[FORCE, NON_LIVE, *opcode_options.options_of(OpNodeMigrate, dry_run=False)],
    help="Migrate all primary instances of a node",
    example="gnt-node migrate -f node2.example.org")
