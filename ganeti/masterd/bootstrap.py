"""The birth and the end of a cluster: what no job can do, since no master daemon runs yet or
any more. Joining further machines is in `masterd.joining`, the first configuration is made in
`masterd.newcluster`.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from ganeti import constants, errors, objects, opcodes, pathutils, runtime, ssconf, undo
from ganeti.config import distribute, files
from ganeti.luxi import client as luxi
from ganeti.masterd import credentials, newcluster
from ganeti.masterd.joining import NodeJoin, setup_node
from ganeti.masterd.newcluster import Wishes
from ganeti.rpc import runner
from ganeti.utils import io, net, process, retry

__all__ = ["NodeJoin", "Wishes", "finish_destroy", "init_cluster", "setup_node"]

DAEMON_TIMEOUT = 120.0
NODED_TIMEOUT = 30.0
MASTERD_TIMEOUT = 60.0
POST_INIT_TIMEOUT = 300.0


def _daemon_util(*args: str) -> None:
    process.run([pathutils.DAEMON_UTIL, *args], timeout=DAEMON_TIMEOUT).require_success(
        f"daemon-util {' '.join(args)}")


# -- birth -------------------------------------------------------------------------------------

def _require_virgin() -> None:
    for path in (pathutils.CLUSTER_CONF_FILE, pathutils.ssconf_file(constants.SS_CLUSTER_NAME)):
        if os.path.exists(path):
            raise errors.OpPrereqError(
                f"This machine is part of a cluster already ({path} exists); 'gnt-cluster "
                "destroy' ends it, 'node-cleanup' takes a machine out of one that is gone",
                errors.ECODE_EXISTS)


def _make_directories(config: objects.ConfigData) -> None:
    cluster = config.cluster
    owner = runtime.owner("gnt-masterd", "gnt-daemons")
    for path, mode in ((pathutils.DATA_DIR, 0o755), (pathutils.RUN_DIR, 0o755),
                       (pathutils.SOCKET_DIR, 0o755), (pathutils.LOG_DIR, 0o755),
                       (pathutils.LOCK_DIR, 0o755), (pathutils.CONF_DIR, 0o755),
                       (pathutils.RAPI_DATA_DIR, 0o755), (pathutils.CRYPTO_KEYS_DIR, 0o700)):
        if not os.path.isdir(path):
            io.make_dirs(path, mode)
    for path in (pathutils.QUEUE_DIR, pathutils.JOB_QUEUE_ARCHIVE_DIR):
        io.make_dirs(path, 0o750, owner.uid, owner.gid)
    for directory in (cluster.file_storage_dir, cluster.shared_file_storage_dir):
        if directory and not os.path.isdir(pathutils.local(directory)):
            io.make_dirs(pathutils.local(directory), 0o750)


def _allow_file_storage(config: objects.ConfigData) -> None:
    """Allow the storage directories on this node, unless the administrator has made a list."""
    if os.path.exists(pathutils.FILE_STORAGE_PATHS_FILE):
        return
    paths = [path for path in (config.cluster.file_storage_dir,
                               config.cluster.shared_file_storage_dir) if path]
    io.write_file(pathutils.FILE_STORAGE_PATHS_FILE,
                  "# Directories below which file based disks may lie, one a line\n"
                  + "".join(f"{path}\n" for path in paths), mode=0o644)


def _write_queue(steps: undo.Undo) -> None:
    owner = runtime.owner("gnt-masterd", "gnt-daemons")
    for path, text in ((pathutils.JOB_QUEUE_VERSION_FILE, f"{constants.JOB_QUEUE_VERSION}\n"),
                       (pathutils.JOB_QUEUE_SERIAL_FILE, "0\n")):
        io.write_file(path, text, mode=0o640, uid=owner.uid, gid=owner.gid)
        steps.push(f"remove {path}", io.remove_file, path)


def _write_config(config: objects.ConfigData, steps: undo.Undo) -> None:
    files.write(pathutils.CLUSTER_CONF_FILE, config.encode())
    steps.push("remove the configuration", io.remove_file, pathutils.CLUSTER_CONF_FILE)
    store = ssconf.SimpleStore()
    steps.push("remove the ssconf files", _remove_ssconf)
    store.write(distribute.ssconf_values(config))


def _remove_ssconf() -> None:
    for key in constants.ss_keys():
        io.remove_file(pathutils.ssconf_file(key))


def _enter_host(addresses: newcluster.Addresses, steps: undo.Undo) -> None:
    """Let this node know itself, whatever happens to DNS."""
    from ganeti.backend import files as node_files
    before = io.read_bytes(pathutils.ETC_HOSTS) if os.path.exists(pathutils.ETC_HOSTS) else b""
    node_files.etc_hosts_modify(constants.ETC_HOSTS_ADD, addresses.node_name,
                                addresses.primary_ip)
    after = io.read_bytes(pathutils.ETC_HOSTS)
    if after != before:
        steps.push("take this node out of the hosts file", node_files.etc_hosts_modify,
                   constants.ETC_HOSTS_REMOVE, addresses.node_name, None)


def _start_node_daemon(config: objects.ConfigData, steps: undo.Undo) -> None:
    """Start the node daemon, and check by it what only a node can tell."""
    node = config.master_node
    steps.push("stop all daemons", _daemon_util, "stop-all")
    _daemon_util("start", constants.NODED)
    with runner.RpcRunner.bootstrap({node.name: node.primary_ip}) as rpc:
        result = None

        def answers() -> bool:
            nonlocal result
            result = rpc.version([node.name])[node.name]
            return not result.fail_msg

        if not retry.wait_until(answers, NODED_TIMEOUT, 0.1):
            raise errors.OpExecError(f"The node daemon does not answer: "
                                     f"{result.fail_msg if result else 'no call was made'}")
        group = config.cluster.volume_group_name
        if group:
            groups = rpc.vg_list([node.name])[node.name].raise_if_failed(
                "Cannot list volume groups", prereq=True)
            if group not in groups:
                raise errors.OpPrereqError(
                    f"The volume group '{group}' is not on this machine; make it with vgcreate, "
                    "name another (--vg-name), or enable other disk templates only",
                    errors.ECODE_ENVIRON)
            if groups[group] < constants.MIN_VG_SIZE:
                raise errors.OpPrereqError(
                    f"The volume group '{group}' of this machine has {groups[group]:.0f} MiB, at"
                    f" least {constants.MIN_VG_SIZE} MiB are needed", errors.ECODE_ENVIRON)
        _check_helper(rpc, node.name, config.cluster.drbd_usermode_helper)


def _check_helper(rpc: runner.RpcRunner, name: str, wanted: str | None) -> None:
    """DRBD has to be there where it is wanted, and to call what the cluster says."""
    if not wanted:
        return
    helper = rpc.drbd_helper([name])[name].raise_if_failed(
        "Can not check the DRBD helper (enable other disk templates only, if mirrored disks are"
        " not wanted)", prereq=True, ecode=errors.ECODE_ENVIRON)
    if helper != wanted:
        raise errors.OpPrereqError(
            f"The DRBD module of this machine calls {helper}, not {wanted}; load it with"
            f" usermode_helper={wanted}, or give --drbd-usermode-helper={helper}",
            errors.ECODE_ENVIRON)


def _start_master_daemons(feedback: undo.Feedback) -> None:
    _daemon_util("start", constants.MASTERD)
    last = ""

    def answers() -> bool:
        nonlocal last
        try:
            with luxi.Client(connect_timeout=1.0, is_master=lambda: False) as client:
                client.query_config_values(["cluster_name"])
            return True
        except errors.LuxiError as err:
            last = errors.text(err)
            return False

    if not retry.wait_until(answers, MASTERD_TIMEOUT, 0.1):
        raise errors.OpExecError(f"The master daemon does not answer: {last}")
    for daemon in (constants.CONFD, constants.RAPI):
        try:
            _daemon_util("start", daemon)
        except errors.CommandError as err:
            feedback(f"Warning: {daemon} did not start: {errors.text(err)}")


def _run_post_init() -> None:
    """The last step is a job, with its hooks."""
    fields = ["status", "opresult"]
    with luxi.Client() as client:
        job_id = client.submit_job([opcodes.OpClusterPostInit()])
        deadline = time.monotonic() + POST_INIT_TIMEOUT
        row: Any = None
        while time.monotonic() < deadline:
            row, _entries = client.wait_for_job_change_once(job_id, fields, row, None)
            if row and row[0] in constants.JOBS_FINALIZED:
                break
        else:
            raise errors.OpExecError(f"Job {job_id} (the last step) does not end")
    if row[0] != constants.JOB_STATUS_SUCCESS:
        reason = errors.text(errors.decode(row[1][0])) if row[1] else row[0]
        raise errors.OpExecError(f"The last step of the initialisation failed: {reason}")


def init_cluster(wishes: Wishes, feedback: undo.Feedback = logging.info) -> objects.ConfigData:
    """Make this machine the first node and master of a new cluster.

    Whatever fails is taken back: the machine is as before, apart from backups of files.
    """
    _require_virgin()
    addresses = newcluster.find_addresses(wishes)
    host_key = credentials.host_key() if wishes.modify_ssh_setup else ""
    config = newcluster.make_config(wishes, addresses, host_key)
    with undo.Undo(feedback) as steps:
        _make_directories(config)
        _allow_file_storage(config)
        digest = credentials.make_certificates(addresses.node_name, steps)
        node = config.master_node
        config = config.with_changes([config.cluster.replace(candidate_certs={node.uuid: digest})])
        if wishes.modify_ssh_setup:
            credentials.set_up_ssh(node.uuid, config.cluster.ssh_key_type,
                                   config.cluster.ssh_key_bits, steps)
        credentials.write_known_hosts(config.cluster, steps)
        if wishes.modify_etc_hosts:
            _enter_host(addresses, steps)
        _write_queue(steps)
        _write_config(config, steps)
        _start_node_daemon(config, steps)
        _start_master_daemons(feedback)
        _run_post_init()
        steps.forget()
    logging.info("Cluster %s was initialised", config.cluster.cluster_name)
    return config


# -- end ---------------------------------------------------------------------------------------

def finish_destroy(feedback: undo.Feedback = logging.info) -> None:
    """After OP_CLUSTER_DESTROY: stop the daemons, and remove the cluster from its last node."""
    store = ssconf.SimpleStore()
    name = store.master_node()
    address = store.primary_ips().get(name) or net.resolve(name)
    cluster = files.read(pathutils.CLUSTER_CONF_FILE).cluster
    with runner.RpcRunner.bootstrap({name: address}) as rpc:
        failure = rpc.node_stop_master(name).fail_msg
        if failure:
            feedback(f"Warning: the master daemons did not stop: {failure}")
        failure = rpc.node_leave_cluster(name, cluster.modify_ssh_setup).fail_msg
        if failure:
            feedback(f"Warning: the node daemon did not remove its files: {failure}")
    _daemon_util("stop-all")
    if cluster.modify_etc_hosts:
        from ganeti.backend import files as node_files
        node_files.etc_hosts_modify(constants.ETC_HOSTS_REMOVE, name, None)
    from ganeti.backend import node
    node.clean_data_directory()
    logging.info("The cluster is gone from this machine")

