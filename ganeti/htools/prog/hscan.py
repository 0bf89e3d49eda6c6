"""hscan: collect the descriptions of clusters into text files, one line about each."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganeti.htools.prog import command_line, declared

if TYPE_CHECKING:
    from ganeti.htools.model import Cluster
    from ganeti.htools.state import State

OPTIONS = declared.options(
    "print-nodes output-dir luxi verbose no-headers static-kvm-node-memory json")
_LOCAL = "LOCAL"
EXIT_SOME_FAILED = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    return command_line.run("hscan", OPTIONS, _run, argv, arguments="[HOST...]")


def _run(opts: command_line.Options) -> int:
    from ganeti.htools import model
    from ganeti.htools.load import prepare
    from ganeti.htools.prog import output, sources
    if opts.print_nodes:
        output.field_names(opts.print_nodes)
    names = opts.args or [_LOCAL]
    width = max(len("Name"), *map(len, names))
    if not (opts.no_headers or opts.json):
        print(f"{'Name':<{width}} {'Nodes':>5} {'Inst':>5} {'BNode':>5} {'BInst':>5} {'t_mem':>6}"
              f" {'f_mem':>6} {'t_disk':>6} {'f_disk':>6} Score")
    records: dict[str, Any] = {}
    failed = False
    for name in names:
        try:
            cluster = (sources.from_rapi(name, opts.static_kvm_node_memory) if opts.args
                       else sources.from_luxi(opts.luxi or declared.DEFAULT_SOCKET,
                                              opts.static_kvm_node_memory))
            warnings = prepare.prepare(cluster)
        except model.LoadError as err:
            print(f"Error for {name}: failed to load data. Details:\n{err}", file=sys.stderr)
            failed = True
            continue
        if opts.verbose > 1:
            for warning in warnings:
                print(f"Warning: {name}: {warning}", file=sys.stderr)
        records[name] = _keep(opts, name, width, cluster)
    if opts.json:
        output.print_json(records)
    return EXIT_SOME_FAILED if failed else 0


def _keep(opts: command_line.Options, name: str, width: int, cluster: Cluster) -> dict[str, Any]:
    """Write the file, print the line, and the nodes if they are wanted; the line as a record."""
    from ganeti.htools import state, tags
    from ganeti.htools.load import text
    from ganeti.htools.prog import output
    whole = state.State(cluster, tags.meaning(cluster))
    record = _figures(whole)
    if not opts.json:
        print(f"{name:<{width}} {record['nodes']:5d} {record['instances']:5d}"
              f" {record['bad_nodes']:5d} {record['bad_instances']:5d}"
              f" {record['total_memory'] / 1024:6.0f} {record['free_memory'] // 1024:6d}"
              f" {record['total_disk'] / 1024:6.0f} {record['free_disk'] // 1024:6d}"
              f" {record['score']:.8f}")
    path = os.path.join(opts.output_dir, name.replace("/", "_") + ".data")
    output.write(path, text.dump(cluster))
    if opts.print_nodes:
        print("\n".join(output.node_table(whole, opts.print_nodes)))
    return {**record, "file": path}


def _figures(whole: State) -> dict[str, Any]:
    import numpy as np

    from ganeti.htools import balance, score
    from ganeti.htools import state as states
    bad_nodes, bad_instances = balance.bad(whole, np.arange(whole.node_count))
    return {"nodes": whole.node_count, "instances": len(whole.instances),
            "bad_nodes": len(bad_nodes), "bad_instances": len(bad_instances),
            "total_memory": float(whole.t_mem.sum()),
            "free_memory": int(whole.raw[states.MEM].sum()),
            "total_disk": float(whole.t_dsk.sum()), "free_disk": int(whole.raw[states.DSK].sum()),
            "score": score.score(whole)}
