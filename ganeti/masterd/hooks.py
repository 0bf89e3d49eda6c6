"""Hooks as the master sees them: their environment, where they run, what their results mean.

The scripts themselves are run by the nodes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ganeti import constants, errors, objects, pathutils

if TYPE_CHECKING:
    from ganeti.cmdlib import base
    from ganeti.masterd import context

PREFIX = "GANETI_"
POST_PREFIX = "GANETI_POST_"


def common_env(config: objects.ConfigData, op_id: str, phase: str, path: str,
               object_type: str) -> dict[str, str]:
    """Variables that every hook has."""
    return {
        "PATH": constants.HOOKS_PATH,
        "GANETI_HOOKS_VERSION": str(constants.HOOKS_VERSION),
        "GANETI_OP_CODE": op_id,
        "GANETI_DATA_DIR": pathutils.DATA_DIR,
        "GANETI_HOOKS_PHASE": phase,
        "GANETI_HOOKS_PATH": path,
        "GANETI_OBJECT_TYPE": object_type,
        "GANETI_CLUSTER": config.cluster.cluster_name,
        "GANETI_MASTER": config.master_node_name,
    }


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)


class HooksRunner:
    """Runs the hooks around one logical unit."""

    def __init__(self, ctx: context.MasterContext, unit: base.LogicalUnit) -> None:
        self._ctx = ctx
        self._unit = unit
        self._hooks = unit.HOOKS
        self._pre_nodes: list[str] = []
        self._post_nodes: list[str] = []
        self._env: dict[str, Any] = {}
        if self._hooks is not None:
            self._pre_nodes, self._post_nodes = unit.hooks_nodes()
            self._env = unit.hooks_env()

    def run_pre(self) -> None:
        """Run the pre hooks; one that fails ends the operation before anything is changed."""
        if self._hooks is None:
            return
        phase = constants.HOOKS_PHASE_PRE
        failed = []
        results = self._run(phase, self._pre_nodes)
        for result in results.values():
            if result.offline:
                continue
            if result.fail_msg:
                self._unit.feedback.warning(
                    f"The pre hooks could not be run on node {result.node_name}:"
                    f" {result.fail_msg}")
                continue
            failed += [[result.node_name, script, output]
                       for script, code, output in result.payload
                       if code == constants.HKR_FAIL]
        if failed:
            raise errors.HooksAbort(failed)
        self._unit.hooks_done(phase, results, None)

    def run_post(self, result: Any) -> Any:
        """Run the post hooks; failures are told, no more. Returns the opcode's result."""
        if self._hooks is None:
            return result
        phase = constants.HOOKS_PHASE_POST
        results = self._run(phase, self._post_nodes, self._unit.hooks_env())
        self._warn(results)
        return self._unit.hooks_done(phase, results, result)

    def run_early_post(self, node_uuids: Iterable[str]) -> None:
        """Run the post hooks on nodes that will not be there any more afterwards."""
        if self._hooks is None:
            return
        self._warn(self._run(constants.HOOKS_PHASE_POST, node_uuids))

    def _warn(self, results: Mapping[str, Any]) -> None:
        for answer in results.values():
            if answer.offline:
                continue
            if answer.fail_msg:
                self._unit.feedback.warning(
                    f"The post hooks could not be run on node {answer.node_name}:"
                    f" {answer.fail_msg}")
                continue
            for script, code, output in answer.payload:
                if code == constants.HKR_FAIL:
                    self._unit.feedback.warning(
                        f"Post hook {script} failed on node {answer.node_name}: {output.strip()}")

    def _run(self, phase: str, nodes: Iterable[str], afterwards: Mapping[str, Any] | None = None,
             ) -> dict[str, Any]:
        """Run the hooks of a phase with the unit's variables as before, and as afterwards."""
        assert self._hooks is not None
        unique = list(dict.fromkeys(nodes))
        if not unique:
            return {}
        env = {PREFIX + key: _as_text(value) for key, value in self._env.items()}
        env.update((POST_PREFIX + key, _as_text(value))
                   for key, value in (afterwards or {}).items())
        env.update(common_env(self._ctx.cfg.snapshot, self._unit.op.OP_ID, phase,
                              self._hooks.path, self._hooks.object_type))
        results: dict[str, Any] = self._ctx.rpc.multi(
            unique, "hooks_runner", self._hooks.path, phase, env)
        return results


def run_post_on(unit: base.LogicalUnit, node_uuids: Iterable[str]) -> None:
    """Run the unit's post hooks now, on nodes that will be gone at its end."""
    HooksRunner(unit.ctx, unit).run_early_post(node_uuids)


def run_config_update(rpc: Any, config: objects.ConfigData) -> None:
    """The config-update hooks of the master, after the configuration was written."""
    path = constants.HOOKS_NAME_CFGUPDATE
    phase = constants.HOOKS_PHASE_POST
    env = common_env(config, "OP_CLUSTER_CONFIG_UPDATE", phase, path, constants.HTYPE_CLUSTER)
    answer = rpc.multi([config.cluster.master_node], "hooks_runner", path, phase, env)
    for result in answer.values():
        if result.fail_msg:
            logging.warning("The %s hooks could not be run: %s", path, result.fail_msg)
            continue
        for script, code, output in result.payload:
            if code == constants.HKR_FAIL:
                logging.warning("Hook %s failed: %s", script, output)
