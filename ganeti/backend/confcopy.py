"""A candidate's copy of the configuration: sent whole, or brought up to date by differences."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any, Final

from ganeti import errors, pathutils, ssconf
from ganeti.utils import io, net, patchedfile

SETTLE_SECONDS: Final = 10.0
"""After this time a copy is written whole even if the master, which may be dead, never asks."""

_mutex = threading.Lock()
_copies: dict[str, patchedfile.PatchedFile] = {}
_timers: dict[str, threading.Timer] = {}


def _copy() -> patchedfile.PatchedFile:
    path = pathutils.CLUSTER_CONF_FILE
    with _mutex:
        return _copies.setdefault(path, patchedfile.PatchedFile(path))


def _is_mine() -> bool:
    """Whether the file is the master daemon's own, which nobody else may touch."""
    return ssconf.SimpleStore().master_node() == net.hostname()


def config_append(state: str, pieces: list[Any]) -> str:
    """Make a difference to a known state durable; gives the name of the state it leads to."""
    if _is_mine():
        raise errors.OpExecError("This node is the master: its configuration is no copy")
    try:
        new = _copy().append(state, pieces)
    except FileNotFoundError:
        raise errors.OpExecError("This node has no copy of the configuration") from None
    except errors.ParseError as err:
        raise errors.OpExecError(errors.text(err)) from err
    _settle_later(pathutils.CLUSTER_CONF_FILE, _copy())
    return new


def config_settle() -> None:
    """Write the copy whole, so that nothing is left in its journal."""
    try:
        _copy().settle()
    except FileNotFoundError:
        raise errors.OpExecError("This node has no copy of the configuration") from None


def _settle_later(path: str, copy: patchedfile.PatchedFile) -> None:
    with _mutex:
        if path in _timers:
            return
        timer = _timers[path] = threading.Timer(SETTLE_SECONDS, _settle, [path, copy])
        timer.daemon = True
        timer.start()


def _settle(path: str, copy: patchedfile.PatchedFile) -> None:
    with _mutex:
        _timers.pop(path, None)
    try:
        if not _is_mine():
            copy.settle()
    except FileNotFoundError:
        logging.debug("%s is gone meanwhile", path)
    except (errors.GenericError, OSError) as err:
        logging.error("%s can not be written whole: %s; trying again", path, errors.text(err))
        _settle_later(path, copy)


def finish() -> None:
    """At the end of the node daemon: leave a whole copy, and wait for nothing any more."""
    with _mutex:
        waiting = list(_timers.items())
        _timers.clear()
    for path, timer in waiting:
        timer.cancel()
        _settle(path, _copies[path])
    with _mutex:
        for timer in _timers.values():
            timer.cancel()
        _timers.clear()


def recover() -> None:
    """At the start of the node daemon: write the copy whole if a crash left its journal."""
    path = pathutils.CLUSTER_CONF_FILE
    try:
        if os.path.exists(path + patchedfile.SUFFIX) and not _is_mine():
            _copy().settle()
    except (errors.GenericError, OSError) as err:
        logging.error("The configuration's copy: %s", errors.text(err))


def replace(data: bytes, *, mode: int, uid: int, gid: int, mtime: float | None) -> None:
    """Take a whole new version."""
    _copy().replace(data, mode=mode, uid=uid, gid=gid, mtime=mtime)


def put_aside() -> None:
    """Keep a backup of the copy and remove it: this node is no candidate any more."""
    if os.path.exists(pathutils.CLUSTER_CONF_FILE):
        config_settle()
        io.create_backup(pathutils.CLUSTER_CONF_FILE)
    _copy().remove()
