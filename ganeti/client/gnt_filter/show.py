"""gnt-filter list, list-fields and info."""

from __future__ import annotations

from typing import Any

from ganeti.cli import info as printer
from ganeti.cli import jobs, listing
from ganeti.cli.command import FILTER, Command, many
from ganeti.cli.option import Values
from ganeti.cli.standard import FIELDS, LIST_VERBOSE, TABLE_OPTIONS

_USUAL = ["uuid", "watermark", "priority", "predicates", "action", "reason_trail"]


def _json(value: Any) -> str:
    """In the form in which the options take it."""
    from ganeti import serializer
    return serializer.dumps(value).strip()


def _action(value: Any) -> str:
    return " ".join(str(part) for part in value) if isinstance(value, list) else str(value)


_OWN = {"predicates": _json, "action": _action, "reason_trail": _json}


def list_filters(values: Values, args: list[str]) -> int:
    """Print the rules as a table, in the order in which they are asked."""
    values.force_filter = False
    return listing.show("filter", values, args, _USUAL, own=_OWN, name_field="uuid")


def info(values: Values, args: list[str]) -> int:
    """Print rules in full."""
    rows = jobs.client().query_filters(args or None, _USUAL)
    printer.show([[
        ("UUID", uuid), ("Watermark", watermark), ("Priority", priority),
        ("Predicates", [_json(item) for item in predicates]), ("Action", _action(action)),
        ("Reason trail", [_reason(*entry) for entry in trail])]
        for uuid, watermark, priority, predicates, action, trail in rows])
    return 0


def _reason(source: str, text: str, stamp: int) -> list[tuple[str, Any]]:
    from ganeti.utils import text as texts
    seconds, rest = divmod(int(stamp), 1_000_000_000)
    return [("Source", source), ("Reason", text),
            ("Timestamp", texts.format_time(seconds, rest // 1000))]


LIST = Command(list_filters, args=[many(FILTER)], options=[*TABLE_OPTIONS, FIELDS, LIST_VERBOSE],
               help="List the rules for jobs", example="gnt-filter list -o uuid,action")
LIST_FIELDS = listing.list_fields_command("filter", "gnt-filter")
INFO = Command(info, args=[many(FILTER)], help="Show the rules for jobs in full",
               example="gnt-filter info")
