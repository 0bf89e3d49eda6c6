"""gnt-instance list."""

from __future__ import annotations

from ganeti.cli import listing
from ganeti.cli.command import INSTANCE, Command, many
from ganeti.cli.option import Values
from ganeti.cli.standard import LIST_OPTIONS_WITH_UNITS

_USUAL = ["name", "hypervisor", "os", "pnode", "status", "oper_ram"]


def list_instances(values: Values, args: list[str]) -> int:
    """Print instances as a table."""
    return listing.show("instance", values, args, _USUAL)


LIST = Command(list_instances, args=[many(INSTANCE)], options=LIST_OPTIONS_WITH_UNITS,
               help="List instances", example="gnt-instance list -o name,status,pnode")
LIST_FIELDS = listing.list_fields_command("instance", "gnt-instance")
