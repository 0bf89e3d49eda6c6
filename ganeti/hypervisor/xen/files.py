"""The files of a guest: its configuration for `xl`, and where a refused one is kept."""

from __future__ import annotations

import logging
import os

from ganeti import errors, pathutils
from ganeti.utils import io

#: What lies there is started at the node's boot, behind the cluster's back
_AUTO = "auto"
#: May hold the VNC password
_MODE = 0o600


def config_path(name: str) -> str:
    """The file from which `xl` creates the domain."""
    if "/" in name or name.startswith(".") or name == _AUTO:
        raise errors.HypervisorError(f"Wrong instance name '{name}'")
    return os.path.join(pathutils.XEN_CONFIG_DIR, name)


def write(name: str, text: str) -> str:
    """Write a domain's configuration; returns its path."""
    path = config_path(name)
    try:
        os.makedirs(pathutils.XEN_CONFIG_DIR, mode=0o755, exist_ok=True)
        _remove_auto(name)
        io.write_file(path, text.encode(), mode=_MODE)
    except OSError as err:
        raise errors.HypervisorError(
            f"Can not write {path}, the configuration of the domain: {err.strerror}") from err
    return path


def exists(name: str) -> bool:
    """Whether there is a configuration of that name."""
    return "/" not in name and os.path.exists(os.path.join(pathutils.XEN_CONFIG_DIR, name))


def read(name: str) -> str:
    """A domain's configuration; HypervisorError when there is none."""
    path = config_path(name)
    try:
        return io.read_file(path)
    except OSError as err:
        raise errors.HypervisorError(
            f"Can not read {path}, the configuration of the domain: {err.strerror}") from err


def remove(name: str) -> None:
    """Remove a domain's configuration, if it is there."""
    _remove_auto(name)
    io.remove_file(config_path(name))


def _remove_auto(name: str) -> None:
    if io.remove_file(os.path.join(pathutils.XEN_CONFIG_DIR, _AUTO, name)):
        logging.warning("Removed %s/%s, which would have started the domain at the node's boot",
                        _AUTO, name)


def stash(name: str) -> str:
    """Put a configuration that `xl` refused aside, for the administrator; where it is then."""
    kept = os.path.join(pathutils.LOG_XEN_DIR, f"{name}.failed")
    os.makedirs(pathutils.LOG_XEN_DIR, mode=0o750, exist_ok=True)
    io.write_file(kept, io.read_file(config_path(name)).encode(), mode=_MODE, sync=False)
    remove(name)
    return kept
