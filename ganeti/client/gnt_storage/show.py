"""gnt-storage diagnose and info."""

from __future__ import annotations

from typing import Any

from ganeti.cli import jobs
from ganeti.cli.command import OS, Command, many
from ganeti.cli.option import Values
from ganeti.cli.report import to_stderr, to_stdout
from ganeti.cli.standard import PRIORITY
from ganeti.opcodes.os import OpExtStorageDiagnose


def diagnose(values: Values, args: list[str]) -> int:
    """Tell for every provider on which nodes and in which groups it is in order."""
    op = OpExtStorageDiagnose(output_fields=["name", "node_status", "nodegroup_status"])
    broken = 0
    for name, nodes, groups in jobs.submit_or_send(op, values):
        to_stdout(f"Provider: {name}")
        for node in sorted(nodes):
            broken += not _show_node(node, nodes[node])
        for group in sorted(groups):
            to_stdout(f"  Node group: {group}, status: {'valid' if groups[group] else 'invalid'}")
        to_stdout("")
    return 1 if broken else 0


def _show_node(node: str, places: list[list[Any]]) -> bool:
    if not places:
        to_stdout(f"  Node: {node}, status: ERROR (not found)")
        return False
    path, ok, message = places[0][:3]
    state = f"OK (path: {path})" if ok else f"ERROR: {message} (path: {path})"
    to_stdout(f"  Node: {node}, status: {state}")
    return bool(ok)


def info(values: Values, args: list[str]) -> int:
    """Print where providers are valid, and their parameters."""
    op = OpExtStorageDiagnose(output_fields=["name", "nodegroup_status", "parameters"])
    missing = set(args)
    for name, groups, parameters in jobs.submit_or_send(op, values):
        if args and name not in args:
            continue
        missing.discard(name)
        to_stdout(f"{name}:")
        valid = sorted(group for group, good in groups.items() if good)
        if valid:
            to_stdout("  - Valid for nodegroups:")
            for group in valid:
                to_stdout(f"      {group}")
            to_stdout("  - Supported parameters:")
            for parameter, doc in parameters:
                to_stdout(f"      {parameter}: {doc}")
        else:
            to_stdout("  - Invalid for all nodegroups")
        to_stdout("")
    for name in sorted(missing):
        to_stderr(f"{name}: Extstorage provider unknown")
    return 1 if missing else 0


DIAGNOSE = Command(diagnose, options=[PRIORITY],
                   help="Tell what is wrong with storage providers, node by node",
                   example="gnt-storage diagnose")
INFO = Command(info, args=[many(OS, label="provider")], options=[PRIORITY],
               help="Show storage providers and their parameters",
               example="gnt-storage info netapp")
