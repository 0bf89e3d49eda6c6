"""Answers to those questions of cluster verify that look at other nodes and at certificates.

The other questions are in :mod:`ganeti.backend.verify`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent import futures
from typing import Any

from ganeti import constants, errors, pathutils
from ganeti.utils import io, net, ssh, sshkeys, x509

#: Connections that one node opens at a time
PARALLEL = 16
#: Seconds that another node may take to accept a connection
CONNECT_TIMEOUT = 10.0
SSH_TIMEOUT = 20.0

Failures = dict[str, str]


def _failures(names: Iterable[str], check: Callable[[str], str | None]) -> Failures:
    """Run a check for many nodes at once; those that failed with the text."""
    with futures.ThreadPoolExecutor(PARALLEL, thread_name_prefix="verify") as pool:
        results = {name: pool.submit(check, name) for name in names}
        return {name: text for name, result in results.items()
                if (text := result.result()) is not None}


# Certificates --------------------------------------------------------------------------------

def client_cert() -> list[str | None]:
    """[severity or None, digest or what is wrong] of this node's client certificate."""
    path = pathutils.NODED_CLIENT_CERT_FILE
    try:
        cert = x509.load_file(path)
        severity, text = x509.verify(cert)
        if severity is None and not x509.is_signed_by(
                cert, x509.load_file(pathutils.NODED_CERT_FILE)):
            severity, text = constants.CV_ERROR, "is not signed by the cluster's certificate"
        if severity is not None:
            return [severity, f"{path} {text}"]
        return [None, x509.file_digest(path)]
    except errors.X509CertError as err:
        return [constants.CV_ERROR, ": ".join(map(str, err.args))]


# Network -------------------------------------------------------------------------------------

def net_test(nodes: Sequence[Sequence[str]], own_name: str) -> Failures:
    """Which nodes do not answer at their addresses, asked from this node's addresses."""
    by_name = {name: (primary, secondary) for name, primary, secondary in nodes}
    if own_name not in by_name:
        return {own_name: "this node is not in the list of nodes to test"}
    own_primary, own_secondary = by_name[own_name]
    port = net.daemon_port(constants.NODED)

    def check(name: str) -> str | None:
        primary, secondary = by_name[name]
        silent = []
        if not net.tcp_ping(primary, port, timeout=CONNECT_TIMEOUT, source=own_primary,
                            live_port_needed=False):
            silent.append(f"primary address {primary}")
        if secondary != primary and not net.tcp_ping(
                secondary, port, timeout=CONNECT_TIMEOUT, source=own_secondary,
                live_port_needed=False):
            silent.append(f"secondary address {secondary}")
        return f"no answer from {' and '.join(silent)}" if silent else None

    return _failures(by_name, check)


def master_ip(value: Sequence[str], own_name: str) -> bool:
    """Whether the master holds the master IP address, or another node reaches it."""
    master_name, address = value
    if own_name == master_name:
        return net.is_own_address(address)
    return net.tcp_ping(address, net.daemon_port(constants.NODED), timeout=CONNECT_TIMEOUT)


def missing_bridges(names: Sequence[str]) -> list[str]:
    """Those of the bridges that this node lacks."""
    return [name for name in names if not net.is_bridge(name)]


# SSH -----------------------------------------------------------------------------------------

#: What tells a machine's name, on a virtual node too
ASK_NAME = 'if test -n "$GANETI_HOSTNAME"; then echo "$GANETI_HOSTNAME"; else hostname --fqdn; fi'


def node_list(value: Sequence[Any], own_name: str, cluster_name: str) -> Failures:
    """Which nodes can not be reached by SSH, or say that they are others."""
    nodes, by_node, candidates = value
    if own_name not in candidates:
        return {}

    def check(name: str) -> str | None:
        try:
            with ssh.node_session(name, cluster_name,
                                  port=ssh.node_port(name)) as session:
                result = session.run(ASK_NAME, timeout=SSH_TIMEOUT).require_success()
        except errors.GenericError as err:
            return errors.text(err)
        said = result.stdout.strip()
        if said != name and not name.startswith(f"{said}."):
            return f"the machine there says that its name is '{said}'"
        return None

    return _failures([*nodes, *by_node.get(own_name, ())], check)


def ssh_setup(value: Sequence[Any], own_name: str) -> list[str]:
    """What is wrong with the SSH key files of this node.

    Every node lets the master candidates in, and nobody else of the cluster; nodes that may
    become master know the public keys of all such nodes.
    """
    statuses, key_type = value
    names = {uuid: name for uuid, name, *_ in statuses}
    candidates = {uuid for uuid, _, candidate, _, _ in statuses if candidate}
    potential = {uuid for uuid, _, _, capable, _ in statuses if capable}
    own = next((uuid for uuid, name in names.items() if name == own_name), None)
    if own is None:
        return [f"this node ({own_name}) is not in the list of the cluster's nodes"]
    if own not in potential:
        return []
    listed = sshkeys.PublicKeys().read()
    problems = [f"{pathutils.SSH_PUB_KEYS} lacks the key of node {names[uuid]}"
                for uuid in sorted(potential - listed.keys())]
    problems += [f"{pathutils.SSH_PUB_KEYS} has a key of {names.get(uuid, uuid)}, which can not"
                 " become master" for uuid in sorted(listed.keys() - potential)]
    return problems + _own_key_problems(listed.get(own, ()), key_type) + _authorized_problems(
        listed, candidates, own, names)


def _own_key_problems(listed: Iterable[str], key_type: str) -> list[str]:
    _, public_file = sshkeys.user_key_files(key_type)
    try:
        own_key = sshkeys.identity(io.read_first_line(public_file))
    except OSError as err:
        return [f"can not read this node's public key {public_file}: {err.strerror}"]
    if own_key not in {sshkeys.identity(line) for line in listed}:
        return [f"the key in {public_file} is not the one listed for this node in"
                f" {pathutils.SSH_PUB_KEYS}"]
    return []


def _authorized_lines() -> list[str]:
    try:
        return io.read_file(sshkeys.authorized_keys_file()).splitlines()
    except FileNotFoundError:
        return []


def _authorized_problems(listed: Mapping[str, Iterable[str]], candidates: Collection[str],
                         own: str, names: Mapping[str, str]) -> list[str]:
    path = sshkeys.authorized_keys_file()
    authorized = {sshkeys.identity(line) for line in _authorized_lines()}
    # Nodes may share a key (virtual ones do): it stays as long as one of them is a candidate.
    shared = {sshkeys.identity(line) for uuid in candidates for line in listed.get(uuid, ())}
    problems = []
    for uuid, lines in sorted(listed.items()):
        allowed = authorized & {sshkeys.identity(line) for line in lines}
        name = names.get(uuid, uuid)
        if uuid in candidates and not allowed:
            problems.append(f"the key of master candidate {name} is missing in {path}")
        elif uuid not in candidates and uuid != own and allowed - shared:
            problems.append(f"{path} lets {name} in, which is no master candidate")
    return problems


def ssh_clutter(_key_type: str) -> list[str]:
    """Owners with more than one key among those that may log in: old keys that were left."""
    by_owner: dict[str, set[str]] = defaultdict(set)
    for line in _authorized_lines():
        words = line.split()
        if len(words) >= 3 and not line.startswith("#"):
            by_owner[words[-1]].add(sshkeys.identity(line))
    return [f"{sshkeys.authorized_keys_file()} has {len(keys)} keys of {owner}"
            for owner, keys in sorted(by_owner.items()) if len(keys) > 1]
