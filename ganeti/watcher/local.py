"""What the watcher does on every node: the daemons, the administrator's hooks, the pause."""

from __future__ import annotations

import logging
import time

from ganeti import constants, errors, pathutils, ssconf
from ganeti.backend import hooks
from ganeti.rapi import client
from ganeti.utils import net, pause, process

_LOG = logging.getLogger(__name__)
_DAEMON_TIMEOUT = 120.0
_RAPI_TIMEOUT = 15.0


def paused_until() -> float | None:
    """Until when the watcher shall rest; None when it shall not. A pause that is over is ended."""
    until = pause.read()
    if until is not None and until <= time.time():
        pause.write(None)
        return None
    return until


def _daemon_util(*words: str) -> bool:
    try:
        result = process.run([pathutils.DAEMON_UTIL, *words], timeout=_DAEMON_TIMEOUT)
    except errors.ProcessError as err:
        _LOG.error("%s", err)
        return False
    if result.failed:
        _LOG.error("daemon-util %s: %s: %s", " ".join(words), result.fail_reason,
                   result.output.strip())
    return not result.failed


def ensure_daemons() -> None:
    """Start the daemons that belong on this node, where they do not run.

    Which ones these are is `daemon-util`'s knowledge.
    """
    _daemon_util("start-all")
    if process.run([pathutils.DAEMON_UTIL, "daemon-executable", constants.KVMD]).failed:
        return
    if ssconf.SimpleStore().get(constants.SS_ENABLED_USER_SHUTDOWN, "") != "True":
        _daemon_util("stop", constants.KVMD)


def run_hooks() -> None:
    """Run the administrator's scripts for every run of the watcher."""
    store = ssconf.SimpleStore()
    env = {"PATH": constants.HOOKS_PATH, "GANETI_HOOKS_VERSION": str(constants.HOOKS_VERSION),
           "GANETI_HOOKS_PATH": constants.HOOKS_NAME_WATCHER,
           "GANETI_DATA_DIR": pathutils.DATA_DIR,
           "GANETI_CLUSTER": store.get(constants.SS_CLUSTER_NAME, ""),
           "GANETI_MASTER": store.get(constants.SS_MASTER_NODE, "")}
    try:
        results = hooks.run_directory(constants.HOOKS_NAME_WATCHER, env)
    except errors.HooksFailure as err:
        _LOG.error("%s", err)
        return
    for script, result, output in results:
        if result == constants.HKR_FAIL:
            _LOG.error("Hook %s failed: %s", script, output.strip())


def rapi_answers(address: str) -> bool:
    """Whether the REST interface of this master tells its version."""
    port = net.daemon_port(constants.RAPI)
    try:
        with client.Client(address, port, context=client.insecure_context(),
                           timeout=_RAPI_TIMEOUT) as rapi:
            return bool(rapi.version() == constants.RAPI_VERSION)
    except client.ApiError as err:
        return err.code == 401  # it serves, and wants to know who asks
    except client.RapiError as err:
        _LOG.info("The REST interface does not answer: %s", err)
        return False


def ensure_rapi(address: str) -> None:
    """Restart the REST interface when it runs and does not answer."""
    if rapi_answers(address):
        return
    _LOG.warning("Restarting %s", constants.RAPI)
    _daemon_util("stop", constants.RAPI)
    _daemon_util("start", constants.RAPI)
    if not rapi_answers(address):
        _LOG.error("%s does not answer at %s after its restart either", constants.RAPI, address)
