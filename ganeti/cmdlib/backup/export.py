"""OP_BACKUP_EXPORT."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ganeti import constants, errors, objects, opcodes, pathutils
from ganeti.cmdlib import base
from ganeti.cmdlib.backup import remove as exports
from ganeti.cmdlib.checks import nodes
from ganeti.cmdlib.instance import disks, power, remote, transfer
from ganeti.cmdlib.instance import remove as removal
from ganeti.cmdlib.instance.base import InstanceUnit, Level
from ganeti.storage import registry as storage

#: An export that is not finished yet carries this behind its name
_NEW = ".new"


class LUBackupExport(InstanceUnit):
    """Dump an instance's disks to a node of the cluster, or send them to another cluster.

    Where the storage makes snapshots, the guest stands still only until they are made.
    """

    OP = opcodes.OpBackupExport
    HOOKS = base.Hooks("instance-export", constants.HTYPE_INSTANCE)
    #: The guest stands still for the export
    stopped = False

    @property
    def local(self) -> bool:
        return bool(self.op.mode == constants.EXPORT_MODE_LOCAL)

    def expand_more(self) -> None:
        op = self.op
        transfer.require_compression(self, op.compress)
        if op.zero_free_space:
            raise errors.OpPrereqError(
                "Zeroing free space needs a helper instance, which this release does not run;"
                " 'fstrim' inside the guest does the same where disks pass discards",
                errors.ECODE_INVAL)
        for key in ("zeroing_timeout_fixed", "zeroing_timeout_per_mib"):
            if getattr(op, key) is not None:
                raise errors.OpPrereqError(
                    f"'{key}' goes with zero_free_space only", errors.ECODE_INVAL)
        if op.remove_instance and not op.shutdown:
            raise errors.OpPrereqError(
                "An instance has to be stopped to be removed after its export",
                errors.ECODE_INVAL)
        if self.local:
            self._expand_local()
        else:
            self._expand_remote()

    def _expand_local(self) -> None:
        if not isinstance(self.op.target_node, str):
            raise errors.OpPrereqError("The target has to be a node", errors.ECODE_INVAL)
        for key in ("x509_key_name", "destination_x509_ca"):
            if getattr(self.op, key):
                raise errors.OpPrereqError(
                    f"'{key}' is for exports to another cluster", errors.ECODE_INVAL)
        self.target = self.config.expand_node(self.op.target_node_uuid or self.op.target_node)

    def _expand_remote(self) -> None:
        if not isinstance(self.op.target_node, list):
            raise errors.OpPrereqError(
                "The target has to be the list of disk destinations that the other cluster has"
                " given", errors.ECODE_INVAL)
        self.key_name = remote.check_key_name(self.op.x509_key_name)
        self.their_cert = remote.check_certificate(
            self.op.destination_x509_ca, "The certificate of the destination cluster")
        self.receivers = [remote.check_receiver(index, data)
                          for index, data in enumerate(self.op.target_node)]

    # Locks.

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.NODE and self.local:
            # Older exports on any node are removed.
            return base.LockRequest(base.ALL)
        return super().locks(level)

    # Prerequisites.

    def check_prereq(self) -> None:
        super().check_prereq()
        nodes.require_online(self.primary, "its disks can not be read")
        if self.local:
            self.target = self.config.nodes[self.target.uuid]
            nodes.require_online(self.target)
        elif len(self.receivers) != len(self.disks):
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has {len(self.disks)} disks, the other cluster"
                f" waits for {len(self.receivers)}", errors.ECODE_INVAL)
        if not self.instance.os and self.disks:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has no OS definition, whose export script would"
                " dump the disks; 'gnt-instance modify --os-type' names one", errors.ECODE_STATE)
        self.was_running = self.is_running()
        frozen = all(storage.template(disk.dev_type).can_snapshot for disk in self.disks)
        #: The guest has to stand still as long as the disks are read
        self.still = self.op.long_sleep or self.op.remove_instance or not frozen
        if self.was_running and self.still and not self.op.shutdown:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} runs, and its disks can not be frozen by"
                " snapshots: it has to be stopped during the export (without --noshutdown)",
                errors.ECODE_STATE)

    # Hooks.

    def own_env(self) -> dict[str, object]:
        return {
            "EXPORT_MODE": self.op.mode,
            "EXPORT_NODE": self.target.name if self.local else "",
            "EXPORT_DO_SHUTDOWN": self.op.shutdown,
            "SHUTDOWN_TIMEOUT": self.op.shutdown_timeout,
            "REMOVE_INSTANCE": self.op.remove_instance,
        }

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        found = [self.config.cluster.master_node, self.instance.primary_node]
        if self.local:
            found.append(self.target.uuid)
        unique = list(dict.fromkeys(found))
        return unique, unique

    # Doing it.

    def exec(self) -> list[Any]:
        with self._stopped(), self._frozen() as sources:
            if not self.still:
                self._start()
            arrived = self._send(sources)
            finished = self._finish(sources) if self.local and all(arrived) else not self.local
        lost = [disks.describe(disk)
                for disk, good in zip(self.disks, arrived, strict=True) if not good]
        if lost or not finished:
            raise errors.OpExecError(
                f"Export of instance {self.instance.name} failed for"
                f" {', '.join(lost) or 'its description'}; an older export is untouched")
        if self.local:
            others = [node.uuid for node in self.config.online_nodes()
                      if node.uuid != self.target.uuid]
            if exports.remove_from(self, others, self.instance.name):
                self.feedback("* removed the older export on another node")
        else:
            self._remove_key()
        if self.op.remove_instance:
            self._remove()
        return [finished, arrived]

    @contextlib.contextmanager
    def _stopped(self) -> Iterator[None]:
        """Stop the guest, and let it run again after a failure, or at the end."""
        if self.was_running and self.op.shutdown:
            self.feedback(f"* shutting down instance {self.instance.name}")
            failure = power.stop(self, self.instance, self.op.shutdown_timeout)
            if failure:
                raise errors.OpExecError(
                    f"Could not shut down instance {self.instance.name}: {failure}")
            self.stopped = True
        try:
            yield
        except BaseException:
            self._start_after_failure()
            raise
        if not self.op.remove_instance:
            self._start()

    def _start_after_failure(self) -> None:
        try:
            self._start()
        except errors.GenericError as err:
            self.feedback.warning(f"Instance {self.instance.name} does not start again:"
                                  f" {errors.text(err)}")

    def _start(self) -> None:
        """Let the guest run again if it was stopped for the export."""
        if self.stopped:
            self.stopped = False
            self.feedback(f"* starting instance {self.instance.name}")
            power.start(self, self.config.instances[self.instance.uuid])

    @contextlib.contextmanager
    def _frozen(self) -> Iterator[list[objects.Disk]]:
        """The disks to read: snapshots where that is possible, else the disks as they are."""
        active = self.config.instances[self.instance.uuid].disks_active
        if not active:
            disks.activate(self, self.instance)
        made: list[objects.Disk] = []
        try:
            sources = []
            for disk in self.disks:
                if self.still:
                    sources.append(disk)
                else:
                    made.append(self._snapshot(disk))
                    sources.append(made[-1])
            yield sources
        finally:
            for snapshot in made:
                self._remove_snapshot(snapshot)
            if not active:
                disks.deactivate(self, self.instance)

    def _snapshot(self, disk: objects.Disk) -> objects.Disk:
        self.feedback(f"* making a snapshot of {disks.describe(disk)}")
        result = self.rpc.blockdev_snapshot(
            self.instance.primary_node, (disk, self.instance), None, None)
        result.raise_if_failed(f"Can not make a snapshot of {disks.describe(disk)} on node"
                               f" {self.primary.name}")
        return storage.template(disk.dev_type).snapshot_disk(disk, result.payload)

    def _remove_snapshot(self, snapshot: objects.Disk) -> None:
        result = self.rpc.blockdev_remove(
            self.instance.primary_node, (snapshot, self.instance))
        if result.fail_msg:
            self.feedback.warning(
                f"Could not remove the snapshot of {disks.describe(snapshot)} on node"
                f" {self.primary.name}: {result.fail_msg}")

    # Sending.

    def _send(self, sources: list[objects.Disk]) -> list[bool]:
        ends = [transfer.End(self.instance.primary_node, self.instance,
                             [constants.IEIO_SCRIPT, [(disk, self.instance), index]])
                for index, disk in enumerate(sources)]
        self.feedback(f"* running the instance OS export scripts ({self.instance.os})...")
        return self._send_local(sources, ends) if self.local else self._send_away(ends)

    def _send_local(self, sources: list[objects.Disk], ends: list[transfer.End]) -> list[bool]:
        directory = f"{pathutils.logical(pathutils.EXPORT_DIR)}/{self.instance.name}{_NEW}"
        # What an export that was cut short has left.
        cleared = self.rpc.export_remove(self.target.uuid, self.instance.name + _NEW)
        cleared.raise_if_failed(
            f"Can not clear the export directory on node {self.target.name}")
        return transfer.run(self, [
            transfer.Copy(disks.describe(disk), f"disk{index}", end, transfer.End(
                self.target.uuid, self.instance,
                [constants.IEIO_FILE, [f"{directory}/{disk.uuid}"]]))
            for index, (disk, end) in enumerate(zip(sources, ends, strict=True))],
            self.op.compress)

    def _send_away(self, ends: list[transfer.End]) -> list[bool]:
        with transfer.board(self) as transfers:
            legs = [transfers.start_export(
                f"disk/{index}", end, f"disk{index}", transfer.options(
                    self, compress=self.op.compress, magic=receiver.magic,
                    timeout=constants.RIE_CONNECT_ATTEMPT_TIMEOUT, key_name=self.key_name,
                    ca_pem=self.their_cert), receiver.host, receiver.port)
                for index, (end, receiver) in enumerate(zip(ends, self.receivers, strict=True))]
            transfers.wait(legs, lambda leg: leg.ended)
            return [transfers.verdict(leg) for leg in legs]

    def _finish(self, sources: list[objects.Disk]) -> bool:
        """Write the description, and put the export in the place of an older one."""
        self.feedback(f"* finishing the export on node {self.target.name}")
        result = self.rpc.finalize_export(
            self.target.uuid, self.config.instances[self.instance.uuid],
            [(disk, self.instance) for disk in sources])
        if result.fail_msg:
            self.feedback.warning(
                f"Could not finish the export on node {self.target.name}: {result.fail_msg}")
        return not result.fail_msg

    def _remove_key(self) -> None:
        result = self.rpc.x509_cert_remove(self.instance.primary_node, self.key_name)
        if result.fail_msg:
            self.feedback.warning(f"Could not remove the key {self.key_name} on node"
                                  f" {self.primary.name}: {result.fail_msg}")

    def _remove(self) -> None:
        self.feedback(f"* removing instance {self.instance.name}")
        power.mark_down(self, self.instance)
        disks.deactivate(self, self.instance)
        problems = disks.remove(self, self.instance, self.disks)
        if problems:
            text = (f"Could not remove the disks of instance {self.instance.name}:"
                    f" {'; '.join(problems)}")
            if not self.op.ignore_remove_failures:
                raise errors.OpExecError(f"{text}; its export is complete")
            self.feedback.warning(text)
        removal.forget(self, self.instance)
