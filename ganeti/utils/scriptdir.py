"""Directories of scripts on a search path: OS definitions, storage providers.

What is wrong with one is collected as texts, for reports that show all of them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from ganeti import errors
from ganeti.utils import io


def find(name: str, search_path: Sequence[str]) -> str | None:
    """The first directory of that name; the name holds no slash and no dot in front."""
    for directory in search_path:
        path = os.path.join(directory, name)
        if os.path.isdir(path):
            return path
    return None


def is_name(name: str) -> bool:
    """Whether a directory on a search path can have this name."""
    return bool(name) and "/" not in name and not name.startswith(".")


def find_all(search_path: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, path) of every one, in the order of the search path."""
    for directory in search_path:
        try:
            names = sorted(os.listdir(directory))
        except FileNotFoundError:
            continue
        except OSError as err:
            raise errors.OpExecError(f"Can not read {directory}: {err.strerror}") from err
        for name in names:
            path = os.path.join(directory, name)
            if not name.startswith(".") and os.path.isdir(path):
                yield name, path


def scripts(path: str, required: Iterable[str], optional: Iterable[str],
            problems: list[str]) -> dict[str, str]:
    """Paths of the usable scripts by name."""
    needed = list(required)
    found = {}
    for name in (*needed, *optional):
        full = os.path.join(path, name)
        try:
            mode = os.stat(full).st_mode
        except FileNotFoundError:
            if name in needed:
                problems.append(f"required script {name} is missing")
            continue
        except OSError as err:
            problems.append(f"can not look at {name}: {err.strerror}")
            continue
        if not stat.S_ISREG(mode) or not mode & stat.S_IXUSR:
            problems.append(f"{name} is not an executable file")
            continue
        found[name] = full
    return found


def lines(path: str, filename: str, problems: list[str], *, required: bool,
          comments: bool = True) -> list[str]:
    """Non-empty lines of a list file; with `comments` what follows a # is left out."""
    try:
        text = io.read_file(os.path.join(path, filename))
    except FileNotFoundError:
        if required:
            problems.append(f"required file {filename} is missing")
        return []
    except (OSError, errors.ParseError) as err:
        problems.append(f"can not read {filename}: {err}")
        return []
    kept = (line.split("#", 1)[0] if comments else line for line in text.splitlines())
    return [line.strip() for line in kept if line.strip()]


def parameters(path: str, filename: str, problems: list[str]) -> list[tuple[str, str]]:
    """Lines 'name description' of a list of parameters, which has to be there."""
    pairs = (line.split(None, 1) for line in
             lines(path, filename, problems, required=True, comments=False))
    return [(pair[0], pair[1] if len(pair) > 1 else "") for pair in pairs]
