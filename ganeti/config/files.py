"""Reading and writing config.data: what is accepted, and how it gets safely to the disk."""

from __future__ import annotations

import contextlib
import grp
import json
import logging
import os
import pwd
import stat
from typing import Any, Final

from ganeti import constants, errors, objects, pathutils, serializer
from ganeti.config import upgrade
from ganeti.utils import io, patch, patchedfile

MODE = 0o640
_OTHERS = stat.S_IWGRP | stat.S_IRWXO

SHORT: Final = 64 * 1024
"""Configurations below this many bytes are always written and sent whole."""
SMALL: Final = 256 * 1024
"""Bytes of new text up to which a difference is worth while."""


def default_path() -> str:
    """Where this node keeps the configuration."""
    return pathutils.CLUSTER_CONF_FILE


def read(path: str, *, keep_old: bool = False) -> objects.ConfigData:
    """Read and check a configuration file; raises ``ConfigurationError`` saying what to do.

    :param keep_old: make a copy beside it if it has the form of an older release
    """
    tree = _tree(_read_bytes(path), path)
    if keep_old and tree["version"] != constants.CONFIG_VERSION:
        try:
            patchedfile.PatchedFile(path).settle()
            logging.info("The configuration of version %d is kept as %s", tree["version"],
                         io.create_backup(path))
        except OSError as err:
            raise errors.ConfigurationError(
                f"{path} has an older form, and no copy of it can be made: {err.strerror}"
                ) from err
    return _config(tree, path)


def _read_bytes(path: str) -> bytes:
    try:
        _check_permissions(path, os.stat(path))
        with contextlib.suppress(FileNotFoundError):
            _check_permissions(path + patchedfile.SUFFIX, os.stat(path + patchedfile.SUFFIX))
        return patchedfile.read(path)
    except FileNotFoundError:
        raise errors.ConfigurationError(
            f"{path} does not exist: this node is not the master of a cluster, or its"
            " configuration was lost; 'gnt-cluster init' makes a new cluster") from None
    except errors.ParseError as err:
        raise errors.ConfigurationError(errors.text(err)) from err
    except OSError as err:
        raise errors.ConfigurationError(f"{path} can not be read: {err.strerror}") from err


def _check_permissions(path: str, info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise errors.ConfigurationError(f"{path} is not a regular file")
    if info.st_mode & _OTHERS:
        raise errors.ConfigurationError(
            f"{path} has mode {stat.S_IMODE(info.st_mode):04o}, so that others could read secrets"
            f" or change it; 'chmod {MODE:04o} {path}' once you know who did that")
    if info.st_uid not in (0, os.geteuid()):
        raise errors.ConfigurationError(
            f"{path} belongs to user {_user(info.st_uid)}, not to root or"
            f" {_user(os.geteuid())}; 'chown' it back once you know who did that")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def decode(data: bytes, path: str) -> objects.ConfigData:
    """The configuration in the bytes of a file."""
    return _config(_tree(data, path), path)


def _tree(data: bytes, path: str) -> dict[str, Any]:
    """The JSON of a file, of a version that can be read."""
    if not data.strip():
        raise errors.ConfigurationError(f"{path} is empty")
    try:
        tree = serializer.load(data)
    except errors.ParseError as err:
        raise errors.ConfigurationError(f"{path} {_where_broken(data, err)}") from err
    if not isinstance(tree, dict) or "cluster" not in tree or "version" not in tree:
        raise errors.ConfigurationError(f"{path} is not a cluster configuration")
    version = tree["version"]
    if not isinstance(version, int) or isinstance(version, bool):
        raise errors.ConfigurationError(f"{path}: the key 'version' is not a number")
    if version != constants.CONFIG_VERSION and not upgrade.is_same_family(version):
        raise errors.ConfigVersionMismatch(constants.CONFIG_VERSION, version)
    return tree


def _config(tree: dict[str, Any], path: str) -> objects.ConfigData:
    if tree["version"] != constants.CONFIG_VERSION:
        tree = upgrade.upgrade(tree)
    try:
        config = objects.ConfigData.from_dict(tree)
    except errors.ConfigurationError as err:
        raise errors.ConfigurationError(f"{path}: {err}") from err
    if config.cluster.master_node not in config.nodes:
        raise errors.ConfigurationError(
            f"{path}: the master node {config.cluster.master_node} is not among the nodes")
    for node in config.nodes.values():
        if node.group not in config.nodegroups:
            raise errors.ConfigurationError(
                f"{path}: the group {node.group} of node {node.name} is not among the node groups")
    return config


def _where_broken(data: bytes, err: errors.ParseError) -> str:
    try:
        json.loads(data)
    except UnicodeDecodeError as cause:
        return f"is not text (byte {cause.start})"
    except ValueError as cause:
        position = getattr(cause, "pos", len(data))
        if position >= len(data.rstrip()) - 1 or "Unterminated" in str(cause):
            return f"is truncated: it ends in the middle, at byte {len(data)}"
        return f"is damaged: {cause}"
    return f"is damaged: {err}"


def write(path: str, data: bytes) -> None:
    """Replace the file; when this returns, the new content is on the disk."""
    ConfigFile(path).write(data)


def replace(path: str, data: bytes) -> str | None:
    """Put another configuration in the file's place; gives where the former one is kept."""
    former = None
    if os.path.exists(path):
        patchedfile.PatchedFile(path).settle()
        former = io.create_backup(path)
    write(path, data)
    return former


class ConfigFile:
    """The file as its one writer sees it: small changes of a long one go to its journal."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = patchedfile.PatchedFile(path)
        self._last = b""
        self._state = ""

    def write(self, data: bytes, *, whole: bool = False) -> bool:
        """Make the content durable; whether ``settle`` has to follow, soon."""
        if not whole and self._append(data):
            return True
        uid, gid = _owner(self._path)
        self._last = b""
        self._file.replace(data, mode=MODE, uid=uid, gid=gid)
        self._last, self._state = data, self._file.head
        return False

    def _append(self, data: bytes) -> bool:
        """Write the difference; False when that is not worth while or not possible."""
        if not self._last or len(data) < SHORT or self._file.length > patchedfile.LONG:
            return False
        pieces = patch.make(self._last, data, SMALL)
        if pieces is None:
            return False
        try:
            self._state = self._file.append(self._state, pieces, data)
        except (errors.ParseError, FileNotFoundError) as err:
            logging.warning("%s was changed by somebody else, and is written anew: %s",
                            self._path, errors.text(err))
            return False
        self._last = data
        return True

    def settle(self) -> None:
        """Write the file whole, so that nothing is left in its journal."""
        self._file.settle()


def _owner(path: str) -> tuple[int, int]:
    """Who owns the file now; a file that is not there yet gets the process' own ids."""
    try:
        info = os.stat(path)
    except FileNotFoundError:
        return -1, -1
    return info.st_uid, info.st_gid


def owner_names(path: str) -> tuple[str, str]:
    """Names of user and group of a file, as upload calls carry them."""
    info = os.stat(path)
    try:
        group = grp.getgrgid(info.st_gid).gr_name
    except KeyError:
        group = str(info.st_gid)
    return _user(info.st_uid), group
