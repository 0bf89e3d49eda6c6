"""hbal: find, and make, the moves that balance a node group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganeti.htools.prog import command_line, declared

if TYPE_CHECKING:
    from ganeti.htools.balance import Step
    from ganeti.htools.model import Cluster, Group
    from ganeti.htools.state import Ints, State

OPTIONS = declared.options(
    "print-nodes print-instances print-commands text-data evac-mode restricted-migration master"
    " luxi ialloc-src exec first-job-group reason group max-length verbose quiet offline"
    " static-kvm-node-memory min-score max-cpu min-disk min-gain min-gain-limit no-disk-moves"
    " select-instances no-instance-moves ignore-soft-errors dynu-file ignore-dynu mond mond-data"
    " exit-on-missing-mond-data mond-xen exclusion-tags exclude-instances save priority json")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    return command_line.run("hbal", OPTIONS, _run, argv)


def _run(opts: command_line.Options) -> int:
    from ganeti.htools import balance, model, rounds, state, tags
    from ganeti.htools.prog import memory, output, sources
    memory.keep()
    if opts.exec_jobs and not opts.luxi:
        raise model.RequestError("hbal: jobs can be submitted to a cluster read with -L only")
    if opts.print_nodes:
        output.field_names(opts.print_nodes)
    cluster = sources.load(opts)
    whole = state.State(cluster, tags.meaning(cluster, opts.exclusion_tags),
                        max_cpu=opts.max_cpu, min_disk=opts.min_disk)
    first = whole.copy()
    rules = rounds.Rules(not opts.no_disk_moves, not opts.no_instance_moves,
                        opts.restricted_migration, opts.ignore_soft_errors)
    goal = balance.Goal(opts.min_gain, opts.min_gain_limit, opts.min_score, opts.max_length,
                        opts.evac_mode)
    run = _Run(opts, cluster, whole)
    nodes = run.introduce()
    if opts.save:
        output.save(f"{opts.save}.original", first, "before balancing")
    steps = run.solve(nodes, rules, goal)
    run.tables(first)
    sets = balance.job_sets(steps)
    run.commands(sets)
    if opts.save:
        output.save(f"{opts.save}.balanced", whole, "after balancing")
    good = run.execute(sets)
    run.record(nodes, steps, sets)
    return 0 if good else 1


class _Run:
    """One run: what has been found so far, and how it is told."""

    def __init__(self, opts: command_line.Options, cluster: Cluster, whole: State):
        self.opts, self.cluster, self.state = opts, cluster, whole
        self.initial = 0.0
        self.group: Group | None = None

    def say(self, text: str, level: int = 0) -> None:
        """Print when that verbose, unless JSON is wanted."""
        if not self.opts.json and self.opts.verbose >= level:
            print(text, flush=True)

    def introduce(self) -> Ints:
        """Choose the group, tell of it; its nodes."""
        from ganeti.htools import balance
        from ganeti.htools.prog import output
        group = self.group = self._choose()
        nodes = self.state.nodes_of_group(group)
        self.say("Loaded cluster tags: " + ",".join(self.cluster.tags), 2)
        self.say(f"Loaded {output.count(len(self.cluster.nodes), 'node')},"
                 f" {output.count(len(self.cluster.instances), 'instance')}")
        self.say(f"Group size {output.count(len(nodes), 'node')},"
                 f" {output.count(len(balance.members(self.state, nodes)), 'instance')}")
        self.say(f"Selected node group: {group.name}")
        bad_nodes, bad_instances = balance.bad(self.state, nodes)
        self.say(f"Initial check done: {output.count(len(bad_nodes), 'bad node')},"
                 f" {output.count(len(bad_instances), 'bad instance')}.", 1)
        return nodes

    def _choose(self) -> Group:
        from ganeti.htools import model
        if self.opts.group:
            return self.cluster.group(self.opts.group)
        if len(self.cluster.groups) != 1:
            raise model.RequestError(
                "There are several node groups, choose one with -G: "
                + ", ".join(group.name for group in self.cluster.groups))
        return self.cluster.groups[0]

    def solve(self, nodes: Ints, rules: Any, goal: Any) -> list[Step]:
        """Balance, telling each step."""
        from ganeti.htools import balance, score
        values = score.components(self.state, nodes)
        self.initial, best = score.total(values), score.optimal(self.state, nodes)
        self._coefficients(f"Initial coefficients: overall {self.initial:.8f}",
                           f"Initial score: {self.initial:.8f}", values)
        if self.initial <= best + goal.min_score:
            self.say(f"Cluster is already well balanced (initial score {self.initial:.6g},\n"
                     f"optimum score due to N+1 reservations {best:.6g},\n"
                     f"minimum score {goal.min_score:.6g}).\nNothing to do, exiting")
            return []
        self.say("Trying to minimize the CV...")
        steps: list[Step] = []
        for step in balance.walk(self.state, nodes, rules, goal):
            steps.append(step)
            self.say(self._line(len(steps), step))
        if self.opts.verbose > 2 and steps:
            self._coefficients(f"Final coefficients:   overall {steps[-1].score:.8f}", "",
                               score.components(self.state, nodes))
        elif steps:
            self.say(f"Cluster score improved from {self.initial:.8f} to {steps[-1].score:.8f}")
        if not steps:
            self.say("No solution found")
        self.say(f"Solution length={len(steps)}", 1)
        return steps

    def _coefficients(self, long: str, short: str, values: dict[str, float]) -> None:
        from ganeti.htools.prog import output
        self.say("\n".join([long, *output.coefficients(values)])
                 if self.opts.verbose > 2 else short)

    def _line(self, number: int, step: Step) -> str:
        from ganeti.htools import commands
        nodes = self.cluster.nodes
        names = max((len(inst.alias) for inst in self.cluster.instances), default=0)
        width = 2 * max(len(node.alias) for node in nodes) + 1

        def pair(where: tuple[int, int]) -> str:
            return ":".join(nodes[pos].alias for pos in where if pos >= 0)

        return (f"  {number:3d}. {self.state.instances[step.inst].alias:<{names}}"
                f" {pair(step.old):<{width}} => {pair(step.new):<{width}} {step.score:12.8f}"
                f" a={commands.short(self.state, step)}")

    def tables(self, first: State) -> None:
        """What -p and --print-instances want."""
        from ganeti.htools.prog import output
        wanted = self.opts.print_nodes, self.opts.print_instances
        if any(wanted):
            output.show_tables("Initial", first, *wanted)
            output.show_tables("Final", self.state, *wanted)

    def commands(self, sets: Sequence[Sequence[Step]]) -> None:
        """What -C wants."""
        from ganeti.htools import commands
        from ganeti.htools.prog import output
        target = self.opts.print_commands
        if target is None or not sets:
            return
        if target == declared.TO_SCREEN:
            self.say("\nCommands to run to reach the above solution:")
            lines = commands.script(self.state, sets, stoppable=False)
            self.say("\n".join(f"  {line}" for line in lines))
            return
        output.write(target, commands.script_file(self.state, sets), 0o755)
        self.say(f"The commands have been written to file '{target}'")

    def execute(self, sets: Sequence[Sequence[Step]]) -> bool:
        """What -X wants."""
        if not self.opts.exec_jobs or not sets:
            return True
        from ganeti.htools import commands
        from ganeti.htools.prog import execution, sources
        wanted = sets[:1] if self.opts.first_job_group else sets
        jobs = [[execution.mark(commands.opcodes(self.state, step), "hbal", self.opts.reason,
                                self.opts.priority) for step in steps] for steps in wanted]
        with sources.luxi_client(self.opts.luxi) as client:
            return execution.Runner(client, self.say).run(jobs)

    def record(self, nodes: Ints, steps: Sequence[Step], sets: Sequence[Sequence[Step]]) -> None:
        """The whole run as JSON."""
        if not self.opts.json:
            return
        from ganeti.htools import commands, score
        from ganeti.htools.prog import output
        state = self.state

        def names(where: tuple[int, int]) -> list[str]:
            return [self.cluster.nodes[pos].name for pos in where if pos >= 0]

        output.print_json({
            "group": self.group.name if self.group else None, "initial_score": self.initial,
            "final_score": score.score(state, nodes), "optimal_score": score.optimal(state, nodes),
            "moves": [{"instance": state.instances[step.inst].name, "old": names(step.old),
                       "new": names(step.new), "score": step.score,
                       "commands": commands.shell(state, step)} for step in steps],
            "job_sets": [[state.instances[step.inst].name for step in some] for some in sets]})
