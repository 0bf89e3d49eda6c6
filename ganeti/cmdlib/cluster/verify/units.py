"""OP_CLUSTER_VERIFY, OP_CLUSTER_VERIFY_CONFIG and OP_CLUSTER_VERIFY_GROUP."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ganeti import constants, errors, objects, opcodes, pathutils
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import parameters
from ganeti.cmdlib.cluster.verify import checks, gather, judge_cluster, judge_hooks, report
from ganeti.config import verify as config_verify
from ganeti.utils import x509

Level = base.Level

_PASSED_ON = ("debug_simulate_errors", "error_codes", "ignore_errors", "verbose")
_PASSED_ON_TO_GROUPS = (*_PASSED_ON, "skip_checks", "verify_clutter")


def _make_report(lu: base.LogicalUnit) -> report.Report:
    return report.Report(
        lu.feedback, error_codes=lu.op.error_codes, ignore_errors=lu.op.ignore_errors,
        simulate_errors=lu.op.debug_simulate_errors, verbose=lu.op.verbose)


class LUClusterVerify(base.LogicalUnit):
    """Submit the jobs that verify the configuration and, when it is done, each group."""

    OP = opcodes.OpClusterVerify

    def expand(self) -> None:
        if self.op.group_name is not None:
            self.group = self.config.expand_group(self.op.group_name)

    def exec(self) -> base.JobsResult:
        if self.op.group_name is not None:
            return base.JobsResult([[self._group_op(self.group)]])
        own = {name: getattr(self.op, name) for name in _PASSED_ON}
        jobs: list[list[Any]] = [[opcodes.OpClusterVerifyConfig(**own)]]
        for group in sorted(self.config.nodegroups.values(), key=lambda group: group.name):
            jobs.append([self._group_op(group, depends=[(-len(jobs), [])])])
        return base.JobsResult(jobs)

    def _group_op(self, group: objects.NodeGroup, **common: Any) -> Any:
        passed = {name: getattr(self.op, name) for name in _PASSED_ON_TO_GROUPS}
        return opcodes.OpClusterVerifyGroup(group_name=group.name, **passed, **common)


class LUClusterVerifyConfig(base.LogicalUnit):
    """Verify what needs no node: the configuration and the master's certificates."""

    OP = opcodes.OpClusterVerifyConfig

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.CLUSTER:
            return None
        return base.LockRequest(base.ALL, shared=True)

    def exec(self) -> bool:
        config = self.config
        view = judge_cluster.ConfigView(
            config, config_verify.verify(config), certificates(), refused_parameters(config),
            parameters.required_by_hypervisor(config.cluster.enabled_hypervisors))
        verdict = _make_report(self)
        verdict.run(checks.CONFIG_CHECKS, view)
        return not verdict.failed


class LUClusterVerifyGroup(base.LogicalUnit):
    """Ask the nodes of one group everything, and judge the answers."""

    OP = opcodes.OpClusterVerifyGroup
    HOOKS = base.Hooks("cluster-verify", constants.HTYPE_CLUSTER)

    def expand(self) -> None:
        self.group = self.config.expand_group(self.op.group_name)

    def _instances(self) -> list[objects.Instance]:
        return self.config.group_instances(self.group.uuid)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE:
            return base.LockRequest([inst.name for inst in self._instances()], shared=True)
        if level == Level.NODEGROUP:
            return base.LockRequest([self.group.uuid], shared=True)
        if level == Level.NODE:
            nodes = {node.uuid for node in self.config.group_nodes(self.group.uuid)}
            for inst in self._instances():
                nodes.update(self.config.secondary_nodes(inst))
            return base.LockRequest(sorted(nodes), shared=True)
        return None

    def check_prereq(self) -> None:
        self.group = base.still_there(self.config.nodegroups.get(self.group.uuid),
                                      f"Group {self.group.name}")

    def hooks_env(self) -> dict[str, Any]:
        env = {"CLUSTER_TAGS": " ".join(self.config.cluster.tags)}
        for node in self.config.group_nodes(self.group.uuid):
            env[f"NODE_TAGS_{node.name}"] = " ".join(node.tags)
        return env

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        return [], [node.uuid for node in self.config.group_nodes(self.group.uuid)]

    def exec(self) -> bool:
        self.verdict = _make_report(self)
        members = self.config.group_nodes(self.group.uuid)
        self.verdict.heading(f"Verifying group '{self.group.name}'")
        if not members:
            self.verdict.heading("Empty node group, skipping verification")
            return True
        self.verdict.heading(f"Gathering data ({len(members)} nodes)")
        view = gather.group_view(self.rpc, self.config, self.group,
                                 skip=self.op.skip_checks, clutter=self.op.verify_clutter)
        view = gather.settled(self.rpc, view, self.cfg.wait_durable)
        offline = sum(1 for node in view.members if node.offline)
        rows = [row for row in checks.GROUP_CHECKS
                if self.op.verify_clutter or not row.only_clutter]
        self.verdict.run(rows, view, skip=self.op.skip_checks)
        self.verdict.heading("Other Notes")
        if offline:
            self.feedback(f"  - NOTICE: {offline} offline node(s) found.")
        drained = sum(1 for node in view.members if node.drained)
        if drained:
            self.feedback(f"  - NOTICE: {drained} drained node(s) found.")
        return not self.verdict.failed

    def hooks_done(self, phase: str, results: Mapping[str, Any], result: Any) -> Any:
        if phase != constants.HOOKS_PHASE_POST:
            return result
        problems = list(judge_hooks.hook_results(self.config, results))
        self.verdict.run([checks.HOOKS_CHECK], problems)
        return not self.verdict.failed


def certificates() -> list[judge_cluster.Certificate]:
    """The certificate files that lie beside the master daemon."""
    needed = (pathutils.NODED_CERT_FILE, pathutils.RAPI_CERT_FILE,
              pathutils.NODED_CLIENT_CERT_FILE)
    found = []
    for path in (*needed, pathutils.SPICE_CERT_FILE, pathutils.SPICE_CACERT_FILE):
        shown = pathutils.logical(path)
        if not os.path.exists(path):
            if path in needed:
                found.append(judge_cluster.Certificate(shown, constants.CV_ERROR, "is missing"))
            continue
        try:
            severity, text = x509.verify(x509.load_file(path))
        except errors.X509CertError as err:
            severity, text = constants.CV_ERROR, str(err.args[-1])
        found.append(judge_cluster.Certificate(shown, severity, text))
    return found


def refused_parameters(config: objects.ConfigData) -> list[tuple[str, str, str]]:
    """Sets of hypervisor parameters that fail the checks by syntax."""
    refused = []
    for source, name, filled in gather.hypervisor_parameter_sets(
            config, sorted(config.instances.values(), key=lambda inst: inst.name)):
        try:
            parameters.check_hypervisor_syntax(name, filled)
        except errors.GenericError as err:
            refused.append((source, name, str(err.args[0] if err.args else err)))
    return refused
