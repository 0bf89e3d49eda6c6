"""The watcher of one node group: starts what should run, and brings disks back."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti import constants, errors, opcodes, pathutils
from ganeti.luxi.client import Client
from ganeti.utils import io
from ganeti.watcher.state import CLEANUP, RESTART, GroupState

_LOG = logging.getLogger(__name__)
_INSTANCE_FIELDS = ["name", "status", "pnode", "snodes", "disks_active"]
_NODE_FIELDS = ["name", "bootid", "offline"]
_BAD = frozenset([constants.INSTST_NODEDOWN, constants.INSTST_NODEOFFLINE])


@dataclass(frozen=True)
class Instance:
    """What the watcher needs to know about an instance."""

    name: str
    status: str
    nodes: tuple[str, ...]
    disks_active: bool


class GroupWatcher:
    """One run for one group."""

    def __init__(self, client: Client, group_uuid: str, *, verify_disks: bool = True,
                 strict: bool = True) -> None:
        self._client = client
        self._uuid = group_uuid
        self._verify_disks = verify_disks
        self._strict = strict
        self._treated: set[str] = set()
        """Instances that were started or whose disks were activated in this run."""

    def run(self) -> None:
        """Look once, and mend what can be mended."""
        state = GroupState(self._uuid)
        try:
            instances = self._instances()
            self._write_status(instances)
            state.forget_old(instance.name for instance in instances)
            self._restart(instances, state)
            self._clean_up(instances, state)
            self._after_boots(instances, state)
            if self._verify_disks and instances:
                self._check_disks(instances)
        finally:
            state.save()
            state.close()

    # -- looking --------------------------------------------------------------------------------

    def _query(self, what: str, fields: Sequence[str], qfilter: Any) -> list[list[Any]]:
        """Plain values; None where there is none."""
        answer = self._client.query(what, fields, qfilter)
        return [[value if status == constants.RS_NORMAL else None for status, value in row]
                for row in answer["data"]]

    def _instances(self) -> list[Instance]:
        rows = self._query(constants.QR_INSTANCE, _INSTANCE_FIELDS,
                           ["=", "pnode.group.uuid", self._uuid])
        return [Instance(name, status or "", (pnode or "", *(snodes or [])), bool(active))
                for name, status, pnode, snodes, active in rows]

    def _write_status(self, instances: Iterable[Instance]) -> None:
        lines = sorted(f"{instance.name} {instance.status}\n" for instance in instances)
        io.write_file(pathutils.WATCHER_GROUP_INSTANCE_STATUS_FILE % self._uuid, "".join(lines),
                      mode=0o644, sync=False)

    # -- mending --------------------------------------------------------------------------------

    def _restart(self, instances: Iterable[Instance], state: GroupState) -> None:
        down = []
        for instance in instances:
            if instance.status == constants.INSTST_RUNNING:
                state.forget(instance.name, RESTART)
            elif (instance.status == constants.INSTST_ERRORDOWN
                  and self._may_try(instance, state, RESTART)):
                down.append(instance)
        self._run_jobs("Starting", [(instance.name, opcodes.get_class("OP_INSTANCE_STARTUP")(
            instance_name=instance.name)) for instance in down])

    def _clean_up(self, instances: Iterable[Instance], state: GroupState) -> None:
        """Record instances as stopped that their users have shut down from inside."""
        stopped = []
        for instance in instances:
            if instance.status != constants.INSTST_USERDOWN:
                state.forget(instance.name, CLEANUP)
            elif instance.disks_active and self._may_try(instance, state, CLEANUP):
                stopped.append(instance)
        self._run_jobs("Recording the shutdown of", [
            (instance.name, opcodes.get_class("OP_INSTANCE_SHUTDOWN")(
                instance_name=instance.name, admin_state_source=constants.USER_SOURCE))
            for instance in stopped])

    def _may_try(self, instance: Instance, state: GroupState, what: str) -> bool:
        """Count a try; too many without success mean that a person must look."""
        done = state.tries(instance.name, what)
        if done >= constants.WATCHER_MAX_RESTARTS:
            _LOG.warning("Instance %s is left alone after %d tries (%s)", instance.name, done,
                         instance.status)
            return False
        state.note_try(instance.name, what)
        return True

    def _after_boots(self, instances: Sequence[Instance], state: GroupState) -> None:
        """Activate the disks of instances on nodes that have been started anew."""
        rows = self._query(constants.QR_NODE, _NODE_FIELDS, ["=", "group.uuid", self._uuid])
        booted = {}
        for name, boot_id, offline in rows:
            if offline or not boot_id or state.boot_id(name) == boot_id:
                continue
            if state.boot_id(name) is None:
                state.note_boot_id(name, boot_id)  # seen for the first time
            else:
                _LOG.info("Node %s has been started anew", name)
                booted[name] = boot_id
        if not booted:
            return
        self._activate("after a node's start", [
            instance for instance in instances if booted.keys() & set(instance.nodes)])
        for name, boot_id in booted.items():
            state.note_boot_id(name, boot_id)

    def _activate(self, why: str, instances: Iterable[Instance]) -> None:
        wanted = [instance for instance in instances
                  if instance.disks_active and instance.status not in _BAD
                  and instance.name not in self._treated]
        self._run_jobs(f"Activating disks {why} of", [
            (instance.name, opcodes.get_class("OP_INSTANCE_ACTIVATE_DISKS")(
                instance_name=instance.name)) for instance in wanted])

    def _check_disks(self, instances: Sequence[Instance]) -> None:
        op = opcodes.get_class("OP_GROUP_VERIFY_DISKS")(
            group_name=self._uuid, is_strict=self._strict)
        _add_reason(op)
        status, results = self._await(self._client.submit_job([op]))
        if status != constants.JOB_STATUS_SUCCESS:
            _LOG.error("The disks could not be verified: %s", _failure(results))
            return
        unreachable, inactive, missing = results[0]
        for node, text in sorted(unreachable.items()):
            _LOG.error("Disks of node %s could not be verified: %s", node, text)
        for name, volumes in sorted(missing.items()):
            _LOG.error("Instance %s misses volumes: %s", name,
                       ", ".join(":".join(volume) for volume in volumes))
        names = set(inactive)
        self._activate("that are not complete", [
            instance for instance in instances if instance.name in names])

    # -- jobs -----------------------------------------------------------------------------------

    def _run_jobs(self, what: str, work: Sequence[tuple[str, opcodes.OpCode]]) -> None:
        """Submit one job for each instance, all at once, and tell how each ended."""
        if not work:
            return
        for name, op in work:
            _LOG.info("%s instance %s", what, name)
            _add_reason(op)
            self._treated.add(name)
        answers = self._client.submit_many_jobs([[op] for _, op in work])
        for (name, _), (accepted, job) in zip(work, answers, strict=True):
            if not accepted:
                _LOG.error("%s instance %s was refused: %s", what, name, job)
                continue
            status, results = self._await(job)
            if status != constants.JOB_STATUS_SUCCESS:
                _LOG.error("%s instance %s: job %s ended as '%s': %s", what, name, job, status,
                           _failure(results))

    def _await(self, job: int) -> tuple[str, Any]:
        """Status and results of a job that has ended."""
        previous = None
        while True:
            row, _ = self._client.wait_for_job_change(job, ["status", "opresult"], previous, -1)
            if row[0] in constants.JOBS_FINALIZED:
                return row[0], row[1]
            previous = row


def _add_reason(op: opcodes.OpCode) -> None:
    op.reason = [[constants.OPCODE_REASON_SRC_WATCHER, "", time.time_ns()]]


def _failure(results: Any) -> str:
    for result in results or []:
        if errors.is_encoded(result):
            return errors.text(errors.decode(result))
    return str(results)
