"""hail: the default allocator, as a program that reads a request and writes the answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ganeti.htools.prog import command_line, declared

OPTIONS = declared.options(
    "print-nodes save text-data simulate verbose ignore-dynu ignore-soft-errors"
    " no-capacity-checks restrict-allocation-to mond mond-xen static-kvm-node-memory")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    return command_line.run("hail", OPTIONS, _run, argv, arguments="REQUEST_FILE")


def _run(opts: command_line.Options) -> int:
    from ganeti import serializer
    from ganeti.htools import hail, model
    from ganeti.htools.load import iallocator
    from ganeti.htools.prog import output, sources
    if len(opts.args) != 1:
        raise model.RequestError("The request file is the one argument of this program")
    document = iallocator.load(opts.args[0])
    other = sources.read(opts) if opts.simulate or opts.text_data else None
    settings = hail.Settings(
        opts.ignore_soft_errors, not opts.no_capacity_checks, opts.ignore_dynu,
        opts.restrict_allocation_to, opts.static_kvm_node_memory)
    allocator = hail.Allocator.load(document, settings, other)
    if opts.mond:
        sources.monitoring(allocator.cluster, opts)
        allocator.reload()
    if opts.verbose > 1:
        print(f"Received a request of type {allocator.request['type']}", file=sys.stderr)
    if opts.print_nodes:
        output.show_tables("Initial", allocator.state, opts.print_nodes, False)
    if opts.save:
        output.save(f"{opts.save}.pre-ialloc", allocator.state, "before iallocator run")
    reply = allocator.answer()
    if opts.print_nodes:
        output.show_tables("Final", allocator.state, opts.print_nodes, False)
    if opts.save:
        output.save(f"{opts.save}.post-ialloc", allocator.state, "after iallocator run")
    print(serializer.dumps(reply))
    return 0
