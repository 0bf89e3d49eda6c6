"""Storage providers: directories of scripts that keep the disks of the type `ext`.

Finding, judging and running them; what a disk does with them is in :mod:`ganeti.storage.ext`.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ganeti import constants, errors, pathutils
from ganeti.utils import io, process, scriptdir

#: Lines of a failed script's output that are shown to the administrator
LOG_TAIL = 20


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider as found on this node."""

    name: str
    path: str
    #: What is wrong with it; empty when it can be used
    problems: list[str] = field(default_factory=list)
    #: (name, description) of each parameter
    parameters: list[tuple[str, str]] = field(default_factory=list)
    #: Action -> path of its script, for those that exist
    scripts: dict[str, str] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return not self.problems

    def require_known(self, names: Sequence[str]) -> None:
        """Refuse parameters that the provider does not list."""
        known = {name.lower() for name, _ in self.parameters}
        unknown = sorted(name for name in names if name.lower() not in known)
        if unknown:
            raise errors.BlockDeviceError(
                f"Storage provider '{self.name}' has no parameter {', '.join(unknown)}; it has"
                f" {', '.join(sorted(known)) or 'none'}")


# Finding and judging -------------------------------------------------------------------------

def find(name: str, search_path: Sequence[str] | None = None) -> Provider | None:
    """The first provider of that name on the search path, good or bad."""
    if not scriptdir.is_name(name):
        raise errors.BlockDeviceError(f"'{name}' is no name of a storage provider")
    path = scriptdir.find(name, _search_path(search_path))
    return None if path is None else read(name, path)


def _search_path(given: Sequence[str] | None) -> Sequence[str]:
    return pathutils.ES_SEARCH_PATH if given is None else given


def require(name: str) -> Provider:
    """A provider that can be used."""
    found = find(name)
    if found is None:
        raise errors.BlockDeviceError(
            f"There is no storage provider '{name}' on this node; looked in"
            f" {', '.join(pathutils.ES_SEARCH_PATH)}")
    if not found.valid:
        raise errors.BlockDeviceError(
            f"Storage provider '{name}' in {found.path} can not be used:"
            f" {'; '.join(found.problems)}")
    return found


def find_all(search_path: Sequence[str] | None = None) -> list[Provider]:
    """Every provider in every directory of the search path."""
    return [read(name, path) for name, path in scriptdir.find_all(_search_path(search_path))]


def read(name: str, path: str) -> Provider:
    """Read and judge one directory."""
    problems: list[str] = []
    return Provider(
        name=name, path=path, problems=problems,
        scripts=scriptdir.scripts(path, constants.ES_SCRIPTS_REQUIRED,
                                  constants.ES_SCRIPTS_OPTIONAL, problems),
        parameters=scriptdir.parameters(path, constants.ES_PARAMETERS_FILE, problems))


# Running -------------------------------------------------------------------------------------

def log_file_name(action: str, provider: str, volume: str) -> str:
    """Where the output of a script goes."""
    name = f"{action}-{provider}-{volume}-{time.time():.6f}".replace("/", "_")
    return os.path.join(pathutils.LOG_ES_DIR, f"{name}.log")


def run(provider: Provider, action: str, volume: str, env: Mapping[str, str],
        arguments: Sequence[str] = ()) -> None:
    """Run a script for a volume; what it says is in a log file, whose end a failure quotes.

    A script that a provider need not have is left out when it is not there.
    """
    script = provider.scripts.get(action)
    if script is None and action in constants.ES_SCRIPTS_OPTIONAL:
        logging.debug("Storage provider %s has no script %s", provider.name, action)
        return
    os.makedirs(pathutils.LOG_ES_DIR, mode=0o750, exist_ok=True)
    log_path = log_file_name(action, provider.name, volume)
    result = process.run([str(script), *arguments], env=_environment(volume, env), reset_env=True,
                         cwd=provider.path, output=log_path)
    if result.failed:
        raise errors.BlockDeviceError(
            f"Script {action} of storage provider '{provider.name}' failed for volume {volume}"
            f" ({result.fail_reason}), log {log_path}:\n"
            + ("\n".join(io.tail(log_path, LOG_TAIL)) or "(the script said nothing)"))
    logging.info("Storage provider %s: %s of volume %s, log %s", provider.name, action, volume,
                 log_path)


def ask(provider: Provider, action: str, volume: str, env: Mapping[str, str]) -> str:
    """Run a script whose standard output is the answer (attach)."""
    result = process.run([provider.scripts[action]], env=_environment(volume, env),
                         reset_env=True, cwd=provider.path)
    if result.failed:
        said = (result.stdout + result.stderr).strip().splitlines()[-LOG_TAIL:]
        raise errors.BlockDeviceError(
            f"Script {action} of storage provider '{provider.name}' failed for volume {volume}"
            f" ({result.fail_reason}):\n" + ("\n".join(said) or "(the script said nothing)"))
    return result.stdout


def _environment(volume: str, env: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": constants.HOOKS_PATH, "VOL_NAME": volume, **env}
