"""gnt-os list and info."""

from __future__ import annotations

from typing import Any

from ganeti.cli import jobs
from ganeti.cli.command import OS, Command, many
from ganeti.cli.option import Values
from ganeti.cli.report import to_stderr, to_stdout
from ganeti.cli.standard import NO_HEADERS, PRIORITY
from ganeti.opcodes.os import OpOsDiagnose


def _ask(values: Values, fields: list[str], names: list[str] | None = None) -> list[list[Any]]:
    op = OpOsDiagnose(output_fields=fields, names=names or [])
    rows: list[list[Any]] = jobs.submit_or_send(op, values)
    return rows


def list_os(values: Values, args: list[str]) -> int:
    """Print the usable OS definitions, one line each variant."""
    if not values.no_headers:
        to_stdout("Name")
    for name, variants in _ask(values, ["name", "variants"]):
        for full in [f"{name}+{variant}" for variant in variants or []] or [name]:
            to_stdout(full)
    return 0


def info(values: Values, args: list[str]) -> int:
    """Print what is known about OS definitions."""
    fields = ["name", "valid", "variants", "parameters", "api_versions", "blacklisted", "hidden",
              "os_hvp", "osparams", "trusted"]
    missing = set(args)
    shown = 0
    for row in _ask(values, fields):
        known = dict(zip(fields, row, strict=True))
        if args and known["name"] not in args:
            continue
        missing.discard(known["name"])
        if shown:
            to_stdout("")
        shown += 1
        _show(known)
    for name in sorted(missing):
        to_stderr(f"{name}: OS unknown")
    return 1 if missing else 0


def _show(known: dict[str, Any]) -> None:
    to_stdout(f"{known['name']}:")
    for key in ("valid", "hidden", "blacklisted"):
        to_stdout(f"  - {key}: {bool(known[key])}")
    if not known["valid"]:
        return
    to_stdout("  - API versions:")
    for version in sorted(known["api_versions"] or []):
        to_stdout(f"    - {version}")
    _section("variants", [f"    - {name}" for name in known["variants"] or []])
    _section("parameters", [f"    - {name}: {doc}" for name, doc in known["parameters"] or []])
    to_stdout(f"  - trusted: {bool(known['trusted'])}")


def _section(title: str, lines: list[str]) -> None:
    to_stdout(f"  - {title}:")
    for line in lines:
        to_stdout(line)


LIST = Command(list_os, options=[NO_HEADERS, PRIORITY],
               help="List the OS definitions that can be installed", example="gnt-os list")
INFO = Command(info, args=[many(OS)], options=[PRIORITY], help="Show OS definitions in detail",
               example="gnt-os info debootstrap")
