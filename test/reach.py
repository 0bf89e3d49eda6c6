"""What a function or class of the program can get at: itself, and what it names of our modules.

Follows names, not values: a function that is only handed over through data is not found. Module
constants that are named (tables of parameters, say) belong to what is reached.
"""

from __future__ import annotations

import ast
import functools
import importlib
import pathlib
from collections.abc import Iterable

from test import sources

Place = tuple[pathlib.Path, str]


class Reach:
    """The syntax trees that can be reached from some places, below the given packages."""

    def __init__(self, packages: Iterable[str]) -> None:
        self._packages = tuple(packages)
        self._seen: set[Place] = set()
        self.nodes: list[ast.AST] = []

    def add(self, path: pathlib.Path, name: str) -> None:
        """Go through a top-level name of a file and all that it names."""
        todo = [(path, name)]
        while todo:
            place = todo.pop()
            node = _top_level(place[0]).get(place[1])
            if place in self._seen or node is None:
                continue
            self._seen.add(place)
            self.nodes.append(node)
            todo += self._named(place[0], node)

    def _named(self, path: pathlib.Path, node: ast.AST) -> list[Place]:
        origin = {**_imported(path), **_imported_in(node)}
        found: list[Place] = []
        for child in ast.walk(node):
            if isinstance(child, ast.Name):
                if child.id in origin:
                    found += self._place(*origin[child.id])
                else:
                    found.append((path, child.id))
            elif isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
                module, name = origin.get(child.value.id, ("", ""))
                if module and _is_module(f"{module}.{name}"):
                    found += self._place(f"{module}.{name}", child.attr)
        return found

    def _place(self, module: str, name: str) -> list[Place]:
        if not module.startswith(self._packages):
            return []
        return [(sources.home(module), name)]

    def attributes(self, owner: str) -> set[str]:
        """What is read of things called `owner`: force for values.force, self.op.force ..."""
        return {child.attr for node in self.nodes for child in ast.walk(node)
                if isinstance(child, ast.Attribute)
                and owner == (child.value.attr if isinstance(child.value, ast.Attribute)
                              else getattr(child.value, "id", ""))}

    def strings(self) -> set[str]:
        """Texts that stand there, as names for getattr() do."""
        return {child.value for node in self.nodes for child in ast.walk(node)
                if isinstance(child, ast.Constant) and isinstance(child.value, str)}

    def names(self) -> set[str]:
        """All names."""
        return {child.attr if isinstance(child, ast.Attribute) else child.id
                for node in self.nodes for child in ast.walk(node)
                if isinstance(child, ast.Attribute | ast.Name)}


@functools.cache
def _top_level(path: pathlib.Path) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for node in sources.tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update((name.id, node) for target in targets for name in ast.walk(target)
                         if isinstance(name, ast.Name))
    return found


@functools.cache
def _imported(path: pathlib.Path) -> dict[str, tuple[str, str]]:
    return _imported_in(sources.tree(path))


def _imported_in(tree: ast.AST) -> dict[str, tuple[str, str]]:
    """name -> (module or package, name there)."""
    return {alias.asname or alias.name: (node.module, alias.name) for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module for alias in node.names}


@functools.cache
def _is_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True
