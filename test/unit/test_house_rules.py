"""The rules of the house that a program can check: sizes, capabilities instead of names, tables."""

from __future__ import annotations

import ast
import inspect
import pathlib
import re
from collections.abc import Iterator

import pytest

from ganeti import backend, constants
from ganeti.hypervisor import registry as hypervisors
from ganeti.rpc import defs
from ganeti.storage import registry as storage

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = sorted((ROOT / "ganeti").rglob("*.py"))

FILE_LINES = 600
FUNCTION_LINES = 80

#: Who may know a driver by its name: the drivers, and the tables that declare the names
OWN_FILES = ("ganeti/storage/", "ganeti/hypervisor/", "ganeti/constants/")
#: Files whose subject on the wire is one type by definition
ONE_TYPE_BY_DEFINITION = {
    "ganeti/confd/answers.py": "the catalogue's confd query about a node's DRBD minors",
}
DRIVER_NAMES = {name for name, value in vars(constants).items()
                if (name.startswith("HT_") and value in constants.HYPER_TYPES)
                or (name.startswith("DT_") and value in constants.DISK_TEMPLATES)}


def relative(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def names_in(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute):
            yield child.attr
        elif isinstance(child, ast.Name):
            yield child.id


def comparisons_by_name(path: pathlib.Path) -> Iterator[str]:
    """Places that ask for a driver by its name instead of for what it can do."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Compare):
            found = DRIVER_NAMES & set(names_in(node))
        elif isinstance(node, ast.match_case):
            found = DRIVER_NAMES & set(names_in(node.pattern))
        else:
            continue
        if found:
            line = getattr(node, "lineno", None) or node.pattern.lineno
            yield f"{relative(path)}:{line} compares with {', '.join(sorted(found))}"


def test_drivers_are_asked_for_capabilities_not_for_names():
    found = [place for path in SOURCES if not relative(path).startswith(OWN_FILES)
             and relative(path) not in ONE_TYPE_BY_DEFINITION
             for place in comparisons_by_name(path)]
    assert not found, "\n".join(found)


def test_the_check_for_names_finds_them(tmp_path, monkeypatch):
    """The check itself: what it must find."""
    source = tmp_path / "bad.py"
    source.write_text("def f(x):\n    return x == constants.DT_FILE\n")
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    assert list(comparisons_by_name(source)) == ["bad.py:2 compares with DT_FILE"]


def test_files_are_one_subject():
    long = [f"{relative(path)}: {lines} lines" for path in SOURCES
            if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES]
    assert not long, "\n".join(long)


def test_functions_are_one_step():
    long = []
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long.append(f"{relative(path)}:{node.lineno} {node.name}: {lines} lines")
    assert not long, "\n".join(long)


def test_modules_say_what_lives_in_them():
    bare = [relative(path) for path in SOURCES
            if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))]
    assert not bare, "\n".join(bare)


def test_nothing_is_left_for_later_in_comments():
    found = [f"{relative(path)}:{number}: {line.strip()}" for path in SOURCES
             for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
             if re.search(r"\b(TODO|FIXME|XXX)\b", line)]
    assert not found, "\n".join(found)


def test_registries_are_visible_lists():
    for registry in (storage.TEMPLATES, hypervisors.HYPERVISORS, backend.MODULES, defs.SUBJECTS):
        assert isinstance(registry, list)
        assert registry


def test_no_registry_names_anything_twice():
    for values in ([template.name for template in storage.TEMPLATES],
                   [name for name, _ in hypervisors.HYPERVISORS], backend.MODULES):
        assert len(values) == len(set(values))


# The table of calls and the functions that answer them ---------------------------------------

def test_every_call_is_answered_or_listed_as_coming_later():
    unanswered = {name for name in defs.table() if backend.resolve(name) is None}
    assert unanswered == backend.LATER


@pytest.mark.parametrize("name", sorted(defs.table().keys() - backend.LATER))
def test_functions_take_what_the_table_sends(name):
    function = backend.resolve(name)
    assert function is not None, f"no function {name}"
    names = [arg.name for arg in defs.table()[name].args]
    parameters = list(inspect.signature(function).parameters.values())
    taken = [parameter.name for parameter in parameters
             if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    assert taken[:len(names)] == names
    surplus = [parameter.name for parameter in parameters[len(names):]
               if parameter.default is parameter.empty]
    assert not surplus, f"{name} needs {surplus}, which no caller sends"


def test_every_function_is_documented():
    bare = [name for name in defs.table()
            if (function := backend.resolve(name)) is not None and not function.__doc__]
    assert not bare, ", ".join(bare)
