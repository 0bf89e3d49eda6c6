"""OP_NODE_POWERCYCLE and OP_OOB_COMMAND: power, by the node itself or from outside."""

from __future__ import annotations

import logging
import time
from typing import Any

from ganeti import constants, errors, ht, objects, opcodes, serializer
from ganeti.cmdlib import base
from ganeti.cmdlib.node.base import Level, NodeUnit, wanted_nodes

_POWER_STATUS = ht.Object({constants.OOB_POWER_STATUS_POWERED: ht.Bool})
_HEALTH = ht.ListOf(ht.TupleOf(ht.NonEmptyString, ht.Enum(constants.OOB_STATUSES)))


class LUNodePowercycle(NodeUnit):
    """Have a node's kernel reset the machine at once."""

    OP = opcodes.OpNodePowercycle

    def expand(self) -> None:
        super().expand()
        if self.is_master and not self.op.force:
            raise errors.OpPrereqError(
                f"Node {self.node.name} is the master; its reset ends the running jobs, -f does"
                " it", errors.ECODE_INVAL)

    def check_prereq(self) -> None:
        if self.refresh().offline:
            raise errors.OpPrereqError(
                f"Node {self.node.name} is offline; 'gnt-node power cycle {self.node.name}' uses"
                " its out-of-band program", errors.ECODE_STATE)

    def exec(self) -> str | None:
        hypervisor = self.config.cluster.default_hypervisor
        result = self.rpc.node_powercycle(self.node.uuid, hypervisor,
                                          self.config.filled_hvparams(hypervisor))
        answer = result.raise_if_failed(f"Node {self.node.name} failed to schedule the reset")
        return str(answer) if answer else None


class LUOobCommand(base.LogicalUnit):
    """Run the out-of-band program for nodes; it is called on the master."""

    OP = opcodes.OpOobCommand
    #: Commands that the master is spared, since it would cut its own power.
    NOT_ON_MASTER = frozenset([constants.OOB_POWER_OFF, constants.OOB_POWER_CYCLE])

    def expand(self) -> None:
        self.named = bool(self.op.node_names or self.op.node_uuids)
        self.nodes = wanted_nodes(self.config, self.op.node_names, self.op.node_uuids)

    def locks(self, level: Level) -> base.LockRequest | None:
        if level != Level.NODE:
            return None
        return base.LockRequest([node.uuid for node in self.nodes] if self.named
                                else base.ALL)

    def check_prereq(self) -> None:
        config = self.config
        self.nodes = [config.nodes[node.uuid] for node in self.nodes if node.uuid in config.nodes]
        self._check_master()
        if self.op.command == constants.OOB_POWER_OFF and not self.op.ignore_status:
            online = [node.name for node in self.nodes if not node.offline]
            if online:
                raise errors.OpPrereqError(
                    f"Node(s) {', '.join(online)} are not marked offline, so they can not be"
                    " powered off; --ignore-status does it", errors.ECODE_STATE)

    def _check_master(self) -> None:
        master = self.config.cluster.master_node
        if self.op.command not in self.NOT_ON_MASTER:
            return
        if self.named and any(node.uuid == master for node in self.nodes):
            program = self._program(self.config.master_node) or "its out-of-band program"
            raise errors.OpPrereqError(
                f"The master would switch itself off; run '{program} {self.op.command}"
                f" {self.config.master_node_name}' by hand if you mean it", errors.ECODE_INVAL)
        self.nodes = [node for node in self.nodes if node.uuid != master]

    def _program(self, node: objects.Node) -> str:
        return str(self.config.filled_ndparams(node)[constants.ND_OOB_PROGRAM] or "")

    def exec(self) -> list[list[tuple[int, Any]]]:
        rows = []
        for index, node in enumerate(self.nodes):
            if index and self.op.command == constants.OOB_POWER_ON:
                # All at once would overload the mains or the storage they boot from.
                self._pause()
            rows.append([(constants.RS_NORMAL, node.name), self._run(node)])
        return rows

    def _pause(self) -> None:
        self.check_cancel()
        time.sleep(self.op.power_delay)

    def _run(self, node: objects.Node) -> tuple[int, Any]:
        program = self._program(node)
        if not program:
            return constants.RS_UNAVAIL, None
        logging.info("Running out-of-band command %s for node %s", self.op.command, node.name)
        result = self.rpc.run_oob(self.config.cluster.master_node, program, self.op.command,
                                  node.name, self.op.timeout)
        if result.fail_msg:
            self.feedback.warning(f"Out-of-band program failed for node {node.name}:"
                                  f" {result.fail_msg}")
            return constants.RS_NODATA, None
        try:
            answer = parse(self.op.command, result.payload)
        except (errors.GenericError, ValueError) as err:
            self.feedback.warning(f"Out-of-band program gave an answer for node {node.name} that"
                                  f" can not be used: {err}")
            return constants.RS_NODATA, None
        self._record(node, answer)
        return constants.RS_NORMAL, answer

    def _record(self, node: objects.Node, answer: Any) -> None:
        """Keep the recorded power state in step; tell about bad health."""
        command = self.op.command
        powered: bool | None = None
        if command == constants.OOB_HEALTH:
            for item, status in answer:
                if status in (constants.OOB_STATUS_WARNING, constants.OOB_STATUS_CRITICAL):
                    self.feedback.warning(f"Item '{item}' on node '{node.name}' has status"
                                          f" '{status}'")
        elif command == constants.OOB_POWER_STATUS:
            reported = answer[constants.OOB_POWER_STATUS_POWERED]
            if reported != node.powered:
                self.feedback.warning(f"Node {node.name} is recorded as powered"
                                      f" {'on' if node.powered else 'off'}, the helper says"
                                      f" {'on' if reported else 'off'}",
                                      hint=f"gnt-node modify --node-powered=... {node.name}")
        elif command in (constants.OOB_POWER_ON, constants.OOB_POWER_OFF):
            powered = command == constants.OOB_POWER_ON
        if powered is not None and powered != node.powered:
            with self.cfg.edit(job=self.job_id) as draft:
                draft.update(node, powered=powered)


def parse(command: str, output: Any) -> Any:
    """The helper's answer, checked; commands that answer nothing must be silent."""
    text = str(output or "").strip()
    if command == constants.OOB_POWER_STATUS:
        return _POWER_STATUS.check(serializer.load(text), command)
    if command == constants.OOB_HEALTH:
        return [list(item) for item in _HEALTH.check(serializer.load(text), command)]
    if text:
        raise errors.OpExecError(f"expected no output of {command}, got '{text[:80]}'")
    return None
