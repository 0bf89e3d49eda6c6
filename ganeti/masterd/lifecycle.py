"""How the master daemon comes and goes: what is read, checked and started in which order."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Collection
from typing import Any, Final

from ganeti import constants, errors, mcpu, objects, pathutils, runtime, ssconf
from ganeti.cmdlib import registry
from ganeti.confd import client as confd_client
from ganeti.config import distribute, files, store
from ganeti.jqueue import filters, queue
from ganeti.jqueue import store as queue_store
from ganeti.locking import manager
from ganeti.luxi import server as luxi_server
from ganeti.masterd import context, hooks, luxi
from ganeti.rpc import runner
from ganeti.utils import io, net

STOP_SECONDS: Final = 60.0
"""How long a clean stop waits for running jobs."""

SYNC_SECONDS: Final = 5.0
"""How long a start waits until the candidates have the queue."""

ANSWER_SECONDS: Final = 10.0
"""A candidate that takes longer to store jobs is no longer waited for."""


def load_config() -> store.ConfigStore:
    """The configuration of this node; a damaged one is refused with a word on better copies."""
    try:
        return store.ConfigStore.load()
    except errors.ConfigVersionMismatch as err:
        raise errors.ConfigurationError(
            f"{files.default_path()}: {errors.text(err)}. {newest_copy()}") from err
    except errors.ConfigurationError as err:
        raise errors.ConfigurationError(f"{errors.text(err)}. {newest_copy()}") from err


def newest_copy() -> str:
    """Which master candidate has the newest good copy, as its confd tells."""
    try:
        values = ssconf.SimpleStore()
        names = {ip: name for name, ip in values.primary_ips().items()}
        me = net.hostname()
        peers = [ip for ip in values.lines(constants.SS_MASTER_CANDIDATES_IPS)
                 if names.get(ip) != me]
        if not peers:
            return "There is no other master candidate; restore the file from a backup"
        key = io.read_file(pathutils.CONFD_HMAC_KEY)
        answer = confd_client.ConfdClient(key, peers).ask(
            constants.CONFD_REQ_MC_PIP_LIST, timeout=2.0, coverage=len(peers))
    except (errors.GenericError, OSError) as err:
        return f"No other master candidate answers ({errors.text(err)})"
    name = names.get(answer.peer, answer.peer)
    return (f"The newest good copy found is on {name} (serial {answer.reply.serial}); copy its"
            f" {pathutils.logical(pathutils.CLUSTER_CONF_FILE)} here, or make that node the master"
            " with 'gnt-cluster master-failover'")


class Master:
    """The running master daemon."""

    def __init__(self, cfg: store.ConfigStore, rpc: runner.RpcRunner,
                 silent: Collection[str] = ()) -> None:
        self._silent = frozenset(silent)
        self._loop = asyncio.get_running_loop()
        self._lock: io.FileLock | None = None
        self._sockets: list[luxi_server.LuxiServer] = []
        self.cfg = cfg
        self.rpc = rpc
        self.locks = manager.LockManager()
        self.ctx = context.MasterContext(cfg, rpc, self.locks)
        owner = runtime.owner("gnt-masterd", "gnt-daemons")
        self._store = queue_store.Store(pathutils.QUEUE_DIR, uid=owner.uid, gid=owner.gid)
        self._distribution = distribute.Distribution(
            rpc, files.default_path(), after_write=self._after_write)
        self.ctx.queue = self.queue = queue.Queue(
            self._store, self.locks, mcpu.Processor(self.ctx).execute,
            context.make_seat(self.ctx), lambda op: registry.require(op.OP_ID))

    async def start(self) -> None:
        """Take over the queue, listen, and begin to run jobs."""
        self._lock = _lock_queue()
        self.queue.drained = os.path.exists(pathutils.JOB_QUEUE_DRAIN_FILE)
        self.cfg.start(self._distribution)
        self.cfg.listen(self._apply_config)
        await asyncio.to_thread(self.queue.load)
        self._apply_config(None, self.cfg.snapshot)
        await asyncio.to_thread(self.queue.start)
        await self._sync_candidates()
        self._background(self._after_start)
        handlers = luxi.handlers(self.ctx)
        io.make_dirs(pathutils.SOCKET_DIR, 0o755)
        owner = runtime.owner("gnt-masterd", "gnt-admin")
        for path in (pathutils.QUERY_SOCKET, pathutils.MASTER_SOCKET):
            server = luxi_server.LuxiServer(handlers, allowed_peer)
            await server.start(path, 0o660, owner.uid, owner.gid)
            self._sockets.append(server)
        logging.info("Master daemon of cluster %s serves", self.cfg.snapshot.cluster.cluster_name)

    async def _sync_candidates(self) -> None:
        """Bring the candidates' copies of the queue up to date before jobs are taken."""
        deadline = time.monotonic() + SYNC_SECONDS
        while self._store.lagging().keys() - self._silent and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for uuid, trouble in self._store.lagging().items():
            logging.warning("The job queue's copy on node %s is behind: %s",
                            self.cfg.snapshot.node(uuid).name, trouble)

    def _background(self, function: Any) -> None:
        self._loop.run_in_executor(None, function)

    def _after_start(self) -> None:
        """Tell the nodes what the master knows, and take the cluster's address."""
        try:
            self.cfg.rewrite()
            self._activate_master_ip()
        except errors.GenericError as err:
            logging.error("After the start: %s", errors.text(err))

    def _activate_master_ip(self) -> None:
        config = self.cfg.snapshot
        cluster = config.cluster
        params = {"uuid": cluster.master_node, "ip": cluster.master_ip,
                  "netmask": cluster.master_netmask, "netdev": cluster.master_netdev,
                  "ip_family": cluster.primary_ip_family}
        result = self.rpc.node_activate_master_ip(
            cluster.master_node, params, cluster.use_external_mip_script)
        if result.fail_msg:
            logging.error("The master IP %s can not be activated: %s", cluster.master_ip,
                          result.fail_msg)

    # Following the configuration.

    def _apply_config(self, old: objects.ConfigData | None, new: objects.ConfigData) -> None:
        """Hand what concerns the queue to the queue."""
        cluster = new.cluster
        if old is None or (old.cluster.max_running_jobs, old.cluster.max_tracked_jobs) != (
                cluster.max_running_jobs, cluster.max_tracked_jobs):
            self.queue.set_limits(cluster.max_running_jobs, cluster.max_tracked_jobs)
        if old is None or old.filters is not new.filters:
            self.queue.set_filters(filters.RuleSet(new.filters.values()))
        if old is None or old.nodes is not new.nodes:
            self._store.set_candidates(
                [node.uuid for node in new.master_candidates()
                 if node.uuid != cluster.master_node and not node.offline],
                self._send_jobs, self._loop, self.queue.everything)

    async def _send_jobs(self, uuid: str, changes: list[list[str]]) -> str:
        if uuid not in self.cfg.snapshot.nodes:
            return "The node is not part of the cluster any more"
        result = (await self.rpc.aio.multi_within(
            ANSWER_SECONDS, [uuid], "jobqueue_apply", changes))[uuid]
        return str(result.fail_msg)

    def _after_write(self, config: objects.ConfigData) -> None:
        """The configuration was written: its hooks, where there are any."""
        directory = f"{pathutils.HOOKS_BASE_DIR}/{constants.HOOKS_NAME_CFGUPDATE}-post.d"
        if os.path.isdir(directory):
            self._background(lambda: hooks.run_config_update(self.rpc, config))

    # The end.

    async def stop(self) -> bool:
        """Take no more requests, wait for running jobs, write everything; whether all ended."""
        logging.info("Stopping; %d jobs are under way", len(self.queue.running_ids))
        clean = await asyncio.to_thread(self.queue.stop, STOP_SECONDS)
        if not clean:
            logging.error("Jobs %s did not end within %d s and are abandoned",
                          self.queue.running_ids, STOP_SECONDS)
        for server in self._sockets:
            await server.stop()
        self._distribution.stop()
        await asyncio.to_thread(self.cfg.stop)
        await self.rpc.aclose()
        if self._lock is not None:
            self._lock.release()
        return clean


def _lock_queue() -> io.FileLock:
    """The one master daemon of this node holds the queue."""
    owner = runtime.owner("gnt-masterd", "gnt-daemons")
    io.make_dirs(pathutils.JOB_QUEUE_ARCHIVE_DIR, 0o750, owner.uid, owner.gid)
    lock = io.lock_file(pathutils.JOB_QUEUE_LOCK_FILE)
    version = pathutils.JOB_QUEUE_VERSION_FILE
    if not os.path.exists(version):
        io.write_file(version, f"{constants.JOB_QUEUE_VERSION}\n", mode=0o640)
    found = io.read_file(version).strip()
    if found != str(constants.JOB_QUEUE_VERSION):
        raise errors.JobQueueError(
            f"{version} says {found[:20]!r}, this program writes version"
            f" {constants.JOB_QUEUE_VERSION}")
    return lock


def allowed_peer(peer: luxi_server.Peer) -> bool:
    """Whether a local process may talk to the master daemon."""
    return runtime.may_command(peer.uid, _groups_of(peer))


def _groups_of(peer: luxi_server.Peer) -> list[int]:
    try:
        return os.getgrouplist(runtime.user_name(peer.uid), peer.gid)
    except (KeyError, OSError):
        return [peer.gid]
