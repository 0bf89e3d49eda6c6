"""Which node lets whose SSH keys in.

Every node lets the master candidates' keys in; nodes that may become master also list the
public keys of all such nodes, so that they can hand them on. The master carries changes out:
on itself directly, on others by their `ssh-update`.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent import futures
from typing import Any

from ganeti import constants, errors, pathutils, serializer, ssconf
from ganeti.utils import io, net, retry, ssh, sshkeys, x509

#: Connections at a time.
PARALLEL = 16
UPDATE_TIMEOUT = 120.0
#: For the ssconf files to know a node that has only just joined.
NEW_NODE_TIMEOUT = 10.0

Failures = list[list[str]]
Keys = Mapping[str, Iterable[str]]


# -- what one node does --------------------------------------------------------------------------

def _update_public(action: str, keys: Keys) -> None:
    listed = sshkeys.PublicKeys()
    if action == constants.SSHS_ADD:
        listed.add(keys)
    elif action == constants.SSHS_REPLACE_OR_ADD:
        listed.replace(keys)
    elif action == constants.SSHS_OVERRIDE:
        listed.override(keys)
    elif action == constants.SSHS_REMOVE:
        listed.remove(keys)
    elif action == constants.SSHS_CLEAR:
        listed.clear()
    else:
        raise errors.ParameterError(f"Unknown way to change the public keys: {action!r}")


def _update_authorized(action: str, keys: Keys) -> None:
    lines = [key for own in keys.values() for key in own]
    path = sshkeys.authorized_keys_file()
    if action in (constants.SSHS_ADD, constants.SSHS_REPLACE_OR_ADD):
        sshkeys.add_authorized(path, lines)
    elif action == constants.SSHS_REMOVE:
        sshkeys.remove_authorized(path, lines)
    elif action == constants.SSHS_OVERRIDE:
        former = [key for own in sshkeys.PublicKeys().read().values() for key in own]
        sshkeys.remove_authorized(path, [key for key in former if key not in lines])
        sshkeys.add_authorized(path, lines)
    else:
        raise errors.ParameterError(f"Unknown way to change the authorized keys: {action!r}")


def apply_update(data: Mapping[str, Any]) -> str | None:
    """Carry out one change of keys on this node; the new public key if one was made."""
    if data.get("authorized_keys"):
        _update_authorized(*data["authorized_keys"])
    if data.get("public_keys"):
        _update_public(*data["public_keys"])
    if not data.get("generate"):
        return None
    key_type, bits, suffix = data["generate"]
    private_file, _public_file = sshkeys.user_key_files(key_type)
    private, public = sshkeys.generate(key_type, bits,
                                       f"{constants.SSH_LOGIN_USER}@{net.hostname()}")
    sshkeys.write_pair(f"{private_file}{suffix}", private, public, backup=not suffix)
    return public


# -- what the master does ------------------------------------------------------------------------

def _envelope(change: Mapping[str, Any]) -> str:
    certificate = x509.cert_part(io.read_bytes(pathutils.NODED_CERT_FILE)).decode("ascii")
    return serializer.dumps({"cluster_name": ssconf.SimpleStore().cluster_name(),
                             "node_daemon_certificate": certificate, **change})


def _update_node(name: str, change: Mapping[str, Any]) -> str | None:
    """Carry out a change on one node, this or another; the new public key if one was made."""
    if name == net.hostname():
        return apply_update(change)
    text = _envelope(change)

    for attempt in range(1, constants.SSHS_MAX_RETRIES + 1):
        try:
            result = ssh.run(name, [pathutils.SSH_UPDATE], input=text, timeout=UPDATE_TIMEOUT)
            break
        except ssh.SshError as err:
            if attempt == constants.SSHS_MAX_RETRIES:
                raise
            logging.warning("Trying again to change SSH keys on %s: %s", name, err)
            time.sleep(attempt)
    if result.failed:
        raise errors.OpExecError(f"ssh-update failed ({result.fail_reason}): "
                                 f"{result.stderr.strip() or result.stdout.strip()}")
    answer = serializer.load(result.stdout or "{}", "The answer of ssh-update")
    return answer.get("public_key") if isinstance(answer, dict) else None


def _update_nodes(changes: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], Failures]:
    """Carry out changes on many nodes at once: results by node, and what failed where."""
    results: dict[str, Any] = {}
    failures: Failures = []
    with futures.ThreadPoolExecutor(PARALLEL, thread_name_prefix="ssh") as pool:
        pending = {name: pool.submit(_update_node, name, change)
                   for name, change in changes.items() if change}
        for name, future in pending.items():
            try:
                results[name] = future.result()
            except (errors.GenericError, OSError) as err:
                logging.error("Changing SSH keys on %s failed: %s", name, errors.text(err))
                failures.append([name, errors.text(err)])
    return results, failures


def _online(also: str | None = None) -> list[str]:
    """The nodes to reach, when need be after the configuration has told ssconf of a new one."""
    store = ssconf.SimpleStore()
    if also is not None and not retry.wait_until(lambda: also in store.primary_ips(),
                                                 NEW_NODE_TIMEOUT):
        raise errors.OpExecError(f"Node {also} is not in the ssconf files of this node")
    return store.online_nodes()


def node_ssh_key_add(node_uuid: str, node_name: str, potential_master_candidates: Sequence[str],
                     to_authorized_keys: bool, to_public_keys: bool, get_public_keys: bool
                     ) -> Failures:
    """Let a node's key in everywhere, list it, and give the list to the node itself."""
    listed = sshkeys.PublicKeys()
    listed.rename(node_name, node_uuid)
    keys = listed.read([node_uuid])
    if not keys:
        raise errors.OpExecError(
            f"The public key of {node_name} is not in {listed.path}; "
            "'gnt-cluster renew-crypto --new-ssh-keys' makes all keys anew")
    changes: dict[str, dict[str, Any]] = {}
    for name in _online(node_name):
        change = changes[name] = {}
        if to_authorized_keys:
            change["authorized_keys"] = [constants.SSHS_ADD, keys]
        if name == node_name and get_public_keys:
            change["public_keys"] = [constants.SSHS_OVERRIDE, listed.read()]
        elif to_public_keys and name in potential_master_candidates:
            change["public_keys"] = [constants.SSHS_REPLACE_OR_ADD, keys]
    return _update_nodes(changes)[1]


def _own_keys(listed: Mapping[str, list[str]], node_uuid: str) -> dict[str, list[str]]:
    """Keys that are a node's alone: one that nodes share must not go with the first of them."""
    shared = {sshkeys.identity(key) for uuid, keys in listed.items() if uuid != node_uuid
              for key in keys}
    own = [key for key in listed.get(node_uuid, ()) if sshkeys.identity(key) not in shared]
    return {node_uuid: own} if node_uuid in listed else {}


def node_ssh_key_remove(node_uuid: str, node_name: str, master_candidate_uuids: Sequence[str],
                        potential_master_candidates: Sequence[str], from_authorized_keys: bool,
                        from_public_keys: bool, clear_authorized_keys: bool,
                        clear_public_keys: bool, readd: bool) -> Failures:
    """Take a node's key away everywhere, and the cluster's keys from the node."""
    listed = sshkeys.PublicKeys()
    keys = _own_keys(listed.read(), node_uuid)
    mine = {sshkeys.identity(key) for key in listed.read().get(node_uuid, ())}
    foreign = {uuid: [key for key in own if sshkeys.identity(key) not in mine]
               for uuid, own in listed.read(master_candidate_uuids).items()}
    changes: dict[str, dict[str, Any]] = {}
    for name in _online():
        change = changes[name] = {}
        if name == node_name:
            if clear_authorized_keys and not readd:
                change["authorized_keys"] = [constants.SSHS_REMOVE, foreign]
            if clear_public_keys and not readd:
                change["public_keys"] = [constants.SSHS_CLEAR, {}]
            continue
        if from_authorized_keys and keys and node_uuid not in master_candidate_uuids:
            change["authorized_keys"] = [constants.SSHS_REMOVE, keys]
        if from_public_keys and keys and name in potential_master_candidates:
            change["public_keys"] = [constants.SSHS_REMOVE, keys]
    failures = _update_nodes(changes)[1]
    if from_public_keys and keys:
        listed.remove([node_uuid])
    return failures


def node_ssh_keys_renew(node_uuids: Sequence[str], node_names: Sequence[str],
                        master_candidate_uuids: Sequence[str],
                        potential_master_candidates: Sequence[str], old_key_type: str,
                        new_key_type: str, new_key_bits: int) -> Failures:
    """New key pairs for all nodes.

    The master works with its old key until every node has taken the new ones, so that a failure
    in between leaves no node out of reach.
    """
    own = net.hostname()
    uuids = dict(zip(node_names, node_uuids, strict=True))
    former = sshkeys.PublicKeys().read()
    suffix = ".new"
    made, failures = _update_nodes({
        name: {"generate": [new_key_type, new_key_bits, suffix if name == own else ""]}
        for name in uuids})
    fresh = {uuids[name]: [key] for name, key in made.items() if key}
    current = {**former, **fresh}
    wanted = {uuid: keys for uuid, keys in current.items() if uuid in master_candidate_uuids}
    changes: dict[str, dict[str, Any]] = {name: {
        "authorized_keys": [constants.SSHS_ADD, wanted]} for name in made}
    for name in potential_master_candidates:
        if name in changes:
            changes[name]["public_keys"] = [constants.SSHS_OVERRIDE, current]
    failures += _update_nodes(changes)[1]
    if own in made:
        _use_new_key(new_key_type, suffix)
    kept = {sshkeys.identity(key) for keys in current.values() for key in keys}
    gone = {uuid: [key for key in keys if sshkeys.identity(key) not in kept]
            for uuid, keys in former.items() if uuid in fresh}
    failures += _update_nodes({name: {"authorized_keys": [constants.SSHS_REMOVE, gone]}
                               for name in made})[1]
    if old_key_type != new_key_type and own in made:
        for path in sshkeys.user_key_files(old_key_type):
            io.remove_file(path)
    return failures


def _use_new_key(key_type: str, suffix: str) -> None:
    private_file, public_file = sshkeys.user_key_files(key_type)
    for path in (private_file, public_file):
        io.create_backup(path)
    os.rename(f"{private_file}{suffix}.pub", public_file)
    os.rename(f"{private_file}{suffix}", private_file)
