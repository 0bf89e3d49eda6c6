"""What makes a node a master candidate besides the flag: its certificate and its SSH key.

A candidate's client certificate is listed in the cluster object (and so in ssconf on every
node); its SSH key is allowed on every node, if ganeti manages the keys.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.config import draft as drafts
from ganeti.config import nodes as pool


def digest(lu: base.LogicalUnit, node: objects.Node, address: str | None = None) -> str:
    """Digest of a node's client certificate; the node makes one if it has none.

    A node that is not (or only as offline) in the configuration is asked at its address.
    """
    for action in (constants.CRYPTO_ACTION_GET, constants.CRYPTO_ACTION_CREATE):
        request = [[constants.CRYPTO_TYPE_SSL_DIGEST, action, {}]]
        result = lu.rpc.node_crypto_tokens(address or node.uuid, request)
        for kind, token in result.payload or ():
            if kind == constants.CRYPTO_TYPE_SSL_DIGEST and token:
                return str(token)
    raise errors.OpExecError(
        f"Node {node.name} gave no digest of its client certificate"
        f"{': ' + result.fail_msg if result.fail_msg else ''}; see the log of its ganeti-noded")


def list_digest(draft: drafts.Draft, node_uuid: str, value: str | None) -> None:
    """Enter (or with None take out) the certificate of a candidate."""
    listed = dict(draft.cluster.candidate_certs)
    if value is None:
        listed.pop(node_uuid, None)
    else:
        listed[node_uuid] = value
    if listed != draft.cluster.candidate_certs:
        draft.update(draft.cluster, candidate_certs=listed)


def fill_pool(lu: base.LogicalUnit, besides: Collection[str] = ()) -> list[objects.Node]:
    """Promote nodes until the pool is full; returns the promoted ones."""
    chosen = pool.promotions(lu.config, besides)
    digests = {}
    for node in chosen:
        try:
            digests[node.uuid] = digest(lu, node)
        except errors.OpExecError as err:
            lu.feedback.warning(f"Node {node.name} can not be promoted: {err}")
    promoted = [node for node in chosen if node.uuid in digests]
    if not promoted:
        return []
    with lu.cfg.edit(job=lu.job_id) as draft:
        for node in promoted:
            draft.update(node, master_candidate=True)
            list_digest(draft, node.uuid, digests[node.uuid])
    lu.feedback.info("Promoted nodes to master candidate role: "
                     + ", ".join(node.name for node in promoted))
    for node in promoted:
        allow_ssh_key(lu, node)
    return promoted


def demote(lu: base.LogicalUnit, node: objects.Node) -> None:
    """Tell a node that it is no candidate any more, so that it puts its copies aside."""
    if not node.offline:
        failure = lu.rpc.node_demote_from_mc(node.uuid).fail_msg
        if failure:
            lu.feedback.warning(f"Node {node.name} failed to demote itself: {failure}",
                                hint="its copy of the configuration is out of date from now on")
        failure = lu.rpc.jobqueue_purge(node.uuid).fail_msg
        if failure:
            lu.feedback.warning(f"Node {node.name} keeps its copy of the job queue: {failure}")
    withdraw_ssh_key(lu, node)


# SSH keys.

def potential(config: objects.ConfigData) -> list[str]:
    return sorted(node.name for node in config.nodes.values() if node.master_capable)


def allow_ssh_key(lu: base.LogicalUnit, node: objects.Node, *, new: bool = False) -> None:
    """Make a candidate's SSH key known on all nodes; a `new` node also gets the others' keys."""
    config = lu.config
    if not config.cluster.modify_ssh_setup:
        return
    master = config.cluster.master_node
    result = lu.rpc.node_ssh_key_add(
        [master], node.uuid, node.name, potential(config),
        node.master_candidate or not new, node.master_capable, new)[master]
    _warn(lu, node, "adding the SSH key", result)


def withdraw_ssh_key(lu: base.LogicalUnit, node: objects.Node, *, leaving: bool = False,
                     readd: bool = False) -> None:
    """Take the key of a former candidate away; of a `leaving` node from everywhere."""
    config = lu.config
    if not config.cluster.modify_ssh_setup:
        return
    master = config.cluster.master_node
    others = [item.uuid for item in config.master_candidates() if item.uuid != node.uuid]
    result = lu.rpc.node_ssh_key_remove(
        [master], node.uuid, node.name, others, potential(config),
        True, leaving, leaving, leaving, readd)[master]
    _warn(lu, node, "removing the SSH key", result)


def _warn(lu: base.LogicalUnit, node: objects.Node, what: str, result: Any) -> None:
    """SSH keys never decide whether a node may join or leave: tell, and go on."""
    if result.fail_msg:
        lu.feedback.warning(f"{what.capitalize()} of {node.name} failed: {result.fail_msg}",
                            hint="gnt-cluster renew-crypto --new-ssh-keys")
    for where, text in _pairs(result.payload):
        lu.feedback.warning(f"{what.capitalize()} of {node.name} on {where}: {text}",
                            hint="gnt-cluster renew-crypto --new-ssh-keys")


def _pairs(payload: Any) -> Iterable[tuple[str, str]]:
    for item in payload or ():
        if isinstance(item, (list, tuple)) and len(item) == 2:
            yield str(item[0]), str(item[1])
        else:
            logging.warning("Answer about SSH keys has an unknown form: %r", item)
