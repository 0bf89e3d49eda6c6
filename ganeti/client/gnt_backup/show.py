"""gnt-backup list and list-fields."""

from __future__ import annotations

from typing import Any

from ganeti.cli import listing
from ganeti.cli.command import Command
from ganeti.cli.option import Option, Values
from ganeti.cli.standard import FIELDS, LIST_VERBOSE, NO_HEADERS, SEPARATOR, UNITS


def list_exports(values: Values, args: list[str]) -> int:
    """Print which node holds which export."""
    values.force_filter = False
    condition: Any = None
    if values.nodes:
        condition = ["|", *(["=", "node", name] for name in values.nodes)]
    return listing.show("export", values, args, ["node", "export"], qfilter=condition,
                        name_field="node")


LIST = Command(
    list_exports,
    options=[Option("-n", "--node", dest="nodes", action="append", default=[], metavar="<node>",
                    completes="one_node", help="Only this node; may be repeated"),
             NO_HEADERS, SEPARATOR, UNITS, FIELDS, LIST_VERBOSE],
    help="Show the exports on the nodes", example="gnt-backup list -n node2.example.org")
LIST_FIELDS = listing.list_fields_command("export", "gnt-backup")
