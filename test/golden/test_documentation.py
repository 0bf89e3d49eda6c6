"""The generated reference has everything that is declared, and it can be built."""

from __future__ import annotations

import importlib
import re
import runpy
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from ganeti import constants, opcodes
from ganeti.cli import completion, manual
from ganeti.cli.option import Option
from ganeti.constants.params import ParamTable
from ganeti.query import engine
from ganeti.rapi import openapi
from ganeti.rpc import defs
from ganeti.tools import programs

TOP = Path(__file__).parents[2]
SPHINX = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """The pages as `make doc` writes them for Sphinx."""
    target = tmp_path_factory.mktemp("doc") / "source"
    runpy.run_path(str(TOP / "doc/generate.py"))["write"](target)
    return target


@pytest.fixture(scope="module")
def page(source):
    return lambda name: (source / f"reference/{name}.md").read_text()


def rows(text: str) -> dict[str, list[list[str]]]:
    """The rows of a page's tables: first cell -> the other cells of each such row."""
    found: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        if line.startswith("| "):
            first, *others = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
            found.setdefault(first.strip("`"), []).append(others)
    return found


def sections(text: str, mark: str) -> dict[str, str]:
    """The page cut at its headings of one level."""
    _head, *parts = re.split(rf"^{mark} ", text, flags=re.MULTILINE)
    return {part.partition("\n")[0]: part for part in parts}


def options_of(tool: str, name: str) -> Iterable[Option]:
    return completion.load_tool(tool).command(name).options


TOOLS = [name for name, module in programs.COMMANDS.items()
         if hasattr(importlib.import_module(module), "TOOL")]


@pytest.mark.parametrize("name", sorted(programs.COMMANDS.keys() - TOOLS))
def test_every_option_of_a_program_without_commands_is_in_the_manual(name, page):
    options = importlib.import_module(programs.COMMANDS[name]).OPTIONS
    assert options
    for option in options:
        assert option.help.strip(), f"{name} {option.label()} has no help"
        assert f"`{option.label()}`\n: {manual.escape(option.help)}" in page(name)


@pytest.mark.parametrize("name", TOOLS)
def test_every_command_with_all_its_options_is_in_the_manual(name, page):
    tool, text = completion.load_tool(name), page(name)
    described = sections(text, "###")
    assert described.keys() == tool.commands.keys()
    common = text.partition("## Options of every command")[2].partition("\n## ")[0]
    for command in tool.commands:
        row = tool.command(command)
        assert manual.escape(row.help) in described[command]
        assert row.example in described[command]
        for option in options_of(name, command):
            definition = f"`{option.label()}`\n: {manual.escape(option.help)}"
            assert option.help.strip(), f"{name} {command} {option.label()} has no help"
            assert definition in described[command] or definition in common
    for alias, command in tool.aliases.items():
        assert f"`{alias}`" in described[command]
    assert all(f"`{variable}`" in text for variable in tool.env_defaults)


def test_each_tool_is_a_man_page_with_a_summary(source):
    pages = runpy.run_path(str(source / "conf.py"))["man_pages"]
    assert [page[1] for page in pages] == list(programs.COMMANDS)
    assert all(page[2].strip() and page[4] == 8 for page in pages)


def parameter_tables() -> dict[str, ParamTable]:
    """All tables of parameters, by looking for them rather than by a list."""
    found = {}
    for name, value in vars(constants).items():
        tables = value if isinstance(value, dict) else {"": value}
        found |= {f"{name} {key}": table for key, table in tables.items()
                  if isinstance(table, ParamTable)}
    return found


def test_every_parameter_of_every_table_is_described(page):
    described = rows(page("parameters"))
    tables = parameter_tables()
    assert len(tables) > 10
    for table, params in tables.items():
        for param in params:
            assert param.help.strip(), f"{table}: {param.name} has no help"
            assert any(cells[2].startswith(manual.escape(param.help))
                       for cells in described.get(param.name, [])), f"{table}: {param.name}"


def test_every_opcode_and_field_is_described(page):
    described = sections(page("opcodes"), "##")
    assert described.keys() == {cls.OP_ID for cls in opcodes.all_classes()}
    common = rows(page("opcodes").partition("\n## ")[0])
    for cls in opcodes.all_classes():
        assert (cls.__doc__ or "").strip(), f"{cls.OP_ID} has no docstring"
        own = rows(described[cls.OP_ID])
        for name, spec in cls.FIELDS.items():
            assert spec.doc.strip(), f"{cls.OP_ID}.{name} has no doc"
            (cells,) = own.get(name) or common[name]
            for flag in spec.flag.names if spec.flag else ():
                assert f"`{flag}`" in cells[2]


def test_every_query_field_is_described(page):
    described = sections(page("fields"), "##")
    assert described.keys() == set(engine.MODULES)
    for what, text in described.items():
        fields = engine.resource(what).rows
        assert all(row.doc.strip() for row in fields.values())
        assert rows(text).keys() - {"field", "---"} == fields.keys()


def test_every_rpc_is_described(page):
    described = rows(page("rpc"))
    assert described.keys() - {"call", "---"} == defs.table().keys()
    for name, call in defs.table().items():
        (cells,) = described[name]
        assert all(f"`{arg.name}`" in cells[0] for arg in call.args)
        assert cells[1], f"{name} does not say what it answers"


def test_every_rest_resource_is_described(page, source):
    described = rows(page("rapi"))
    wanted = {f"{method.upper()} {path}" for path, methods in openapi.document()["paths"].items()
              for method in methods if method != "parameters"}
    assert described.keys() - {"request", "---"} == wanted
    assert all(cells[0] for request in wanted for cells in described[request])
    assert (source / "reference/openapi.json").exists()


@pytest.mark.parametrize("builder", ["html", "man"])
def test_it_builds_without_a_warning(builder, source, tmp_path):
    result = subprocess.run([*SPHINX, "-b", builder, source, tmp_path], text=True, check=False,
                            capture_output=True)
    assert (result.returncode, result.stderr) == (0, "")
    if builder == "man":
        assert {file.name for file in tmp_path.glob("*.8")} == {
            f"{name}.8" for name in programs.COMMANDS}
