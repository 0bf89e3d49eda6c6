"""Installed packages for tests: what `pip install --target` leaves, without an index."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata

from ganeti import constants
from ganeti.hypervisor import registry as hypervisors
from ganeti.storage import registry as storage

EXAMPLES = pathlib.Path(__file__).parents[1] / "doc/examples"


def declare(site: pathlib.Path, name: str, version: str,
            groups: Mapping[str, Mapping[str, str]]) -> None:
    """The part of a package that says what it is and what it brings."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "INSTALLER").write_text("tests\n")
    (info / "entry_points.txt").write_text("\n".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in groups.items()))


def install(site: pathlib.Path, source: pathlib.Path) -> None:
    """Install a package of plain modules from its directory, as its pyproject.toml says."""
    with open(source / "pyproject.toml", "rb") as fobj:
        tree = tomllib.load(fobj)
    project = tree["project"]
    declare(site, project["name"], project["version"], project["entry-points"])
    for module in tree["tool"]["setuptools"]["py-modules"]:
        shutil.copy(source / f"{module}.py", site)


def entry(name: str, value: str, group: str) -> metadata.EntryPoint:
    """An entry point of no package."""
    return metadata.EntryPoint(name, value, group)


@contextlib.contextmanager
def forgotten() -> Iterator[None]:
    """Everything known of packages is forgotten at the begin and at the end."""
    _forget()
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    for drivers in (constants.HYPER_TYPES, constants.DISK_TEMPLATES):
        drivers.forget()
    for cached in (storage._known, hypervisors.get):
        cached.cache_clear()
