"""Write the pages that come from the declarations, beside copies of the written ones.

`python doc/generate.py TARGET` fills TARGET with everything that Sphinx reads. Nothing here holds a
fact of its own: parameters, opcodes, commands, resources and calls are read from their tables.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import sys
from collections.abc import Iterable

from ganeti import constants, opcodes
from ganeti.rpc import defs
from ganeti.tools import programs

HERE = pathlib.Path(__file__).resolve().parent


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(heads)
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _param_rows(table: Iterable[object]) -> Iterable[list[object]]:
    for param in table:
        yield [f"`{param.name}`", param.type.describe(),  # type: ignore[attr-defined]
               f"`{param.default!r}`", param.help + (  # type: ignore[attr-defined]
                   f" ({param.unit})" if param.unit else ""),  # type: ignore[attr-defined]
               param.applies]  # type: ignore[attr-defined]


def parameters() -> str:
    """Every parameter of every table."""
    heads = ("parameter", "type", "default", "meaning", "takes effect")
    parts = ["# Parameters\n"]
    for name, table in sorted(constants.HV_TABLES.items()):
        parts += [f"## Hypervisor {name} (`-H {name}:…`)\n", _table(heads, _param_rows(table))]
    for title, table in (("Back-end parameters (`-B`)", constants.BE_TABLE),
                         ("Node parameters (`--node-parameters`)", constants.ND_TABLE),
                         ("NIC parameters (`--net`, `-N`)", constants.NIC_TABLE)):
        parts += [f"## {title}\n", _table(heads, _param_rows(table))]
    for name, table in sorted(constants.DISK_TABLES.items()):
        if len(table):
            parts += [f"## Disk template {name} (`-D {name}:…`)\n",
                      _table(heads, _param_rows(table))]
    return "\n".join(parts)


def opcode_pages() -> str:
    """Every opcode with its parameters."""
    parts = ["# Opcodes\n", "Common to all:\n",
             _table(("parameter", "type", "default", "meaning"),
                    _field_rows(opcodes.OpCode.FIELDS))]
    common = set(opcodes.OpCode.FIELDS)
    for cls in sorted(opcodes.all_classes(), key=lambda one: one.OP_ID):
        own = {name: spec for name, spec in cls.FIELDS.items() if name not in common}
        parts += [f"## {cls.OP_ID}\n", (cls.__doc__ or "").strip() + "\n"]
        if own:
            parts.append(_table(("parameter", "type", "default", "meaning"), _field_rows(own)))
        parts.append(f"Result: {cls.RESULT.describe()}\n")
    return "\n".join(parts)


def _field_rows(fields: dict[str, object]) -> Iterable[list[object]]:
    for name, spec in fields.items():
        default = "required" if spec.required else f"`{spec.default!r}`"  # type: ignore[attr-defined]
        flag = getattr(spec, "flag", None)
        option = f" (`{'`, `'.join(flag.names)}`)" if flag else ""
        yield [f"`{name}`", spec.type.describe(), default,  # type: ignore[attr-defined]
               spec.doc + option]  # type: ignore[attr-defined]


def rpc_calls() -> str:
    """Every call of the node daemon."""
    rows = []
    for call in sorted(defs.table().values(), key=lambda one: one.name):
        timeout = "by its arguments" if callable(call.timeout) else f"{call.timeout} s"
        rows.append([f"`{call.name}`", ", ".join(arg.name for arg in call.args) or "-", call.result,
                     timeout, "yes" if call.idempotent else "no"])
    return "# Node RPC\n\nPOST to port 1811, client certificate on both sides, a JSON list in, " \
        "`[ok, payload]` out.\n\n" + _table(
            ("call", "arguments", "result", "time-out", "safe to repeat"), rows)


def commands(target: pathlib.Path) -> tuple[str, list[list[object]]]:
    """A page a gnt-* tool (also its man page), and the page that lists them."""
    import importlib

    from ganeti.cli import manual

    pages = []
    index = ["# Commands\n", "```{toctree}", ":maxdepth: 2", ""]
    for name, module in programs.COMMANDS.items():
        tool = importlib.import_module(module).TOOL
        (target / f"{name}.md").write_text(manual.markdown(tool))
        index.append(name)
        pages.append([f"reference/{name}", name, tool.summary, "the authors", 8])
    return "\n".join([*index, "```\n"]), pages


def rapi_resources() -> str:
    """Every REST resource."""
    from ganeti.rapi import openapi

    document = openapi.document()
    rows = []
    for path, methods in sorted(document["paths"].items()):
        for method, entry in sorted(methods.items()):
            if isinstance(entry, dict) and "responses" in entry:
                rows.append([f"`{method.upper()} {path}`", entry.get("summary", "")])
    return "# Remote API\n\nHTTPS on port 5080, Basic authentication, JSON. The machine-readable " \
        "form is [openapi.json](openapi.json).\n\n" + _table(("request", "what it does"), rows)


def main() -> int:
    target = pathlib.Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(HERE, target, ignore=shutil.ignore_patterns("generate.py", "__pycache__"))
    reference = target / "reference"
    reference.mkdir()
    index, pages = commands(reference)
    for name, text in (("parameters", parameters()), ("opcodes", opcode_pages()),
                       ("rpc", rpc_calls()), ("rapi", rapi_resources()), ("commands", index)):
        (reference / f"{name}.md").write_text(text)
    (target / "man_pages.json").write_text(json.dumps(pages))
    return 0


if __name__ == "__main__":
    sys.exit(main())
