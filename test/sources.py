"""The program's own source as the tests of the house rules read it: files, syntax trees, words."""

from __future__ import annotations

import ast
import functools
import importlib
import pathlib
import sys
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = sorted((ROOT / "ganeti").rglob("*.py"))


def relative(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")


@functools.cache
def tree(path: pathlib.Path) -> ast.Module:
    return ast.parse(text(path), str(path))


def below(*parts: str) -> list[pathlib.Path]:
    """The modules of a package."""
    return sorted((ROOT / "ganeti").joinpath(*parts).rglob("*.py"))


def home(module: str) -> pathlib.Path:
    """The file of a module, which is imported for that."""
    file = importlib.import_module(module).__file__
    assert file is not None
    return pathlib.Path(file)


def strings(path: pathlib.Path) -> set[str]:
    """The texts that stand in a file as such, documentation left out."""
    documentation = {id(node.body[0].value) for node in ast.walk(tree(path))
                     if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
                     and node.body and isinstance(node.body[0], ast.Expr)}
    return {node.value for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            and id(node) not in documentation}


def attributes(path: pathlib.Path) -> Iterator[tuple[str, str]]:
    """(what stands before the last dot, attribute): ("op", "force") for self.op.force."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            owner = node.value
            yield (owner.attr if isinstance(owner, ast.Attribute) else
                   owner.id if isinstance(owner, ast.Name) else ""), node.attr


@functools.cache
def imports(path: pathlib.Path) -> frozenset[str]:
    """The modules of ours that a file imports by name, inside functions too."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ganeti"):
            assert node.module is not None
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                try:
                    importlib.import_module(name)
                except ModuleNotFoundError:
                    name = node.module
                if name in sys.modules:
                    found.add(name)
    return frozenset(found)
