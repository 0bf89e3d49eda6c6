"""The pause of the watcher: a file on each node. Who asks for it and who obeys lies elsewhere."""

from __future__ import annotations

import logging

from ganeti import errors, pathutils, serializer
from ganeti.utils import io

_LIMIT = 1024


def read() -> float | None:
    """Until when the watcher shall rest, in seconds since the epoch; None when it shall not.

    A file that makes no sense does not stop the watcher.
    """
    path = pathutils.WATCHER_PAUSEFILE
    try:
        until = serializer.load(io.read_bytes(path, _LIMIT), path)
    except FileNotFoundError:
        return None
    except errors.ParseError as err:
        logging.warning("The pause is ignored: %s", err)
        return None
    if not isinstance(until, (int, float)) or isinstance(until, bool):
        logging.warning("The pause is ignored: %s holds no time", path)
        return None
    return float(until)


def write(until: float | None) -> None:
    """Let the watcher rest until a time, or go on."""
    if until is None:
        io.remove_file(pathutils.WATCHER_PAUSEFILE)
    else:
        io.write_file(pathutils.WATCHER_PAUSEFILE, f"{int(until)}\n", mode=0o644)
