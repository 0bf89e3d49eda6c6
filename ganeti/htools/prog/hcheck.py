"""hcheck: is the cluster healthy, and would balancing make it so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganeti.htools.prog import command_line, declared

if TYPE_CHECKING:
    from ganeti.htools.health import Counts
    from ganeti.htools.model import Group
    from ganeti.htools.state import State

OPTIONS = declared.options(
    "text-data no-disk-moves dynu-file ignore-dynu evac-mode exclude-instances exclusion-tags"
    " ialloc-src no-instance-moves luxi machine-readable max-cpu max-length min-disk min-gain"
    " min-gain-limit min-score ignore-soft-errors no-simulation offline quiet master"
    " select-instances no-capacity-checks verbose json")
_PREFIX = "HCHECK_"
_TEXTS = (("n1_fail", "Nodes not N+1 happy"), ("conflict_tags", "Nodes with conflicting instances"),
          ("offline_pri", "Instances having the primary node offline"),
          ("offline_sec", "Instances having a secondary node offline"),
          ("gn1_fail", "Nodes not directly evacuateable"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    return command_line.run("hcheck", OPTIONS, _run, argv)


def _run(opts: command_line.Options) -> int:
    from ganeti.htools import balance, health, rounds, state, tags
    from ganeti.htools.prog import memory, output, sources
    memory.keep()
    cluster = sources.load(opts)
    whole = state.State(cluster, tags.meaning(cluster, opts.exclusion_tags),
                        max_cpu=opts.max_cpu, min_disk=opts.min_disk)
    first = _judge(whole, cluster.groups, not opts.no_capacity_checks)
    if opts.verbose > 1:
        for group in cluster.groups:
            output.show_coefficients(f"Coefficients of group {group.name}:", whole,
                                     whole.nodes_of_group(group))
    verdict = health.total(first)
    simulated = not opts.no_simulation and not verdict.healthy
    last = first
    if simulated:
        rules = rounds.Rules(not opts.no_disk_moves, not opts.no_instance_moves, False,
                            opts.ignore_soft_errors)
        goal = balance.Goal(opts.min_gain, opts.min_gain_limit, opts.min_score, opts.max_length,
                            opts.evac_mode)
        last = _judge(health.rebalanced(whole, cluster.groups, rules, goal), cluster.groups,
                      not opts.no_capacity_checks)
    report = _Report(cluster.groups, first, last, not verdict.healthy)
    if opts.json:
        output.print_json(dict(report.machine()))
    elif opts.machine_readable:
        for key, value in report.machine():
            print(f"{_PREFIX}{key}={_quoted(value)}")
    else:
        print("\n".join(report.human(opts.no_simulation, simulated)))
    return int(not verdict.healthy and not opts.no_simulation)


def _quoted(value: Any) -> str:
    text = str(value)
    return text if all(char.isalnum() or char == "." for char in text) else f"'{text}'"


def _judge(whole: State, groups: Sequence[Group], capacity: bool) -> list[Counts]:
    from ganeti.htools import health
    return [health.judge(whole, whole.nodes_of_group(group), capacity=capacity)
            for group in groups]


class _Report:
    """The counts before and after."""

    def __init__(self, groups: Sequence[Group], first: list[Counts], last: list[Counts],
                 needed: bool):
        from ganeti.htools import health
        self.groups, self.first, self.last, self.needed = groups, first, last, needed
        self.all_first, self.all_last = health.total(first), health.total(last)

    def machine(self) -> list[tuple[str, Any]]:
        """The KEY=value form."""
        rows: list[tuple[str, Any]] = [
            (f"GROUP_UUID_{pos}", group.uuid) for pos, group in enumerate(self.groups)]
        for phase, counts, every in (("INIT", self.first, self.all_first),
                                     ("FINAL", self.last, self.all_last)):
            for pos, count in enumerate(counts):
                rows += _keys(f"{phase}_GROUP_{pos}", count)
                rows.append((f"{phase}_GROUP_{pos}_SCORE", f"{count.score:.8f}"))
            rows += _keys(f"{phase}_CLUSTER", every)
            # the catalogue: the last verdict repeats the first
            rows.append((f"{phase}_CLUSTER_NEED_REBALANCE", int(self.needed)))
        return [*rows, ("OK", 1)]

    def human(self, no_simulation: bool, simulated: bool) -> list[str]:
        """The text form."""
        lines = ["Running in no-simulation mode." if no_simulation
                 else "Cluster needs rebalancing." if self.needed
                 else "No need to rebalance cluster, no problems found."]
        lines += self._phase("initially", self.first, self.all_first)
        if simulated:
            lines += self._phase("after rebalancing", self.last, self.all_last)
        return lines

    def _phase(self, when: str, counts: list[Counts], every: Counts) -> list[str]:
        lines = []
        for group, count in zip(self.groups, counts, strict=True):
            lines += ["", f"Statistics for group {group.name} {when}", *_lines(count),
                      f"    Group score: {count.score:.8f}"]
        return [*lines, "", f"Cluster statistics {when}", *_lines(every),
                f"    Cluster is not healthy: {not every.healthy}"]


def _keys(prefix: str, counts: Counts) -> list[tuple[str, Any]]:
    return [(f"{prefix}_{name.upper()}", getattr(counts, name)) for name, _text in _TEXTS
            if getattr(counts, name) is not None]


def _lines(counts: Counts) -> list[str]:
    return [f"    {text}: {getattr(counts, name)}" for name, text in _TEXTS
            if getattr(counts, name) is not None]
