"""The list and list-fields commands, which are the same for every resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganeti.cli import jobs, table
from ganeti.cli.command import UNKNOWN, Command, many
from ganeti.cli.option import Values
from ganeti.cli.report import to_stderr, to_stdout
from ganeti.cli.standard import TABLE_OPTIONS

EXIT_UNKNOWN_FIELD = 14

_KIND_WORDS = {"text": "Text", "bool": "Boolean", "number": "Number",
               "float": "Floating-point number", "unit": "Storage size",
               "timestamp": "Timestamp", "other": "Custom", "unknown": "Unknown"}


def chosen_fields(output: str | None, usual: Sequence[str]) -> list[str]:
    """The fields of -o: a list, or with + in addition to the usual ones."""
    if output is None:
        return list(usual)
    if output.startswith("+"):
        return [*usual, *output[1:].split(",")]
    return output.split(",")


def show(resource: str, values: Values, args: Sequence[str], usual: Sequence[str], *,
         qfilter: Any = None, own: Mapping[str, Callable[[Any], str]] | None = None,
         name_field: str = "name", numeric: bool = False) -> int:
    """Query a resource and print the answer as a table.

    :param qfilter: a further condition
    :param own: how single fields are written
    """
    wanted = chosen_fields(values.output, usual)
    condition = _filter(values, args, qfilter, name_field, numeric)
    answer = jobs.client().query(resource, wanted, condition)
    return print_answer(answer, values, own)


def print_answer(answer: dict[str, Any], values: Values,
                 own: Mapping[str, Callable[[Any], str]] | None = None) -> int:
    """Print the answer of a query; the exit status tells of unknown fields."""
    units = getattr(values, "units", None) or ("h" if values.separator is None else "m")
    columns = table.query_columns(answer["fields"], units, own)
    rows = [table.query_cells(columns, row, values.verbose) for row in answer["data"]]
    for line in table.lines(columns, rows, header=not values.no_headers,
                            separator=values.separator):
        to_stdout(line)
    unknown = [field["name"] for field in answer["fields"] if field["kind"] == "unknown"]
    if unknown:
        to_stderr(f"Warning: Queried for unknown fields {', '.join(unknown)}")
        return EXIT_UNKNOWN_FIELD
    return 0


def _filter(values: Values, args: Sequence[str], extra: Any, name_field: str,
            numeric: bool) -> Any:
    own = None
    force = getattr(values, "force_filter", False)
    if args or force:
        from ganeti import qlang
        own = qlang.make_filter(args, force, name_field=name_field, numeric=numeric)
    if own is None or extra is None:
        return own if extra is None else extra
    return ["&", extra, own]


def show_fields(resource: str, values: Values, args: Sequence[str]) -> int:
    """Print the fields of a resource."""
    answer = jobs.client().query_fields(resource, list(args) or None)
    columns = [table.Column("Name"), table.Column("Type"), table.Column("Title"),
               table.Column("Description")]
    rows = [[field["name"], _KIND_WORDS.get(field["kind"], "Unknown"), field["title"],
             field["doc"]] for field in answer["fields"]]
    for line in table.lines(columns, rows, header=not values.no_headers,
                            separator=values.separator):
        to_stdout(line)
    return EXIT_UNKNOWN_FIELD if any(field["kind"] == "unknown"
                                     for field in answer["fields"]) else 0


def list_fields_command(resource: str, tool: str) -> Command:
    """The row of a list-fields command."""
    return Command(lambda values, args: show_fields(resource, values, args),
                   args=[many(UNKNOWN, label="field")], options=TABLE_OPTIONS,
                   help="Show which fields a list can have",
                   example=f"{tool} list-fields")
