"""hinfo: how a cluster and its groups stand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganeti.htools.prog import command_line, declared

if TYPE_CHECKING:
    from ganeti.htools.model import Cluster, Group
    from ganeti.htools.state import State

OPTIONS = declared.options(
    "print-nodes print-instances text-data master luxi ialloc-src verbose quiet offline"
    " ignore-dynu mond mond-data static-kvm-node-memory json")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    return command_line.run("hinfo", OPTIONS, _run, argv)


def _run(opts: command_line.Options) -> int:
    from ganeti.htools import score, state, tags
    from ganeti.htools.prog import output, sources
    if opts.print_nodes:
        output.field_names(opts.print_nodes)
    cluster = sources.load(opts)
    whole = state.State(cluster, tags.meaning(cluster))
    values = score.components(whole)
    if opts.json:
        output.print_json(_record(cluster, whole, values))
        return 0
    print("Loaded cluster tags: " + ",".join(cluster.tags))
    print(f"Loaded {output.count(len(cluster.nodes), 'node')},"
          f" {output.count(len(cluster.instances), 'instance')},"
          f" {output.count(len(cluster.groups), 'node group')}")
    if opts.verbose > 1:
        _print_groups(cluster, whole)
    happy = not (whole.fail_n1 & ~whole.offline).any()
    print(f"Cluster is N+1 {'happy' if happy else 'unhappy'}")
    print("Cluster coefficients:")
    print("\n".join(output.coefficients(values)))
    print(f"Cluster score: {score.total(values):.8f}")
    output.show_tables("", whole, opts.print_nodes, opts.print_instances)
    return 0


def _group(whole: State, group: Group) -> dict[str, Any]:
    from ganeti.htools import balance, score
    nodes = whole.nodes_of_group(group)
    bad_nodes, bad_instances = balance.bad(whole, nodes)
    return {"name": group.name, "uuid": group.uuid, "nodes": len(nodes),
            "instances": len(balance.members(whole, nodes)), "bad_nodes": len(bad_nodes),
            "bad_instances": len(bad_instances),
            "n1": not (whole.fail_n1[nodes] & ~whole.offline[nodes]).any(),
            "score": score.score(whole, nodes)}


def _print_groups(cluster: Cluster, whole: State) -> None:
    from ganeti.htools.prog import output
    if split := cluster.split_instances():
        print("Found instances belonging to multiple node groups:")
        sys.stdout.flush()
        for inst in split:
            print(f"  {inst.name}", file=sys.stderr)
    else:
        print("No split instances found")
    rows = []
    for group in cluster.groups:
        info = _group(whole, group)
        rows.append([info["name"], str(info["nodes"]), str(info["instances"]),
                     str(info["bad_nodes"]), str(info["bad_instances"]), str(info["n1"]),
                     f"{info['score']:.8f}"])
    print("Node group information:")
    print("\n".join(output.table(
        ("Group", "Nodes", "Instances", "Bad_Nodes", "Bad_Instances", "N+1", "Score"), rows,
        [False, True, True, True, True, False, True], "   ")))


def _record(cluster: Cluster, whole: State, values: dict[str, float]) -> dict[str, Any]:
    from ganeti.htools import score
    from ganeti.htools.prog import output
    return {
        "nodes": output.node_records(whole), "instances": output.instance_records(whole),
        "groups": [{**info, "n1": bool(info["n1"])} for info in
                   (_group(whole, group) for group in cluster.groups)],
        "tags": list(cluster.tags), "score": score.total(values),
        "components": {component.name: {"value": values[component.name],
                                        "weight": component.weight}
                       for component in score.COMPONENTS},
        "split_instances": [inst.name for inst in cluster.split_instances()],
        "n1": not bool((whole.fail_n1 & ~whole.offline).any()),
    }
