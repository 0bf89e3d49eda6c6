"""Making this master candidate the master: ``gnt-cluster master-failover``.

Runs on the node that becomes the master, without a master daemon. What the nodes say about who
is the master decides whether it may be done; see ``voting``.
"""

from __future__ import annotations

import collections
import concurrent.futures
from collections.abc import Collection, Mapping
from typing import Final

from ganeti import constants, errors, objects, ssconf, undo
from ganeti.cmdlib.cluster import master_ip
from ganeti.config import distribute, files, store
from ganeti.masterd import freshness
from ganeti.rpc import result as rpc_result
from ganeti.rpc import runner
from ganeti.utils import journal, net, retry

IP_SECONDS: Final = 30.0
"""How long the cluster's address may take to disappear from the old master."""


def fail_over(feedback: undo.Feedback, *, no_voting: bool = False, ignore_offline: bool = True,
              accept_older_data: bool = False) -> None:
    """Take the master role and start the master daemons here."""
    path = files.default_path()
    config = files.read(path, keep_old=True)
    me = require_candidate(config)
    old = config.cluster.master_node
    with runner.RpcRunner.bootstrap(config=lambda: config) as rpc, \
            concurrent.futures.ThreadPoolExecutor(2, "failover") as pool:
        # a dead node costs a time-out: everybody is asked for everything at the same time
        asked = pool.submit(_versions, rpc, freshness.nodes_to_ask(config, me.name))
        if no_voting:
            feedback("Going on without the votes of the other nodes, as told")
        else:
            require_agreement(rpc, config, me, ignore_offline)
        answers = asked.result()
        highest = require_newest(config, answers, feedback, accept_older_data)
        silent = {uuid for uuid, answer in answers.items() if answer.fail_msg}
        stopped = pool.submit(stop_old_master, rpc, config, feedback)
        if old not in silent:
            stopped.result()
            # What the old master did until it stopped counts as well.
            config = files.read(path)
            highest = require_newest(config, _versions(rpc, set(answers) - silent), _quiet,
                                     accept_older_data)
        take_over(rpc, path, me, feedback, highest, silent)
        result = rpc.node_start_master_daemons(me.uuid, no_voting)
        result.raise_if_failed(f"The master daemons on {me.name} can not be started")
        stopped.result()
    feedback(f"{me.name} is the master now")


def _versions(rpc: runner.RpcRunner, uuids: Collection[str]) -> dict[str, rpc_result.RpcResult]:
    """What the candidates have."""
    return rpc.multi_within(freshness.ANSWER_SECONDS, uuids, freshness.CALL)


def require_candidate(config: objects.ConfigData) -> objects.Node:
    """This node, if it may become the master."""
    name = net.hostname()
    old = ssconf.SimpleStore().master_node()
    if old == name:
        raise errors.OpPrereqError(
            f"{name} is the master already; fail-over is started on the node that shall become"
            " the master", errors.ECODE_INVAL)
    me = config.node_by_name(name)
    if me is None or not me.master_candidate:
        names = ", ".join(sorted(node.name for node in config.master_candidates()))
        raise errors.OpPrereqError(
            f"{name} is not a master candidate; candidates are {names}", errors.ECODE_STATE)
    return me


def require_agreement(rpc: runner.RpcRunner, config: objects.ConfigData,
                      me: objects.Node, ignore_offline: bool = True) -> None:
    """Refuse unless most nodes agree on who is the master that is to be replaced.

    Nodes that are marked offline have no vote; without ``ignore_offline`` they count as silent.
    """
    old = config.master_node_name
    others = [node.uuid for node in config.nodes.values()
              if node.uuid not in (me.uuid, config.cluster.master_node)
              and not (node.offline and ignore_offline)]
    votes = collections.Counter({old: 1})
    for result in rpc.multi_within(10.0, others, "master_node_name").values():
        if not result.fail_msg:
            votes[str(result.payload)] += 1
    total = len(others) + 1
    if 2 * votes[old] <= total:
        shown = ", ".join(f"{count} for {name}" for name, count in sorted(votes.items()))
        raise errors.OpPrereqError(
            f"Only {votes[old]} of {total} nodes confirm that {old} is the master ({shown});"
            " start the node daemons of the others, or use --no-voting if they are lost",
            errors.ECODE_ENVIRON)


def require_newest(config: objects.ConfigData, answers: Mapping[str, rpc_result.RpcResult],
                   feedback: undo.Feedback, accept_older_data: bool) -> freshness.State:
    """Refuse to roll the cluster back to older data; gives the newest numbers found."""
    found = freshness.judge(config, answers)
    for name, trouble in sorted(found.silent.items()):
        feedback(f"Warning: whether {name} has newer data is not known ({trouble})")
    if not found.newer:
        return found.highest
    if not accept_older_data:
        raise errors.OpPrereqError(
            f"This node's data are older than those of others: here is {found.mine.describe()},"
            f" but {found.describe_newer()}. Run the fail-over there, or use --accept-older-data"
            " if what is missing here may be lost", errors.ECODE_STATE)
    feedback(f"Warning: newer data are given up, as told: {found.describe_newer()}, here is"
             f" {found.mine.describe()}")
    return found.highest


def _quiet(_text: str) -> None:
    """For what was told already."""


def stop_old_master(rpc: runner.RpcRunner, config: objects.ConfigData,
                    feedback: undo.Feedback) -> None:
    """Stop the daemons of the old master and see that the cluster's address is gone."""
    cluster = config.cluster
    old = cluster.master_node
    with concurrent.futures.ThreadPoolExecutor(1, "release-ip") as pool:
        releasing = pool.submit(
            rpc.multi_within, 30.0, [old], "node_deactivate_master_ip",
            master_ip.master_params(config), cluster.use_external_mip_script)
        result = rpc.multi_within(60.0, [old], "node_stop_master")[old]
        released = releasing.result()[old]
    if released.fail_msg and not released.offline:
        feedback(f"Warning: {config.master_node_name} could not give up the master IP"
                 f" ({released.fail_msg})")
    if result.fail_msg:
        feedback(f"Warning: the master role of {config.master_node_name} could not be taken"
                 f" away ({result.fail_msg}); make sure that it is down, or stop its master"
                 " daemon by hand")
    else:
        address = cluster.master_ip
        port = net.daemon_port(constants.NODED)
        shared = any(node.primary_ip == address for node in config.nodes.values())
        if not shared and not _disappears(address, port):
            feedback(f"Warning: the master IP {address} still answers after {IP_SECONDS:.0f} s")


def _disappears(address: str, port: int) -> bool:
    """Whether nobody serves node calls at the cluster's address any more."""
    return retry.wait_until(
        lambda: not net.tcp_ping(address, port, timeout=2.0, live_port_needed=True),
        IP_SECONDS, 0.5)


def take_over(rpc: runner.RpcRunner, path: str, me: objects.Node, feedback: undo.Feedback,
              highest: freshness.State | None = None, silent: Collection[str] = ()) -> None:
    """Write down here and on all reachable nodes that this node is the master.

    Nodes that were silent a moment ago are not waited for; the new master daemon tries them again.

    Serial numbers and job ids go on from the highest that any candidate has, even if this node
    never had them: no number stands for two things.
    """
    config = files.read(path)
    if highest is not None:
        config = config.with_changes(serial_no=max(config.serial_no, highest.config))
        text = f"{highest.queue}\n"
        rpc.multi_within(30.0, [me.uuid], "jobqueue_apply", [[journal.WRITE, "serial", text]])[
            me.uuid].raise_if_failed("The job queue of this node can not be written")
    cfg = store.ConfigStore(config, path)
    distribution = distribute.Distribution(rpc, path)
    distribution.leave_out(silent)
    cfg.start(distribution)
    try:
        with cfg.edit() as draft:
            draft.update(draft.cluster, master_node=me.uuid)
        cfg.wait_durable()
    finally:
        distribution.stop()
        cfg.stop()
    for uuid, trouble in distribution.behind.items():
        feedback(f"Warning: node {cfg.snapshot.node(uuid).name} does not know yet: {trouble}")
