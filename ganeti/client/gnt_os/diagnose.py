"""gnt-os diagnose."""

from __future__ import annotations

from typing import Any

from ganeti.cli import jobs
from ganeti.cli.command import Command
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import PRIORITY
from ganeti.opcodes.os import OpOsDiagnose

_FIELDS = ["name", "valid", "variants", "node_status", "hidden", "blacklisted"]


def diagnose(values: Values, args: list[str]) -> int:
    """Tell for every OS definition on which nodes it is in order."""
    rows = jobs.submit_or_send(OpOsDiagnose(output_fields=_FIELDS, names=[]), values)
    broken = 0
    for name, valid, variants, nodes, hidden, blacklisted in rows:
        marks = ["valid" if valid else "invalid"]
        marks += ["hidden"] if hidden else []
        marks += ["blacklisted"] if blacklisted else []
        broken += not valid
        to_stdout(f"OS: {name} [global status: {', '.join(marks)}]")
        if variants:
            to_stdout(f"  Variants: [{', '.join(variants)}]")
        for node in sorted(nodes):
            _node(node, nodes[node])
        to_stdout("")
    return 1 if broken else 0


def _node(node: str, places: list[list[Any]]) -> None:
    if not places:
        to_stdout(f"  Node: {node}, status: ERROR (not found)")
        return
    path, ok, message, variants, parameters, api_versions, trusted = places[0][:7]
    if not ok:
        to_stdout(f"  Node: {node}, status: invalid (path: {path}) [diagnostic: {message}]")
    else:
        facts = [f"[API versions: {', '.join(str(item) for item in sorted(api_versions)[::-1])}]"]
        facts += [f"[variants: {', '.join(variants)}]"] if variants else []
        names = [name for name, _doc in parameters]
        facts += [f"[parameters: {', '.join(names)}]"] if names else []
        facts.append("[trusted]" if trusted else "[untrusted]")
        to_stdout(f"  Node: {node}, status: valid (path: {path}) {' '.join(facts)}")
    for other in places[1:]:
        to_stdout(f"    hidden behind it: {other[0]}")


DIAGNOSE = Command(diagnose, options=[PRIORITY],
                   help="Tell what is wrong with OS definitions, node by node",
                   example="gnt-os diagnose")
