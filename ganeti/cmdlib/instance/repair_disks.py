"""OP_INSTANCE_REPAIR_DISKS: mirrors that can not find together by themselves.

Without a node to keep it only tells what is so and what would be lost. With one, the other
node's changes since the split are given up, and nothing else ever is.
"""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import nodes
from ganeti.cmdlib.instance import disks, mirror_health, mirrors
from ganeti.cmdlib.instance.base import InstanceUnit, Level
from ganeti.cmdlib.instance.mirror_health import Finding, Verdict


class LUInstanceRepairDisks(InstanceUnit):
    """Tell how the copies of an instance's disks stand, and settle a split brain as wished."""

    OP = opcodes.OpInstanceRepairDisks
    HOOKS = base.Hooks("instance-repair-disks", constants.HTYPE_INSTANCE)
    LOCK_NODES = True

    keep: str | None = None

    def expand_more(self) -> None:
        if self.op.keep:
            self.keep = self.config.expand_node(self.op.keep).uuid

    def own_env(self) -> dict[str, object]:
        return {"KEEP_NODE": self.node_name(self.keep) if self.keep else ""}

    def check_prereq(self) -> None:
        super().check_prereq()
        self.mirrored = mirrors.mirrored(self.disks)
        if not self.mirrored:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has no disks that are mirrored between nodes",
                errors.ECODE_INVAL)
        self.findings = mirror_health.ask(
            self.rpc, self.config, [(self.instance, disk) for disk in self.mirrored])
        if self.keep:
            self._check_choice(self.keep)

    def _check_choice(self, keep: str) -> None:
        """The kept node has a copy, the other one can be reached, and no guest uses it."""
        both = self.config.instance_nodes(self.instance)
        if keep not in both:
            raise errors.OpPrereqError(
                f"Node {self.node_name(keep)} has no copy of the disks; they are on"
                f" {' and '.join(map(self.node_name, both))}", errors.ECODE_INVAL)
        for uuid in both:
            nodes.require_online(self.config.nodes[uuid])
        self.loser = next(uuid for uuid in both if uuid != keep)
        unrelated = [finding.disk for finding in self.findings.values()
                     if finding.verdict is Verdict.UNRELATED]
        if unrelated:
            side = "-s" if keep == self.instance.primary_node else "-p"
            raise errors.OpPrereqError(
                f"The copies of {', '.join(unrelated)} have nothing in common; 'gnt-instance"
                f" replace-disks {side} {self.instance.name}' makes the other one anew",
                errors.ECODE_STATE)
        if self._split() and self.is_running(self.loser):
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} runs on node {self.node_name(self.loser)}, whose"
                " copy is to be given up; stop it there first", errors.ECODE_STATE)

    def _split(self) -> list[objects.Disk]:
        return [disk for disk in self.mirrored
                if self.findings[disk.uuid].verdict is Verdict.SPLIT]

    # Doing it.

    def exec(self) -> list[dict[str, Any]]:
        findings = [self.findings[disk.uuid] for disk in self.mirrored]
        self._tell(findings)
        if self.keep and self._split():
            findings = self._give_up_other(self.keep)
            self._tell(findings)
        elif self.keep:
            self.feedback("No disk has a split brain, nothing is given up")
        return [finding.wire() for finding in findings]

    def _tell(self, findings: list[Finding]) -> None:
        for finding in findings:
            self.feedback(f"* {finding.disk}: {finding.explain()}")
            for copy in finding.copies:
                self.feedback(f"    {copy.shown}")

    def _give_up_other(self, keep: str) -> list[Finding]:
        """Settle every split brain for one side; returns how the copies stand then."""
        split = self._split()
        was_active = self.instance.disks_active
        loser, names = self.loser, ", ".join(map(disks.describe, split))
        self.feedback(f"* giving up what only node {self.node_name(loser)} has of {names}")
        for uuid in (keep, loser):
            self._make_active(split, uuid)
        result = self.rpc.blockdev_close(loser, "", (split, self.instance))
        result.raise_if_failed(f"Can not close the disks on node {self.node_name(loser)}")
        result = self.rpc.drbd_discard(loser, (split, self.instance))
        result.raise_if_failed(
            f"Can not give up the changes on node {self.node_name(loser)}")
        mirrors.attach_net(self, self.instance, split, [keep])
        self.release(Level.NODE)
        self.feedback(f"* synchronising from node {self.node_name(keep)}")
        mirrors.wait_connected(self, self.instance, split, [keep, loser])
        found = mirror_health.ask(
            self.rpc, self.config, [(self.instance, disk) for disk in self.mirrored])
        if not was_active:
            disks.shutdown(self, self.instance, split)
        return [found[disk.uuid] for disk in self.mirrored]

    def _make_active(self, split: list[objects.Disk], node_uuid: str) -> None:
        """Have the copies ready without giving the right to write."""
        for disk in split:
            result = self.rpc.blockdev_assemble(
                node_uuid, (disk, self.instance), self.instance, False,
                self.instance.disks.index(disk.uuid))
            result.raise_if_failed(
                f"Can not activate {disks.describe(disk)} on node {self.node_name(node_uuid)}")
