"""Write the pages that come from the declarations, beside copies of the written ones.

`python doc/generate.py TARGET` fills TARGET with everything that Sphinx reads. Nothing here holds a
fact of its own: parameters, opcodes, commands, resources and calls are read from their tables.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pathlib
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence

from ganeti import constants, opcodes
from ganeti.cli import manual
from ganeti.constants.params import Param
from ganeti.htools.prog import command_line
from ganeti.opcodes import FieldSpec
from ganeti.query import engine
from ganeti.rapi import openapi
from ganeti.rpc import defs
from ganeti.tools import programs

HERE = pathlib.Path(__file__).resolve().parent


def _text(text: str) -> str:
    """Plain text for a cell; what stands between backquotes in a docstring stays code."""
    parts = text.replace("``", "`").split("`")
    if len(parts) % 2 == 0:
        return manual.escape(text)
    return "".join(_code(part) if index % 2 else manual.escape(part)
                   for index, part in enumerate(parts))


def _code(text: object) -> str:
    """Code in a cell, where even there a bar would end the cell."""
    return f"`{text}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("\n", " ")


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _param_rows(table: Iterable[Param]) -> Iterable[list[str]]:
    for param in table:
        unit = f" ({param.unit})" if param.unit else ""
        yield [_code(param.name), _text(param.type.describe()), _code(repr(param.default)),
               _text(param.help + unit), param.applies]


def parameters() -> str:
    """Every parameter of every table."""
    heads = ("parameter", "type", "default", "meaning", "takes effect")
    parts = ["# Parameters\n"]
    for name, table in sorted(constants.HV_TABLES.items()):
        parts += [f"## Hypervisor {name} (`-H {name}:…`)\n", _table(heads, _param_rows(table))]
    for title, table in (("Back-end parameters (`-B`)", constants.BE_TABLE),
                         ("Node parameters (`--node-parameters`)", constants.ND_TABLE),
                         ("NIC parameters (`--net`, `-N`)", constants.NIC_TABLE),
                         ("Disk state", constants.DISK_STATE_TABLE),
                         ("Hypervisor state (`--hypervisor-state`)", constants.HVSTATE_TABLE),
                         ("Instance policy: sizes (`--ipolicy-std-specs`, "
                          "`--ipolicy-bounds-specs`)", constants.ISPECS_TABLE),
                         ("Instance policy: ratios", constants.IPOLICY_RATIO_TABLE)):
        parts += [f"## {title}\n", _table(heads, _param_rows(table))]
    for name, table in sorted(constants.DISK_TABLES.items()):
        if len(table):
            parts += [f"## Disk template {name} (`-D {name}:…`)\n",
                      _table(heads, _param_rows(table))]
    return "\n".join(parts)


def opcode_pages() -> str:
    """Every opcode with its parameters."""
    heads = ("parameter", "type", "default", "meaning")
    parts = ["# Opcodes\n", "Common to all:\n",
             _table(heads, _field_rows(opcodes.OpCode.FIELDS))]
    common = set(opcodes.OpCode.FIELDS)
    for cls in sorted(opcodes.all_classes(), key=lambda one: one.OP_ID):
        own = {name: spec for name, spec in cls.FIELDS.items() if name not in common}
        parts += [f"## {cls.OP_ID}\n", _text(inspect.cleandoc(cls.__doc__ or "")) + "\n"]
        if own:
            parts.append(_table(heads, _field_rows(own)))
        parts.append(f"Result: {_text(cls.RESULT.describe())}\n")
    return "\n".join(parts)


def _field_rows(fields: Mapping[str, FieldSpec]) -> Iterable[list[str]]:
    for name, spec in fields.items():
        default = "required" if spec.default is opcodes.REQUIRED else _code(repr(spec.default))
        option = f" ({', '.join(_code(flag) for flag in spec.flag.names)})" if spec.flag else ""
        yield [_code(name), _text(spec.type.describe()), default, _text(spec.doc) + option]


def query_fields() -> str:
    """Every field of every kind of thing that lists and filters know."""
    parts = ["# Fields of lists and filters\n",
             "What `-o` of the `list` commands, filters (`-F`) and queries name.\n"]
    for what in sorted(engine.MODULES):
        rows = engine.resource(what).rows
        parts += [f"## {what}\n", _table(("field", "title", "kind", "meaning"), (
            [_code(name), _text(rows[name].title), rows[name].kind, _text(rows[name].doc)]
            for name in sorted(rows)))]
    return "\n".join(parts)


def rpc_calls() -> str:
    """Every call of the node daemon."""
    rows = []
    for call in sorted(defs.table().values(), key=lambda one: one.name):
        timeout = "by its arguments" if callable(call.timeout) else f"{call.timeout} s"
        rows.append([_code(call.name), ", ".join(_code(arg.name) for arg in call.args) or "-",
                     _text(str(call.result)), timeout, "yes" if call.idempotent else "no"])
    return "# Node RPC\n\nPOST to port 1811, client certificate on both sides, a JSON list in, " \
        "`[ok, payload]` out.\n\n" + _table(
            ("call", "arguments", "result", "time-out", "safe to repeat"), rows)


def commands(target: pathlib.Path) -> tuple[str, list[list[object]]]:
    """A page a program of the administrator (also its man page), and the page that lists them."""
    pages = []
    index = ["# Commands\n", "```{toctree}", ":maxdepth: 2", ""]
    for name, where in programs.COMMANDS.items():
        module = importlib.import_module(where)
        if hasattr(module, "TOOL"):
            summary, text = manual.summary(module.TOOL), manual.markdown(module.TOOL)
        else:
            summary = (module.__doc__ or "").partition("\n")[0].removeprefix(f"{name}:").strip(" .")
            text = balancing_program(name, summary, module.OPTIONS)
        (target / f"{name}.md").write_text(text)
        index.append(name)
        pages.append([f"reference/{name}", name, summary, "the authors", 8])
    return "\n".join([*index, "```\n"]), pages


def balancing_program(name: str, summary: str, options: Sequence[command_line.Option]) -> str:
    """The page of a program that has no commands, only options."""
    parts = [f"# {name}\n", "## Synopsis\n", f"`{name} [OPTION...]`\n",
             "## Description\n", manual.escape(f"{summary[0].upper()}{summary[1:]}.") + "\n",
             "## Options\n"]
    parts += [f"`{option.label()}`\n: {manual.escape(option.help)}\n" for option in options]
    return "\n".join(parts)


def rapi_resources(target: pathlib.Path) -> str:
    """Every REST resource, and beside it the document that programs read."""
    document = openapi.document()
    (target / "openapi.json").write_text(json.dumps(document, indent=1))
    rows = []
    for path, methods in sorted(document["paths"].items()):
        for method, entry in sorted(methods.items()):
            if isinstance(entry, dict) and "responses" in entry:
                rows.append([_code(f"{method.upper()} {path}"), _text(entry["summary"])])
    return "# Remote API\n\nHTTPS on port 5080, Basic authentication, JSON. The machine-readable " \
        "form is [openapi.json](openapi.json).\n\n" + _table(("request", "what it does"), rows)


def write(target: pathlib.Path) -> None:
    """Fill the directory, which need not exist."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(HERE, target, ignore=shutil.ignore_patterns("generate.py", "__pycache__"))
    reference = target / "reference"
    reference.mkdir()
    index, pages = commands(reference)
    for name, text in (("parameters", parameters()), ("opcodes", opcode_pages()),
                       ("fields", query_fields()), ("rpc", rpc_calls()),
                       ("rapi", rapi_resources(reference)), ("commands", index)):
        (reference / f"{name}.md").write_text(text)
    (target / "man_pages.json").write_text(json.dumps(pages))


def main() -> int:
    """`python doc/generate.py TARGET`."""
    if len(sys.argv) != 2:
        print("usage: generate.py TARGET", file=sys.stderr)
        return 2
    write(pathlib.Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
