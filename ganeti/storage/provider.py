"""Storage providers: directories of scripts that keep the disks of the type `ext`.

Finding, judging and running them; what a disk does with them is in :mod:`ganeti.storage.ext`.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ganeti import constants, errors, pathutils
from ganeti.utils import io, process

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
    if not name or "/" in name or name.startswith("."):
        raise errors.BlockDeviceError(f"'{name}' is no name of a storage provider")
    for directory in pathutils.ES_SEARCH_PATH if search_path is None else search_path:
        path = os.path.join(directory, name)
        if os.path.isdir(path):
            return read(name, path)
    return None


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
    found: list[Provider] = []
    for directory in pathutils.ES_SEARCH_PATH if search_path is None else search_path:
        try:
            names = sorted(os.listdir(directory))
        except FileNotFoundError:
            continue
        except OSError as err:
            raise errors.StorageError(f"Can not read {directory}: {err.strerror}") from err
        found.extend(read(name, os.path.join(directory, name)) for name in names
                     if not name.startswith(".") and os.path.isdir(os.path.join(directory, name)))
    return found


def read(name: str, path: str) -> Provider:
    """Read and judge one directory."""
    problems: list[str] = []
    return Provider(name=name, path=path, problems=problems,
                    scripts=_find_scripts(path, problems),
                    parameters=_read_parameters(path, problems))


def _find_scripts(path: str, problems: list[str]) -> dict[str, str]:
    scripts = {}
    for name in (*constants.ES_SCRIPTS_REQUIRED, *constants.ES_SCRIPTS_OPTIONAL):
        full = os.path.join(path, name)
        try:
            mode = os.stat(full).st_mode
        except FileNotFoundError:
            if name in constants.ES_SCRIPTS_REQUIRED:
                problems.append(f"required script {name} is missing")
            continue
        except OSError as err:
            problems.append(f"can not look at {name}: {err.strerror}")
            continue
        if not stat.S_ISREG(mode) or not mode & stat.S_IXUSR:
            problems.append(f"{name} is not an executable file")
            continue
        scripts[name] = full
    return scripts


def _read_parameters(path: str, problems: list[str]) -> list[tuple[str, str]]:
    """Lines 'name description' of the list of parameters."""
    try:
        text = io.read_file(os.path.join(path, constants.ES_PARAMETERS_FILE))
    except FileNotFoundError:
        problems.append(f"required file {constants.ES_PARAMETERS_FILE} is missing")
        return []
    except (OSError, errors.ParseError) as err:
        problems.append(f"can not read {constants.ES_PARAMETERS_FILE}: {err}")
        return []
    pairs = (line.strip().split(None, 1) for line in text.splitlines() if line.strip())
    return [(pair[0], pair[1] if len(pair) > 1 else "") for pair in pairs]


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
