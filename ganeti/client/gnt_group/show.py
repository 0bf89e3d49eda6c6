"""gnt-group list, info and show-ispecs-cmd."""

from __future__ import annotations

from typing import Any

from ganeti.cli import info as printer
from ganeti.cli import jobs, listing
from ganeti.cli.command import GROUP, Command, many
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import LIST_OPTIONS

_USUAL = ["name", "node_cnt", "pinst_cnt", "alloc_policy", "ndparams"]


def _parameters(value: Any) -> str:
    """Parameters as name=value, joined by commas."""
    return ", ".join(f"{key}={value[key]}" for key in sorted(value))


def list_groups(values: Values, args: list[str]) -> int:
    """Print node groups as a table."""
    own = {"ndparams": _parameters, "custom_ndparams": _parameters}
    return listing.show("group", values, args, _USUAL, own=own)


def info(values: Values, args: list[str]) -> int:
    """Print node groups with all their settings."""
    from ganeti.cli import policy
    fields = ["name", "ndparams", "custom_ndparams", "diskparams", "custom_diskparams",
              "ipolicy", "custom_ipolicy"]
    result = []
    for row in jobs.client().query_groups(args, fields):
        name, ndparams, own_nd, diskparams, own_disk, ipolicy, own_policy = row
        result.append([
            ("Node group", name),
            ("Node parameters", printer.with_defaults(own_nd, ndparams)),
            ("Disk parameters", {
                template: printer.with_defaults(own_disk.get(template, {}), filled)
                if filled else "default ({})"
                for template, filled in diskparams.items()}),
            ("Instance policy", policy.shown(ipolicy, own_policy))])
    printer.show(result)
    return 0


def show_ispecs_cmd(values: Values, args: list[str]) -> int:
    """Print commands that make groups with the same instance policy."""
    from ganeti.cli import policy
    fields = ["name", "custom_ipolicy", "ipolicy"]
    for name, own, filled in jobs.client().query_groups(args, fields):
        words = policy.as_options(filled if values.include_defaults else own)
        to_stdout(" ".join(["gnt-group", "add", *words, name]))
    return 0


LIST = Command(list_groups, args=[many(GROUP)], options=LIST_OPTIONS, help="List node groups",
               example="gnt-group list -o name,node_cnt")
LIST_FIELDS = listing.list_fields_command("group", "gnt-group")
INFO = Command(info, args=[many(GROUP)], help="Show the settings of node groups",
               example="gnt-group info default")
SHOW_ISPECS_CMD = Command(
    show_ispecs_cmd, args=[many(GROUP)],
    options=[Option("--include-defaults", dest="include_defaults", action=STORE_TRUE,
                    default=False, help="Write out what comes from the cluster as well")],
    help="Print a command that makes a group with the same instance policy",
    example="gnt-group show-ispecs-cmd default")
