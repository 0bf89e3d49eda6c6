"""hspace: how many more instances fit."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganeti.htools.prog import command_line, declared

if TYPE_CHECKING:
    from ganeti.htools.capacity import Result
    from ganeti.htools.model import Cluster, Spec
    from ganeti.htools.state import State

OPTIONS = declared.options(
    "print-nodes text-data disk-template spindle-use simulate master luxi ialloc-src verbose quiet"
    " independent-groups accept-existing-errors offline no-capacity-checks machine-readable"
    " max-cpu max-length min-disk standard-alloc tiered-alloc save static-kvm-node-memory json")
_PREFIX = "HTS_"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    return command_line.run("hspace", OPTIONS, _run, argv)


def _run(opts: command_line.Options) -> int:
    from ganeti.htools import capacity, model, state, tags
    from ganeti.htools.prog import output, sources
    if opts.print_nodes:
        output.field_names(opts.print_nodes)
    cluster = sources.load(opts)
    template = opts.disk_template or cluster.policy.templates[0]
    model.template(template)
    whole = state.State(cluster, tags.meaning(cluster), max_cpu=opts.max_cpu,
                        min_disk=opts.min_disk)
    wanted = capacity.Wanted(template, opts.max_length, not opts.no_capacity_checks,
                             opts.independent_groups, opts.accept_existing_errors,
                             opts.spindle_use)
    starts = _specs(opts, cluster)
    if opts.verbose > 2:
        output.show_coefficients("Initial coefficients:", whole)
    tiered = capacity.Filling(whole, wanted).tiered(starts)
    std = _spec(opts, cluster.policy.std, opts.standard_alloc)
    standard = capacity.Filling(whole, wanted).standard(std)
    if opts.verbose > 1:
        _maps(("Tiered", tiered), ("Standard", standard))
    report = _Report(whole, template, starts[0], std, tiered, standard)
    if opts.json:
        output.print_json(dict(report.machine()))
    elif opts.machine_readable:
        for key, value in report.machine():
            print(f"{_PREFIX}{key}={_quoted(value)}")
    else:
        print("\n".join(report.human()))
    if opts.print_nodes:
        report.tables(opts.print_nodes)
    if opts.save:
        output.save(f"{opts.save}.tiered", tiered.state, "after the tiered allocation")
        output.save(f"{opts.save}.standard", standard.state, "after the standard allocation")
    return 0


def _spec(opts: command_line.Options, default: Spec, given: Any) -> Spec:
    """The policy's spec, or what the command line says instead."""
    spec = default
    if given is not None:
        memory, disk, cpu, spindles = given
        spec = dataclasses.replace(spec, memory=memory, disk=disk, cpu=cpu, disk_count=1,
                                   spindle_use=spindles)
    if opts.spindle_use is not None:
        spec = dataclasses.replace(spec, spindle_use=opts.spindle_use)
    return spec


def _specs(opts: command_line.Options, cluster: Cluster) -> list[Spec]:
    """What the tiered run begins with: each maximum, with one disk as the standard has."""
    std = cluster.policy.std
    if opts.tiered_alloc is not None:
        return [_spec(opts, std, opts.tiered_alloc)]
    return [_spec(opts, dataclasses.replace(high, disk_count=std.disk_count,
                                            nic_count=std.nic_count), None)
            for _low, high in cluster.policy.minmax]


def _maps(*runs: tuple[str, Result]) -> None:
    """Where each instance went, on standard error."""
    for title, run in runs:
        print(f"{title} allocation map", file=sys.stderr)
        for pos in run.placed:
            inst = run.state.instances[pos]
            places = " ".join(run.state.cluster.nodes[node].alias for node in (
                run.state.pri[pos], run.state.sec[pos]) if node >= 0)
            print(f" {inst.name} {places} {inst.mem} {inst.dsk} {inst.vcpus}", file=sys.stderr)


def _quoted(value: Any) -> str:
    text = str(value)
    return text if all(char.isalnum() or char == "." for char in text) else f"'{text}'"


class _Totals:
    """Sums over all nodes of a state."""

    def __init__(self, state: State):
        from ganeti.htools import score
        from ganeti.htools import state as states
        raw, r_mem = state.raw, state.r_mem
        self.score = score.score(state)
        self.instances = int(state.real.sum())
        self.memory, self.disk = float(state.t_mem.sum()), float(state.t_dsk.sum())
        self.mem_free = int(raw[states.MEM].sum())
        available = (raw[states.MEM] - r_mem).clip(0)
        self.mem_avail, self.mem_most = int(available.sum()), int(available.max(initial=0))
        over = state.x_mem.clip(0)
        used = state.t_mem - state.n_mem - over - raw[states.MEM]
        self.mem_inst = int(used.sum())
        self.mem_overhead = int((state.n_mem + state.x_mem).sum())
        self.dsk_free = int(raw[states.DSK].sum())
        disk = (raw[states.DSK] - state.lo_dsk).clip(0)
        self.dsk_avail, self.dsk_most = int(disk.sum()), int(disk.max(initial=0))
        self.spindles = int(state.spindles.sum())
        self.spn_free = int(raw[states.SPN].sum()) if state.exclusive.any() else int(sum(
            node.f_spindles for node in state.cluster.nodes))
        self.cpu = int(raw[states.CPU].sum())
        self.vcpus = int(state.hi_cpu.sum())
        self.cores = int(state.t_cpu.sum())
        self.normed = float((raw[states.CPU] / state.ratio).sum())
        self.normed_all = float((state.hi_cpu / state.ratio).sum())

    def items(self, prefix: str) -> list[tuple[str, Any]]:
        """The keys that stand before and after each run."""
        spindles = self.spindles - self.spn_free
        return [(f"{prefix}_{key}", value) for key, value in (
            ("SCORE", f"{self.score:.8f}"), ("INST_CNT", self.instances),
            ("MEM_FREE", self.mem_free), ("MEM_AVAIL", self.mem_avail),
            ("MEM_RESVD", self.mem_free - self.mem_avail), ("MEM_INST", self.mem_inst),
            ("MEM_OVERHEAD", self.mem_overhead),
            ("MEM_EFF", _ratio(self.mem_inst, self.memory)),
            ("DSK_FREE", self.dsk_free), ("DSK_AVAIL", self.dsk_avail),
            ("DSK_RESVD", self.dsk_free - self.dsk_avail),
            ("DSK_INST", int(self.disk) - self.dsk_free),
            ("DSK_EFF", _ratio(self.disk - self.dsk_free, self.disk)),
            ("SPN_FREE", self.spn_free), ("SPN_INST", spindles),
            ("SPN_EFF", _ratio(spindles, self.spindles)),
            ("CPU_INST", self.cpu), ("CPU_EFF", _ratio(self.cpu, self.vcpus)),
            ("MNODE_MEM_AVAIL", self.mem_most), ("MNODE_DSK_AVAIL", self.dsk_most))]


def _ratio(part: float, whole: float) -> str:
    return f"{part / whole if whole else 0:.8f}"


@dataclasses.dataclass
class _Report:
    """Both runs, ready to be told."""

    before: State
    template: str
    tiered_spec: Spec
    standard_spec: Spec
    tiered: Result
    standard: Result

    def __post_init__(self) -> None:
        self.start = _Totals(self.before)
        self.after_tiered = _Totals(self.tiered.state)
        self.after_standard = _Totals(self.standard.state)

    def _spec(self, prefix: str, spec: Spec) -> list[tuple[str, Any]]:
        from ganeti.htools import model
        return [(f"{prefix}_MEM", spec.memory), (f"{prefix}_DSK", spec.disk),
                (f"{prefix}_CPU", spec.cpu), (f"{prefix}_SPN", spec.spindle_use),
                (f"{prefix}_RQN", model.template(self.template).nodes),
                (f"{prefix}_DISK_TEMPLATE", self.template)]

    def machine(self) -> list[tuple[str, Any]]:
        """The KEY=value form."""
        from ganeti.htools import alloc
        start, tiered, standard = self.start, self.after_tiered, self.after_standard
        placed = len(self.standard.placed)
        return [
            ("CLUSTER_MEM", int(start.memory)), ("CLUSTER_DSK", int(start.disk)),
            ("CLUSTER_CPU", start.cores), ("CLUSTER_VCPU", start.vcpus),
            ("CLUSTER_SPN", start.spindles), ("CLUSTER_NODES", self.before.node_count),
            *start.items("INI"), *self._spec("TSPEC_INI", self.tiered_spec),
            *tiered.items("TRL"), ("TSPEC", " ".join(
                f"{spec.memory},{spec.disk},{spec.cpu},{spec.spindle_use}={count}"
                for spec, count in self.tiered.specs)),
            *self._resources(), *self._spec("SPEC", self.standard_spec),
            *standard.items("FIN"),
            ("ALLOC_USAGE", _ratio(start.instances, standard.instances)),
            ("ALLOC_INSTANCES", placed),
            ("ALLOC_FAIL_REASON", self.standard.reason.upper()),
            *((f"ALLOC_{kind.upper()}_CNT", self.standard.failures[kind])
              for kind in alloc.FAILURES), ("OK", 1)]

    def _resources(self) -> list[tuple[str, Any]]:
        """What was used before, what the tiered run took, what is left of everything."""
        first, last = self.start, self.after_tiered
        rows = []
        for name, used, then, total in (
                ("CPU", first.cpu, last.cpu, first.vcpus),
                ("NPU", first.normed, last.normed, first.normed_all),
                ("MEM", first.mem_inst, last.mem_inst, int(first.memory)),
                ("DSK", int(first.disk) - first.dsk_free, int(first.disk) - last.dsk_free,
                 int(first.disk)),
                ("SPN", first.spindles - first.spn_free, first.spindles - last.spn_free,
                 first.spindles)):
            rows.append((name, used, then - used, total - then))
        return [(f"KM_{kind}_{row[0]}", row[pos]) for pos, kind in enumerate(
            ("USED", "POOL", "UNAV"), 1) for row in rows]

    def human(self) -> list[str]:
        """The text form."""
        start = self.start
        number = f"are {start.instances}" if start.instances else "are no"
        return [
            f"The cluster has {self.before.node_count} nodes and the following resources:",
            f"  MEM {start.memory:.0f}, DSK {start.disk:.0f}, CPU {start.cores},"
            f" VCPU {start.vcpus}.",
            f"There {number} initial instances on the cluster.",
            f"Tiered (initial size) instance spec is:\n  {self._size(self.tiered_spec)},"
            f" using disk template '{self.template}'.",
            "Tiered allocation results:",
            *(f"  - {count:3d} instances of spec {self._size(spec)}"
              for spec, count in self.tiered.specs or [(self.tiered_spec, 0)]),
            *self._outcome(self.tiered, self.after_tiered),
            f"Standard (fixed-size) instance spec is:\n  {self._size(self.standard_spec)},"
            f" using disk template '{self.template}'.",
            "Normal (fixed-size) allocation results:",
            f"  - {len(self.standard.placed):3d} instances allocated",
            *self._outcome(self.standard, self.after_standard)]

    def _size(self, spec: Spec) -> str:
        return f"MEM {spec.memory}, DSK {spec.disk}, CPU {spec.cpu}"

    def _outcome(self, result: Result, after: _Totals) -> list[str]:
        disk = after.disk - after.dsk_free
        return [
            f"  - most likely failure reason: {result.reason}",
            f"  - initial cluster score: {self.start.score:.8f}",
            f"  -   final cluster score: {after.score:.8f}",
            f"  - memory usage efficiency: {_percent(after.mem_inst, after.memory)}",
            f"  -   disk usage efficiency: {_percent(disk, after.disk)}",
            f"  -   vcpu usage efficiency: {_percent(after.cpu, after.vcpus)}"]

    def tables(self, fields: str) -> None:
        """What -p wants, on standard error."""
        from ganeti.htools.prog import output
        output.show_tables("Initial", self.before, fields, False)
        for title, result in (("Tiered allocation", self.tiered),
                              ("Standard allocation", self.standard)):
            print(f"{title} map", file=sys.stderr)
            for pos in result.placed:
                inst = result.state.instances[pos]
                print(f" {inst.name} {' '.join(result.state.placements(pos))} {inst.mem}"
                      f" {inst.dsk} {inst.vcpus}", file=sys.stderr)
            output.show_tables(title, result.state, fields, False)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole if whole else 0:5.2f}%"
