"""This node as a member of a cluster: its daemons, its roles, joining and leaving."""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ganeti import constants, errors, pathutils, ssconf
from ganeti.backend import confcopy
from ganeti.utils import io, net, pause, process, sshkeys, x509

DAEMON_TIMEOUT = 120.0
#: Seconds until a node that shall be power-cycled does it, so that the answer gets out.
POWERCYCLE_DELAY = 5.0

RESTRICTED_LOCK_TIMEOUT = 8.0
RESTRICTED_FAILURE_DELAY = 10.0
RESTRICTED_FAILURE = "Executing command failed"
_RESTRICTED_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_MUST_NOT_WRITE = stat.S_IWGRP | stat.S_IWOTH


def version() -> int:
    """The version of the protocol that this daemon speaks."""
    return constants.PROTOCOL_VERSION


def master_node_name() -> str:
    """The master as this node knows it."""
    return ssconf.SimpleStore().master_node()


# -- daemons -----------------------------------------------------------------------------------

def _daemon_util(*args: str) -> process.Result:
    return process.run([pathutils.DAEMON_UTIL, *args], timeout=DAEMON_TIMEOUT)


def node_start_master_daemons(no_voting: bool) -> None:
    """Start the daemons that only a master has."""
    env = {}
    if no_voting:
        env["EXTRA_MASTERD_ARGS"] = "--no-voting --yes-do-it"
    result = process.run([pathutils.DAEMON_UTIL, "start-master"], env=env, timeout=DAEMON_TIMEOUT)
    if result.failed:
        raise errors.OpExecError(f"Cannot start the master daemons: {result.output.strip()}")


def node_stop_master() -> None:
    """Stop the daemons that only a master has."""
    result = _daemon_util("stop-master")
    if result.failed:
        raise errors.OpExecError(f"Cannot stop the master daemons: {result.output.strip()}")


def node_ensure_daemon(daemon: str, run: bool) -> bool:
    """See to it that a daemon runs, or does not; whether that succeeded."""
    if daemon not in constants.DAEMONS:
        raise errors.OpExecError(f"There is no daemon '{daemon}'")
    result = _daemon_util("check-and-start" if run else "stop", daemon)
    if result.failed:
        logging.error("%s could not be %s: %s", daemon, "started" if run else "stopped",
                      result.output.strip())
    return not result.failed


# -- watcher -----------------------------------------------------------------------------------

def get_watcher_pause() -> float | None:
    """Until when the watcher is paused, in seconds since the epoch."""
    return pause.read()


def set_watcher_pause(until: float | None) -> None:
    """Pause the watcher of this node until a time, or let it go on."""
    if until is not None and (isinstance(until, bool) or not isinstance(until, (int, float))):
        raise errors.ParameterError(f"The end of the watcher's pause is no time: {until!r}")
    pause.write(until)


# -- membership --------------------------------------------------------------------------------

def node_demote_from_mc() -> None:
    """Put the copy of the configuration aside: this node is no candidate any more."""
    store = ssconf.SimpleStore()
    if store.master_node() == net.hostname():
        raise errors.OpExecError("This node is the master and can not be demoted")
    result = _daemon_util("check", constants.MASTERD)
    if not result.failed:
        raise errors.OpExecError("A master daemon runs on this node, which is not the master; "
                                 "stop it before demoting the node")
    result = _daemon_util("stop", constants.CONFD)
    if result.failed:
        raise errors.OpExecError(f"Cannot stop confd: {result.output.strip()}")
    confcopy.put_aside()


def node_leave_cluster(modify_ssh_setup: bool) -> NoReturn:
    """Remove keys and files of the cluster from this node; the daemon ends after its answer."""
    if modify_ssh_setup:
        _forget_ssh()
    result = _daemon_util("stop", constants.CONFD)
    if result.failed:
        logging.error("confd does not stop: %s", result.output.strip())
    clean_data_directory()
    for path in (pathutils.CONFD_HMAC_KEY, pathutils.RAPI_CERT_FILE, pathutils.SPICE_CERT_FILE,
                 pathutils.SPICE_CACERT_FILE, pathutils.NODED_CERT_FILE,
                 pathutils.NODED_CLIENT_CERT_FILE, pathutils.CLUSTER_DOMAIN_SECRET_FILE):
        try:
            io.remove_file(path)
        except OSError as err:
            logging.error("Cannot remove %s: %s", path, err.strerror)
    raise errors.QuitGanetiException(True, "Shutdown scheduled")


def clean_data_directory() -> None:
    """Remove files of the data directory and of the queue; directories stay."""
    for directory in (pathutils.DATA_DIR, pathutils.QUEUE_DIR):
        for name in io.list_visible(directory):
            path = os.path.join(directory, name)
            if os.path.isfile(path) and not os.path.islink(path):
                io.remove_file(path)
    for base, _directories, names in os.walk(pathutils.JOB_QUEUE_ARCHIVE_DIR):
        for name in names:
            io.remove_file(os.path.join(base, name))


def _forget_ssh() -> None:
    """Let the cluster's other nodes in no more; the node's own key harms nobody."""
    listed = sshkeys.PublicKeys()
    own = {sshkeys.identity(key) for key in _ssh_tokens(constants.CRYPTO_ACTION_GET)}
    keys = [key for keys in listed.read().values() for key in keys
            if sshkeys.identity(key) not in own]
    sshkeys.remove_authorized(sshkeys.authorized_keys_file(), keys)
    io.remove_file(listed.path)


def node_powercycle(hypervisor: str, hvparams: Mapping[str, Any]) -> str:
    """Switch this machine off and on, hard, a few seconds after the answer."""
    from ganeti.hypervisor import registry
    driver = registry.get(hypervisor)

    def strike() -> None:
        time.sleep(POWERCYCLE_DELAY)
        try:
            driver.powercycle(dict(hvparams or {}))
        except (errors.GenericError, OSError) as err:
            logging.error("Power-cycling this machine failed: %s", err)

    threading.Thread(target=strike, name="powercycle", daemon=True).start()
    return f"Reboot scheduled in {POWERCYCLE_DELAY:g} seconds"


# -- certificates ------------------------------------------------------------------------------

def node_crypto_tokens(token_request: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Digest of this node's client certificate (made on request), or its public SSH keys.

    Each request is ``[type, action, options]``, each answer ``[type, token]``.
    """
    tokens: list[list[Any]] = []
    for request in token_request:
        if not isinstance(request, (list, tuple)) or len(request) not in (2, 3):
            raise errors.ParameterError(f"A request for a token has an unknown form: {request!r}")
        kind, action = request[0], request[1]
        options = (request[2] if len(request) == 3 else None) or {}
        if kind == constants.CRYPTO_TYPE_SSL_DIGEST:
            tokens.append([kind, _certificate_token(action, options)])
        elif kind == constants.CRYPTO_TYPE_SSH:
            tokens += [[kind, key] for key in _ssh_tokens(action)]
        else:
            raise errors.ParameterError(f"Unknown type of token {kind!r}")
    return tokens


def _certificate_token(action: str, options: Mapping[str, Any]) -> str:
    path = pathutils.NODED_CLIENT_CERT_FILE
    following = f"{path}.next"
    if action == constants.CRYPTO_ACTION_CREATE:
        serial = options.get(constants.CRYPTO_OPTION_SERIAL_NO)
        make_client_certificate(net.hostname(), int(serial) if serial is not None else None)
    elif action == constants.CRYPTO_ACTION_PREPARE:
        make_client_certificate(net.hostname(), path=following)
        return x509.file_digest(following)
    elif action == constants.CRYPTO_ACTION_ADOPT:
        if os.path.exists(following):
            os.rename(following, path)
    elif action != constants.CRYPTO_ACTION_GET:
        raise errors.ParameterError(f"Unknown action for a certificate {action!r}")
    if not os.path.exists(path):
        raise errors.OpExecError(f"This node has no client certificate ({path})")
    return x509.file_digest(path)


def make_client_certificate(name: str, serial: int | None = None, path: str | None = None
                            ) -> None:
    """A new client certificate for this node (or at `path`), signed by the cluster's key."""
    try:
        authority = io.read_bytes(pathutils.NODED_CERT_FILE)
    except OSError as err:
        raise errors.X509CertError(pathutils.NODED_CERT_FILE, err.strerror) from err
    x509.write(path or pathutils.NODED_CLIENT_CERT_FILE,
               x509.create_signed(authority, name, serial=serial), mode=0o440)
    logging.info("Made a new client certificate for %s", name)


def _ssh_tokens(action: str) -> list[str]:
    if action != constants.CRYPTO_ACTION_GET:
        raise errors.ParameterError(f"Unknown action for SSH keys {action!r}")
    found = []
    for key_type in sorted(constants.SSHK_ALL):
        _private, public = sshkeys.user_key_files(key_type)
        if os.path.exists(public):
            found.append(io.read_first_line(public))
    return found


# -- programs of the administrator -------------------------------------------------------------

def run_oob(oob_program: str, command: str, remote_node: str, timeout: float) -> str:
    """Run the program that switches other machines' power; gives its output."""
    if command not in constants.OOB_COMMANDS:
        raise errors.ParameterError(f"Unknown out-of-band command '{command}'")
    result = process.run([pathutils.local(oob_program), command, remote_node],
                         timeout=float(timeout))
    if result.failed:
        raise errors.OpExecError(
            f"'{oob_program} {command} {remote_node}' failed ({result.fail_reason}): "
            f"{result.output.strip() or 'it said nothing'}")
    return result.stdout


def _check_owner(path: str, kind: int, what: str) -> None:
    status = os.lstat(path)
    if stat.S_IFMT(status.st_mode) != kind:
        raise errors.OpExecError(f"{path} is not a {what}")
    if status.st_uid != os.geteuid() or status.st_mode & _MUST_NOT_WRITE:
        raise errors.OpExecError(f"{path} must belong to root and be writable by nobody else")


def _restricted_path(name: str) -> str:
    """The path of a command that may be run; every refusal says why, for the log only."""
    if not isinstance(name, str) or not _RESTRICTED_NAME.fullmatch(name):
        raise errors.OpExecError(f"Wrong name of a command: {name!r}")
    directory = pathutils.RESTRICTED_COMMANDS_DIR
    path = os.path.join(directory, name)
    try:
        _check_owner(directory, stat.S_IFDIR, "directory")
        _check_owner(path, stat.S_IFREG, "file")
    except OSError as err:
        raise errors.OpExecError(f"{err.filename}: {err.strerror}") from err
    if not os.access(path, os.X_OK):
        raise errors.OpExecError(f"{path} is not executable")
    return path


def restricted_command(cmd: str) -> str:
    """Run a command that the administrator has put on this node; one at a time.

    Making the directory of the commands is what enables them.
    Who guesses names learns nothing: every refusal takes the same time and has the same text.
    """
    try:
        path = _restricted_path(cmd)
        with io.lock_file(pathutils.RESTRICTED_COMMANDS_LOCK_FILE,
                          timeout=RESTRICTED_LOCK_TIMEOUT):
            result = process.run([path], env={}, reset_env=True)
        if result.failed:
            raise errors.OpExecError(f"{path}: {result.fail_reason}: {result.output.strip()}")
        return result.output
    except errors.GenericError as err:
        logging.error("Restricted command refused or failed: %s", err)
        time.sleep(RESTRICTED_FAILURE_DELAY)
        raise errors.OpExecError(RESTRICTED_FAILURE) from None
