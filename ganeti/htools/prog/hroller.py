"""hroller: in which waves the nodes can be rebooted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganeti.htools.prog import command_line, declared

if TYPE_CHECKING:
    from ganeti.htools.maintenance import Wave
    from ganeti.htools.model import Cluster
    from ganeti.htools.state import State

OPTIONS = declared.options(
    "luxi master text-data ialloc-src offline offline-maintenance verbose quiet no-headers"
    " node-tags save group print-moves full-evacuation skip-non-redundant ignore-non-redundant"
    " force one-step-only static-kvm-node-memory json")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    return command_line.run("hroller", OPTIONS, _run, argv)


def _run(opts: command_line.Options) -> int:
    from ganeti.htools import maintenance, model, state, tags
    from ganeti.htools.prog import output, sources
    cluster = sources.load(opts)
    whole = state.State(cluster, tags.meaning(cluster))
    master = _master(cluster, opts.force)
    group = cluster.group(opts.group) if opts.group else None
    import numpy as np
    nodes = whole.nodes_of_group(group) if group else np.arange(whole.node_count)
    wanted = maintenance.vertices(whole, nodes, opts.node_tags)
    if not wanted:
        raise model.RequestError("No online node is to be rebooted: none is in the group or has one"
                                 " of the tags")
    if opts.skip_non_redundant:
        wanted = [node for node in wanted if not maintenance.has_non_redundant(whole, node)]
    edges = maintenance.graph(whole, wanted, offline_maintenance=opts.offline_maintenance)
    found = maintenance.colourings(edges)
    if opts.verbose > 1 and not opts.json:
        print("Colours: " + ", ".join(f"{name} {len(groups)}" for name, groups in found))
    care = maintenance.Care(not opts.ignore_non_redundant and not opts.skip_non_redundant,
                            opts.full_evacuation)
    try:
        waves = [wave for nodes_ in maintenance.best(found)
                 for wave in maintenance.waves(whole, nodes_, care)]
    except maintenance.NoRoomError as err:
        raise model.RequestError(str(err)) from err
    waves = _ordered(waves, master)
    if opts.one_step_only:
        waves = waves[:1]
    _show(opts, cluster, whole, waves)
    if opts.save:
        output.save(f"{opts.save}.original", whole, "before maintenance")
    return 0


def _master(cluster: Cluster, force: bool) -> int | None:
    from ganeti.htools import model
    masters = [pos for pos, node in enumerate(cluster.nodes) if node.master]
    if len(masters) == 1:
        return masters[0]
    if force:
        return None
    raise model.RequestError(
        f"{'No node is' if not masters else 'Several nodes are'} known as master;"
        " --force goes on without")


def _ordered(waves: list[Wave], master: int | None) -> list[Wave]:
    """Big ones first; the master's wave last, and in it the master."""
    waves = sorted(waves, key=lambda wave: (master in wave.nodes, -len(wave.nodes)))
    for wave in waves:
        wave.nodes.sort(key=lambda node: (node == master, node))
    return waves


def _show(opts: command_line.Options, cluster: Cluster, whole: State,
          waves: Sequence[Wave]) -> None:
    from ganeti.htools.prog import output

    def name(node: int) -> str:
        return cluster.nodes[node].name

    def moved(wave: Wave) -> list[list[str]]:
        return [[whole.instances[move.inst].name, *(
            name(node) for node in (move.pri, move.sec) if node >= 0)] for move in wave.moves]

    if opts.json:
        records: list[dict[str, Any]] = [
            {"nodes": [name(node) for node in wave.nodes],
             "moves": [{"instance": move[0], "nodes": move[1:]} for move in moved(wave)]}
            for wave in waves]
        output.print_json({"groups": records})
        return
    if not opts.no_headers:
        print("'First Reboot Group'" if opts.one_step_only else "'Node Reboot Groups'")
    for wave in waves:
        print(("\n" if opts.one_step_only else ",").join(name(node) for node in wave.nodes))
        if opts.print_moves:
            for move in moved(wave):
                print("  " + " ".join(move))
