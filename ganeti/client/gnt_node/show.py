"""gnt-node list and info."""

from __future__ import annotations

from typing import Any

from ganeti.cli import info as printer
from ganeti.cli import jobs, listing
from ganeti.cli.command import NODE, Command, many
from ganeti.cli.option import Values
from ganeti.cli.standard import LIST_OPTIONS_WITH_UNITS

_USUAL = ["name", "dtotal", "dfree", "mtotal", "mnode", "mfree", "pinst_cnt", "sinst_cnt"]
_INFO_FIELDS = ["name", "pip", "sip", "pinst_list", "sinst_list", "master_candidate", "drained",
                "offline", "master_capable", "vm_capable", "powered", "ndparams",
                "custom_ndparams"]


def list_nodes(values: Values, args: list[str]) -> int:
    """Print nodes as a table."""
    return listing.show("node", values, args, _USUAL)


def info(values: Values, args: list[str]) -> int:
    """Print nodes with their roles, instances and parameters."""
    rows = jobs.client().query_nodes(args, _INFO_FIELDS)
    printer.show([_node(dict(zip(_INFO_FIELDS, row, strict=True))) for row in rows])
    return 0


def _node(known: dict[str, Any]) -> list[tuple[str, Any]]:
    result: list[tuple[str, Any]] = [
        ("Node name", known["name"]), ("primary ip", known["pip"]),
        ("secondary ip", known["sip"]), ("master candidate", known["master_candidate"]),
        ("drained", known["drained"]), ("offline", known["offline"])]
    if known["powered"] is not None:
        result.append(("powered", known["powered"]))
    result += [("master_capable", known["master_capable"]), ("vm_capable", known["vm_capable"])]
    if known["vm_capable"]:
        result += [("primary for instances", list(known["pinst_list"])),
                   ("secondary for instances", list(known["sinst_list"]))]
    result.append(("node parameters",
                   printer.with_defaults(known["custom_ndparams"], known["ndparams"])))
    return result


LIST = Command(list_nodes, args=[many(NODE)], options=LIST_OPTIONS_WITH_UNITS,
               help="List nodes", example="gnt-node list -o name,role,pinst_cnt")
LIST_FIELDS = listing.list_fields_command("node", "gnt-node")
INFO = Command(info, args=[many(NODE)], help="Show roles, instances and parameters of nodes",
               example="gnt-node info node1.example.org")
