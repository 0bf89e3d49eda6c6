"""What drivers there are: ours, a line each, and those that installed packages bring.

A driver is a class that is named as "module:Class". Ours are in the lists of `hypervisors` and
`disk`; a package declares its own as an entry point of the same form. What is asked here is known
without looking at other packages as long as it is about ours, since that look costs a command
10 to 20 ms; no class is loaded before somebody needs what only the class can tell.
"""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Any

from ganeti import ht
from ganeti.constants.params import Param, ParamTable

#: Names go into option words (name:key=value,…) and names of files; compiled when first needed
NAME = r"[a-z][a-z0-9_-]*"
_PARAMETER = r"[A-Za-z][A-Za-z0-9_-]*"


class _Unusable(Exception):
    """What is wrong with a driver of an installed package."""


class Drivers(Set[str]):
    """The drivers of one kind; as a set, the names of those that can be used."""

    def __init__(self, kind: str, group: str, own: Collection[tuple[str, str]], base: str,
                 reserved: Collection[str] = (), shared_parameters: bool = False) -> None:
        #: What people call the kind
        self.kind = kind
        #: Group of the entry points through which packages bring theirs
        self.group = group
        self._own = dict(own)
        self._base = base
        self._reserved = frozenset(reserved)
        #: People set parameters without saying of which driver: a name is of one type with all
        self._shared_parameters = shared_parameters
        #: What is known of ours on the ground: name -> parameters
        self.tables: Mapping[str, ParamTable] = {}
        self._lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        """Look anew at what is installed, when next asked; daemons do so by a restart only."""
        self._entries: dict[str, list[Any]] | None = None
        self._loaded: dict[str, type[Any] | _Unusable] = {}
        self._loading: set[str] = set()

    @property
    def own(self) -> frozenset[str]:
        """The names of ours, of which no package is asked."""
        return frozenset(self._own)

    @classmethod
    def _from_iterable(cls, names: Iterable[Any]) -> frozenset[Any]:
        return frozenset(names)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            name in self._own or isinstance(self._installed(name), type))

    def __iter__(self) -> Iterator[str]:
        installed = [name for name in self._found()
                     if name not in self._own and isinstance(self._installed(name), type)]
        return iter(sorted([*self._own, *installed]))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return bool(self._own)

    def load(self, name: str) -> Any:
        """The class of a driver; KeyError for names that can not be used."""
        if name in self._own:
            return _load(self._own[name])
        found = self._installed(name)
        if not isinstance(found, type):
            raise KeyError(name)
        return found

    def why_not(self, name: str) -> str:
        """Why there is no driver of this name."""
        found = self._installed(name)
        if isinstance(found, _Unusable):
            return str(found)
        return f"no installed package brings {self.kind} '{name}'"

    def problems(self) -> list[str]:
        """A line for everything that packages bring and that can not be used."""
        found = [self._installed(name) for name in sorted(self._found())]
        return [str(item) for item in found if isinstance(item, _Unusable)]

    def log_problems(self) -> None:
        """For daemons that start: what their administrator has to mend."""
        import logging
        for text in self.problems():
            logging.error("The %s", text)

    def _found(self) -> dict[str, list[Any]]:
        """Entry points by name."""
        with self._lock:
            if self._entries is None:
                from importlib import metadata
                self._entries = {}
                for entry in metadata.entry_points(group=self.group):
                    self._entries.setdefault(entry.name, []).append(entry)
            return self._entries

    def _installed(self, name: str) -> type[Any] | _Unusable | None:
        with self._lock:
            if name in self._loaded:
                return self._loaded[name]
            entries = self._found().get(name)
            if not entries or name in self._loading:  # the second: it asks for itself
                return None
            self._loading.add(name)
            try:
                self._loaded[name] = self._checked(name, entries)
            finally:
                self._loading.discard(name)
            return self._loaded[name]

    def _checked(self, name: str, entries: list[Any]) -> type[Any] | _Unusable:
        who = " and ".join(sorted({_package(entry) for entry in entries}))
        try:
            if name in self._own or name in self._reserved:
                raise _Unusable("this name is Ganeti's own")
            if len(entries) > 1:
                raise _Unusable("only one may have this name; uninstall all but one")
            found = _load(entries[0].value)
            self._check_class(name, found)
        except _Unusable as err:
            return _Unusable(f"{self.kind} '{name}' of {who} can not be used: {err}")
        except (Exception, SystemExit) as err:  # noqa: BLE001 - the code is not ours
            return _Unusable(f"{self.kind} '{name}' of {who} can not be used:"
                             f" {entries[0].value}: {type(err).__name__}: {err}")
        driver: type[Any] = found
        return driver

    def _check_class(self, name: str, found: Any) -> None:
        base: Any = _load(self._base)
        if not re.fullmatch(NAME, name):
            raise _Unusable("names are small letters, digits, '-' and '_', a letter first")
        if not isinstance(found, type) or not issubclass(found, base):
            raise _Unusable(f"{found!r} is no subclass of {base.__module__}.{base.__name__}")
        lacking = getattr(found, "__abstractmethods__", ())
        if lacking:
            raise _Unusable(f"it lacks {', '.join(sorted(lacking))}")
        if getattr(found, "name", None) != name:
            raise _Unusable(f"the class calls itself {getattr(found, 'name', None)!r}")
        driver: Any = found
        self._check_parameters(name, driver.parameters)
        driver.check_declaration()

    def _check_parameters(self, name: str, table: Any) -> None:
        if not isinstance(table, ParamTable) or table.owner != name:
            raise _Unusable(f"its attribute 'parameters' has to be a ParamTable({name!r}, ...)")
        for param in table:
            self._check_parameter(param)

    def _check_parameter(self, param: Param) -> None:
        if not re.fullmatch(_PARAMETER, param.name):
            raise _Unusable(f"'{param.name}' is no name of a parameter")
        try:
            param.type.check(param.default, param.name)
        except ht.Mismatch as err:
            raise _Unusable(f"default of parameter {err}") from None
        for owner, table in self.tables.items() if self._shared_parameters else ():
            if param.name in table and table[param.name].vtype != param.vtype:
                raise _Unusable(f"parameter '{param.name}' is {param.vtype} here, and"
                                f" {table[param.name].vtype} with {self.kind} {owner};"
                                " call it something else")


class Tables(Mapping[str, ParamTable]):
    """The parameters of each driver: on the ground, or else declared by its class."""

    def __init__(self, drivers: Drivers, here: dict[str, ParamTable]) -> None:
        self._drivers = drivers
        self._here = here
        self.why_not = drivers.why_not
        drivers.tables = here

    def __getitem__(self, name: str) -> ParamTable:
        found = self._here.get(name)
        if found is None:
            found = self._drivers.load(name).parameters
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._drivers

    def __iter__(self) -> Iterator[str]:
        return iter(self._drivers)

    def cluster_only(self, name: str) -> frozenset[str]:
        """Parameters that are one for the whole cluster; none for drivers that are not here."""
        table = self.get(name)
        return table.cluster_only if table is not None else frozenset()

    def __len__(self) -> int:
        return len(self._drivers)


def _load(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


def _package(entry: Any) -> str:
    dist = entry.dist
    return f"package {dist.name} {dist.version}" if dist is not None else "an unknown package"
