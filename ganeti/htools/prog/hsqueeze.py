"""hsqueeze: put nodes that are not needed on standby, and bring them back when they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganeti import constants
from ganeti.htools.prog import command_line, declared

if TYPE_CHECKING:
    from ganeti.htools.squeeze import Plan

OPTIONS = declared.options(
    "luxi text-data exec minimal-resources target-resources save print-commands verbose"
    " no-headers static-kvm-node-memory json")
_HEADINGS = {"online": "'Nodes to online'", "offline": "'Nodes to offline'",
             "none": "'No action'"}
_AFTER = {"online": "after hsqueeze expansion", "offline": "after hsqueeze run",
          "none": "after hsqueeze doing nothing"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    return command_line.run("hsqueeze", OPTIONS, _run, argv)


def _run(opts: command_line.Options) -> int:
    from ganeti.htools import model, squeeze, state, tags
    from ganeti.htools.prog import output, sources
    if opts.exec_jobs and not opts.luxi:
        raise model.RequestError("hsqueeze: jobs can be submitted to a cluster read with -L only")
    cluster = sources.load(opts)
    for inst in cluster.instances:
        inst.alias = inst.name
    whole = state.State(cluster, tags.meaning(cluster))
    if opts.save:
        output.save(f"{opts.save}.original", whole, "before hsqueeze run")

    def names(nodes: Sequence[int]) -> list[str]:
        return [cluster.nodes[pos].name for pos in nodes]

    if opts.verbose > 1 and not opts.json:
        print("Offline candidates: " + ",".join(names(squeeze.removable(whole))))
        print("Online candidates: " + ",".join(names(squeeze.standby(whole))))
    plan = squeeze.plan(whole, opts.minimal_resources, opts.target_resources)
    if opts.save:
        output.save(f"{opts.save}.squeezed", plan.state, _AFTER[plan.action])
    _show(opts, plan, names(plan.nodes))
    return _execute(opts, plan, names(plan.nodes)) if opts.exec_jobs else 0


def _show(opts: command_line.Options, plan: Plan, names: list[str]) -> None:
    from ganeti.htools import commands
    from ganeti.htools.prog import output
    if opts.json:
        output.print_json({"action": plan.action, "nodes": names, "moves": [
            {"instance": plan.state.instances[step.inst].name,
             "commands": commands.shell(plan.state, step)} for step in plan.steps]})
    else:
        if not opts.no_headers:
            print(_HEADINGS[plan.action])
        for name in names:
            print(name)
        if plan.short and opts.verbose > 1:
            print("Onlining all nodes will not yield enough capacity")
    if opts.print_commands == declared.TO_SCREEN:
        if not opts.json:
            print("\nCommands to run:")
            print("\n".join(f"  {line}" for line in _commands(plan, stoppable=False)))
    elif opts.print_commands is not None:
        lines = _commands(plan, stoppable=True)
        output.write(opts.print_commands, commands.SCRIPT_HEAD + "\n".join(lines) + "\n", 0o755)
        if not opts.json:
            print(f"The commands have been written to file '{opts.print_commands}'")


def _commands(plan: Plan, *, stoppable: bool) -> list[str]:
    """The lines of a script that does it."""
    from ganeti.htools import balance, commands, squeeze, tags
    if plan.action == squeeze.NOTHING:
        return ["echo Nothing to do"]
    names = [plan.state.cluster.nodes[pos].alias for pos in plan.nodes]
    moves = commands.script(plan.state, balance.job_sets(plan.steps), stoppable=stoppable)
    power = ["echo Power Commands", *(
        f"  gnt-node power -f {'on' if plan.action == squeeze.ONLINE else 'off'} {name}"
        for name in names)]
    if plan.action == squeeze.ONLINE:
        return [*power, *moves]
    tagging = [f"  gnt-node add-tags {name} {tags.STANDBY_AUTO}" for name in names]
    return [*moves, "", "echo Tagging Commands", *tagging, "", *power]


def _execute(opts: command_line.Options, plan: Plan, names: list[str]) -> int:
    """Do it by jobs: nodes come first and go last."""
    from ganeti.htools import balance, commands, squeeze
    from ganeti.htools.prog import execution, sources

    def say(text: str) -> None:
        if not opts.json:
            print(text, flush=True)

    moves = [[commands.opcodes(plan.state, step) for step in steps]
             for steps in balance.job_sets(plan.steps)]
    if plan.action == squeeze.ONLINE:
        sets = [[_come(name) for name in names], *moves]
    else:
        sets = [*moves, [_leave(name) for name in names]]
    sets = [jobs for jobs in sets if jobs]
    with sources.luxi_client(opts.luxi) as client:
        marked = [[execution.mark(job, "hsqueeze", None, None) for job in jobs] for jobs in sets]
        return 0 if execution.Runner(client, say).run(marked) else constants.EXIT_FAILURE


def _come(name: str) -> list[dict[str, Any]]:
    """The opcodes that bring a node back; without a power switch it must be running already."""
    return [{"OP_ID": "OP_OOB_COMMAND", "node_names": [name], "command": constants.OOB_POWER_ON},
            {"OP_ID": "OP_NODE_SET_PARAMS", "node_name": name, "offline": False}]


def _leave(name: str) -> list[dict[str, Any]]:
    """The opcodes that put an empty node on standby."""
    from ganeti.htools import tags
    return [{"OP_ID": "OP_TAGS_SET", "kind": constants.TAG_NODE, "name": name,
             "tags": [tags.STANDBY_AUTO]},
            {"OP_ID": "OP_NODE_SET_PARAMS", "node_name": name, "offline": True,
             "auto_promote": True},
            {"OP_ID": "OP_OOB_COMMAND", "node_names": [name],
             "command": constants.OOB_POWER_OFF}]
