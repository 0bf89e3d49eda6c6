"""Transfers of disk contents: starting, watching and ending this node's import-export processes.

A transfer has a directory below the run directory with its status file, its process id and the
certificate that the other side has to show; the directory's name is what the master knows it by.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import blockdev, crypto_keys
from ganeti.backend import os as os_scripts
from ganeti.impexpd import options, status
from ganeti.utils import io, net, process, text

_STATUS, _PID, _CA, _LOG = "status", "pid", "ca", "log"
_COMPONENT = re.compile(r"[-_.a-zA-Z0-9]{1,100}")
#: What a transfer needs held while it runs: its name -> open devices
_HELD: dict[str, contextlib.ExitStack] = {}


@dataclasses.dataclass(frozen=True)
class _End:
    """The local end: a shell command, its environment, and the size of what it moves in MiB."""

    command: str
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    size: int | None = None


def import_start(opts: Mapping[str, Any], instance: objects.Instance, component: str,
                 dest: Sequence[Any]) -> str:
    """Start to wait for the contents of a disk; the name of the transfer."""
    return _start(options.IMPORT, opts, instance, component, dest, [])


def export_start(opts: Mapping[str, Any], host: str, port: int, instance: objects.Instance,
                 component: str, source: Sequence[Any]) -> str:
    """Start to send the contents of a disk; the name of the transfer."""
    return _start(options.EXPORT, opts, instance, component, source,
                  ["--host", host, "--port", str(int(port)),
                   "--connect-retries", str(constants.RIE_CONNECT_RETRIES)])


def _start(mode: str, opts: Mapping[str, Any], instance: objects.Instance, component: str,
           end: Sequence[Any], more: Sequence[str]) -> str:
    if not _COMPONENT.fullmatch(component):
        raise errors.OpExecError(f"'{component}' is no name of a part of an instance")
    name = f"{mode}-{component}-{int(time.time())}-{secrets.token_hex(4)}"
    directory = os.path.join(pathutils.IMPORT_EXPORT_DIR, name)
    with contextlib.ExitStack() as undo, contextlib.ExitStack() as held:
        os.mkdir(directory, 0o700)
        undo.callback(shutil.rmtree, directory, ignore_errors=True)
        local = _local_end(mode, instance, end, held)
        argv = [pathutils.IMPORT_EXPORT_DAEMON, os.path.join(directory, _STATUS), mode,
                *_arguments(mode, opts, directory), *more, *_progress(mode, local)]
        logging.info("Starting transfer %s of instance %s", name, instance.name)
        process.start_daemon(argv, env={**_ENVIRONMENT, **local.env}, reset_env=True,
                             output=os.path.join(directory, _LOG),
                             pidfile=os.path.join(directory, _PID))
        _HELD[name] = held.pop_all()
        undo.pop_all()
    return name


#: The daemon's own environment; the variables of an OS script come on top.
_ENVIRONMENT = {"PATH": constants.HOOKS_PATH}


def _arguments(mode: str, opts: Mapping[str, Any], directory: str) -> list[str]:
    """What both kinds of ends are told; the catalogue's "import_export options"."""
    key, cert, ca = _credentials(opts, directory)
    argv = ["--key", key, "--cert", cert, "--ca", ca,
            "--compress", opts.get("compress") or constants.IEC_NONE,
            "--ipv6" if opts.get("ipv6") else "--ipv4"]
    if opts.get("magic"):
        argv += ["--magic", opts["magic"]]
    if opts.get("connect_timeout") is not None:
        argv += ["--connect-timeout", str(int(opts["connect_timeout"]))]
    if mode == options.IMPORT:
        argv += ["--bind", net.default_bind(
            socket.AF_INET6 if opts.get("ipv6") else socket.AF_INET)]
    return argv


def _credentials(opts: Mapping[str, Any], directory: str) -> tuple[str, str, str]:
    key_name, ca_pem = opts.get("key_name"), opts.get("ca_pem")
    if (key_name is None) != (ca_pem is None):
        raise errors.OpExecError(
            "A key of its own and the other side's certificate go together, or neither is given")
    if key_name is None:
        own = pathutils.NODED_CERT_FILE
        return own, own, own
    key, cert = crypto_keys.files_of(key_name)
    ca = os.path.join(directory, _CA)
    io.write_file(ca, str(ca_pem), mode=0o400)
    return key, cert, ca


def _progress(mode: str, local: _End) -> list[str]:
    option = "--cmd-suffix" if mode == options.IMPORT else "--cmd-prefix"
    argv = [option, local.command]
    if local.size is not None and mode == options.EXPORT:
        argv += ["--expected-size", str(local.size)]
    return argv


# The commands at the ends --------------------------------------------------------------------

def _local_end(mode: str, instance: objects.Instance, end: Sequence[Any],
               held: contextlib.ExitStack) -> _End:
    kind, args = end
    if kind == constants.IEIO_FILE:
        return _file_end(mode, str(args[0]))
    disk = args[0]
    path = held.enter_context(blockdev.require(disk).data())
    if kind == constants.IEIO_RAW_DISK:
        return _raw_end(mode, path, disk.size)
    command, env = os_scripts.transfer_command(
        constants.OS_SCRIPT_IMPORT if mode == options.IMPORT else constants.OS_SCRIPT_EXPORT,
        instance, int(args[1]), disk, held)
    return _End(command, env, disk.size)


def _file_end(mode: str, path: str) -> _End:
    real = pathutils.local(path)
    below = os.path.realpath(pathutils.EXPORT_DIR) + "/"
    if not os.path.realpath(real).startswith(below):
        raise errors.OpExecError(f"'{path}' is not below the directory of exports")
    quoted = text.shell_quote(real)
    if mode == options.EXPORT:
        if not os.path.isfile(real):
            raise errors.OpExecError(f"There is no dump {path} on this node")
        return _End(f"cat {quoted}")
    os.makedirs(os.path.dirname(real), mode=0o700, exist_ok=True)
    return _End(f"umask 077; dd of={quoted} bs=1M iflag=fullblock conv=fsync status=none")


def _raw_end(mode: str, path: str, size: int) -> _End:
    quoted = text.shell_quote(path)
    if mode == options.EXPORT:
        return _End(f"dd if={quoted} bs=1M count={int(size)} status=none", {}, size)
    return _End(f"dd of={quoted} bs=1M iflag=fullblock conv=nocreat,notrunc,fsync status=none",
                {}, size)


# Watching and ending -------------------------------------------------------------------------

def _directory(name: str) -> str:
    if not _COMPONENT.fullmatch(name) or name.startswith("."):
        raise errors.OpExecError(f"'{name}' is no name of a transfer")
    return os.path.join(pathutils.IMPORT_EXPORT_DIR, name)


def impexp_status(names: Sequence[str]) -> list[dict[str, Any] | None]:
    """How the transfers stand; null for one that has not said anything yet."""
    return [_status(_directory(name)) for name in names]


def _status(directory: str) -> dict[str, Any] | None:
    found = status.read(os.path.join(directory, _STATUS))
    pid = status.read_pid(os.path.join(directory, _PID))
    if pid is not None and process.alive(pid) and not (found and found.exit_status is not None):
        return dataclasses.asdict(found) if found else None
    # The process may have written its last words since.
    found = status.read(os.path.join(directory, _STATUS)) or status.Status()
    if found.exit_status is None:
        log = os.path.join(directory, _LOG)
        said = io.tail(log, 5) if os.path.exists(log) else []
        found.exit_status = constants.EXIT_FAILURE
        found.error_message = "; ".join(said) or "The transfer's process has gone without a word"
    return dataclasses.asdict(found)


def impexp_abort(name: str) -> None:
    """End a transfer that may still run; its status stays."""
    pid = status.read_pid(os.path.join(_directory(name), _PID))
    if pid is not None and process.alive(pid):
        logging.info("Ending transfer %s", name)
        process.end(pid, timeout=5.0, group=True)


def impexp_cleanup(name: str) -> None:
    """End a transfer, and remove what is left of it."""
    directory = _directory(name)
    impexp_abort(name)
    held = _HELD.pop(name, None)
    if held is not None:
        held.close()
    shutil.rmtree(directory, ignore_errors=True)
