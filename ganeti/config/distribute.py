"""What of the configuration goes where: config.data to candidates, ssconf to every node.

A candidate or node that does not answer is left behind and tried again in the background, so
that a dead one delays commits once only.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ganeti import constants, errors, objects, pathutils, ssconf
from ganeti.config import files, handover

if TYPE_CHECKING:
    from ganeti.rpc import result as rpc_result
    from ganeti.rpc import runner

RETRY_SECONDS: Final = 30
ANSWER_SECONDS: Final = 20
"""A node that takes longer is left behind, so that a hanging one does not hold up all jobs."""


def ssconf_values(config: objects.ConfigData) -> dict[str, str]:
    """The contents of all ssconf files (without the final newline)."""
    cluster = config.cluster
    nodes = sorted(config.nodes.values(), key=lambda node: node.name)
    candidates = [node for node in nodes if node.master_candidate]
    values: dict[str, Any] = {
        constants.SS_CLUSTER_NAME: cluster.cluster_name,
        constants.SS_CLUSTER_TAGS: sorted(cluster.tags),
        constants.SS_ENABLED_USER_SHUTDOWN: cluster.enabled_user_shutdown,
        constants.SS_FILE_STORAGE_DIR: cluster.file_storage_dir,
        constants.SS_GLUSTER_STORAGE_DIR: cluster.gluster_storage_dir,
        constants.SS_HYPERVISOR_LIST: cluster.enabled_hypervisors,
        constants.SS_INSTANCE_LIST: sorted(i.name for i in config.instances.values() if i.name),
        constants.SS_MAINTAIN_NODE_HEALTH: cluster.maintain_node_health,
        constants.SS_MASTER_CANDIDATES: [node.name for node in candidates],
        constants.SS_MASTER_CANDIDATES_CERTS: [
            f"{uuid}={digest}" for uuid, digest in sorted(cluster.candidate_certs.items())],
        constants.SS_MASTER_CANDIDATES_IPS: [node.primary_ip for node in candidates],
        constants.SS_MASTER_IP: cluster.master_ip,
        constants.SS_MASTER_NETDEV: cluster.master_netdev,
        constants.SS_MASTER_NETMASK: cluster.master_netmask,
        constants.SS_MASTER_NODE: config.master_node_name,
        constants.SS_NETWORKS: [f"{item.uuid} {item.name}" for item in _by_name(config.networks)],
        constants.SS_NODE_LIST: [node.name for node in nodes],
        constants.SS_NODE_PRIMARY_IPS: [f"{node.name} {node.primary_ip}" for node in nodes],
        constants.SS_NODE_SECONDARY_IPS: [f"{node.name} {node.secondary_ip}" for node in nodes],
        constants.SS_NODE_VM_CAPABLE: [f"{node.name}={node.vm_capable}" for node in nodes],
        constants.SS_NODEGROUPS: [
            f"{item.uuid} {item.name}" for item in _by_name(config.nodegroups)],
        constants.SS_OFFLINE_NODES: [node.name for node in nodes if node.offline],
        constants.SS_ONLINE_NODES: [node.name for node in nodes if not node.offline],
        constants.SS_PRIMARY_IP_FAMILY: cluster.primary_ip_family,
        constants.SS_RELEASE_VERSION: constants.RELEASE_VERSION,
        constants.SS_SHARED_FILE_STORAGE_DIR: cluster.shared_file_storage_dir,
        constants.SS_SSH_PORTS: [
            f"{node.name}={config.filled_ndparams(node)['ssh_port']}" for node in nodes],
        constants.SS_UID_POOL: [_uid_range(low, high) for low, high in cluster.uid_pool],
    }
    for hypervisor in constants.HYPER_TYPES:
        params = config.filled_hvparams(hypervisor)
        values[constants.SS_HVPARAMS_PREF + hypervisor] = [
            f"{name}={value}" for name, value in sorted(params.items())]
    return {key: "\n".join(value) if isinstance(value, list) else str(value)
            for key, value in values.items()}


def _by_name(container: Mapping[str, Any]) -> list[Any]:
    return sorted(container.values(), key=lambda item: item.name)


def _uid_range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


class Distribution:
    """Keeps the copies of the configuration on other nodes up to date."""

    def __init__(self, rpc: runner.RpcRunner, path: str,
                 after_write: Callable[[objects.ConfigData], None] | None = None) -> None:
        self._rpc = rpc
        self._path = path
        self._after_write = after_write
        self._local = ssconf.SimpleStore()
        self._handover = handover.Handover(rpc)
        self._mutex = threading.Lock()
        self._ssconf: dict[str, dict[str, str]] = {}
        self._behind: dict[str, str] = {}
        self._latest: tuple[objects.ConfigData, bytes] | None = None
        self._retrying = False
        self._stopped = threading.Event()

    def distribute(self, config: objects.ConfigData, encoded: bytes) -> None:
        """Offer a version to the candidates and refresh changed ssconf files, in parallel."""
        with self._mutex:
            self._latest = (config, encoded)
            behind = set(self._behind)
        candidates = self._candidates(config, behind)
        done = self._handover.send(encoded, candidates)
        self._upload(config, encoded, [uuid for uuid in candidates if uuid not in done])
        self._write_ssconf(config, behind)
        if self._after_write is not None:
            self._after_write(config)
        self._retry_later()

    def leave_out(self, uuids: Iterable[str]) -> None:
        """Do not wait for nodes that have just been found to be silent."""
        with self._mutex:
            self._behind.update(dict.fromkeys(uuids, "does not answer"))

    def settle(self) -> None:
        """Have candidates that got changes only write their copies whole."""
        try:
            self._handover.settle()
        except errors.GenericError as err:
            logging.warning("The candidates' copies are not whole yet: %s", errors.text(err))

    def include_all(self) -> None:
        """Offer the next version also to nodes that failed before, without waiting their turn."""
        with self._mutex:
            self._behind = {}
            self._ssconf = {}

    def stop(self) -> None:
        """End the background retries."""
        self._stopped.set()

    @property
    def behind(self) -> dict[str, str]:
        """Nodes that lack the newest version, with the reason (node uuid -> text)."""
        with self._mutex:
            return dict(self._behind)

    @staticmethod
    def _others(nodes: Iterable[objects.Node], config: objects.ConfigData) -> list[objects.Node]:
        master = config.cluster.master_node
        return [node for node in nodes if node.uuid != master and not node.offline]

    def _candidates(self, config: objects.ConfigData, behind: Collection[str]) -> list[str]:
        """Candidates that are not given up for now."""
        return [node.uuid for node in self._others(config.master_candidates(), config)
                if node.uuid not in behind]

    def _upload(self, config: objects.ConfigData, encoded: bytes, uuids: list[str]) -> None:
        if not uuids:
            return
        self._handover.forget(uuids)
        info = os.stat(self._path)
        user, group = files.owner_names(self._path)
        results = self._rpc.multi_within(
            ANSWER_SECONDS, uuids, "upload_file_single", pathutils.virtual(self._path),
            encoded.decode("utf-8"), files.MODE, user, group, info.st_atime, info.st_mtime)
        self._handover.note(encoded, [uuid for uuid, result in results.items()
                                      if not result.fail_msg])
        self._note(config, results, "the configuration")

    def _write_ssconf(self, config: objects.ConfigData, behind: Iterable[str]) -> None:
        values = ssconf_values(config)
        master = config.cluster.master_node
        if self._ssconf.get(master) != values:
            self._write_own_ssconf(master, values)
        left_out = set(behind) | set(self.behind)
        targets = [node.uuid for node in self._others(config.nodes.values(), config)
                   if node.uuid not in left_out and self._ssconf.get(node.uuid) != values]
        if not targets:
            return
        results = self._rpc.multi_within(ANSWER_SECONDS, targets, "write_ssconf_files", values)
        self._note(config, results, "ssconf files")
        for uuid, result in results.items():
            if not result.fail_msg:
                self._ssconf[uuid] = values

    def _write_own_ssconf(self, master: str, values: dict[str, str]) -> None:
        """The master's own files; without room for them the other nodes get theirs all the same."""
        try:
            self._local.write(values)
        except (errors.GenericError, OSError) as err:
            logging.error("The ssconf files of this node can not be written: %s; trying again in"
                          " %d s", errors.text(err), RETRY_SECONDS)
            with self._mutex:
                self._behind[master] = errors.text(err)
            return
        self._ssconf[master] = values

    def _note(self, config: objects.ConfigData, results: Mapping[str, rpc_result.RpcResult],
              what: str) -> None:
        with self._mutex:
            for uuid, result in results.items():
                if not result.fail_msg:
                    continue
                node = config.nodes.get(uuid)
                logging.warning("Node %s did not get %s: %s; trying again in %d s",
                                node.name if node else uuid, what, result.fail_msg, RETRY_SECONDS)
                self._behind[uuid] = result.fail_msg
                self._ssconf.pop(uuid, None)

    def _retry_later(self) -> None:
        with self._mutex:
            if not self._behind or self._retrying or self._stopped.is_set():
                return
            self._retrying = True
        threading.Thread(target=self._retry, name="config-retry", daemon=True).start()

    def _retry(self) -> None:
        """Bring nodes that were left behind to the newest version, until none is left."""
        while not self._stopped.wait(RETRY_SECONDS):
            with self._mutex:
                assert self._latest is not None
                config, encoded = self._latest
                current = {node.uuid for node in self._others(config.nodes.values(), config)}
                again = [uuid for uuid in self._behind if uuid in current]
                self._behind = {}
            try:
                self._upload(config, encoded, [uuid for uuid in again
                                               if config.nodes[uuid].master_candidate])
                self._write_ssconf(config, self.behind)
            except (errors.GenericError, OSError) as err:
                logging.warning("Distributing the configuration again failed: %s", err)
                with self._mutex:
                    self._behind.update((uuid, str(err)) for uuid in again)
            with self._mutex:
                newer = self._latest[0] is not config
                if newer:
                    self._behind.update((uuid, "has an older version") for uuid in again)
                if not self._behind:
                    self._retrying = False
                    return
            if newer:
                time.sleep(0.1)
