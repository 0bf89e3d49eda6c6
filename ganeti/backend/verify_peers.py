"""Answers to those questions of cluster verify that look at other nodes and at certificates.

The other questions are in :mod:`ganeti.backend.verify`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent import futures
from typing import Any

from ganeti import constants, errors, pathutils, ssconf
from ganeti.backend import network
from ganeti.utils import net, ssh, x509

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
    return [name for name in names if not network.is_bridge(name)]


# SSH -----------------------------------------------------------------------------------------

def _ssh_ports() -> Mapping[str, int]:
    try:
        return {name: int(port) for name, port in
                ssconf.SimpleStore().mapping(constants.SS_SSH_PORTS).items()}
    except errors.ConfigurationError as err:
        logging.info("No list of SSH ports, using the usual one: %s", err)
        return {}


def node_list(value: Sequence[Any], own_name: str) -> Failures:
    """Which nodes can not be reached by SSH, or say that they are others."""
    nodes, by_node, candidates = value
    if own_name not in candidates:
        return {}
    ports = _ssh_ports()

    def check(name: str) -> str | None:
        try:
            said = ssh.run(name, ["hostname", "--fqdn"], port=ports.get(name),
                           timeout=SSH_TIMEOUT).require_success("hostname").stdout.strip()
        except errors.GenericError as err:
            return str(err)
        if said != name and not name.startswith(f"{said}."):
            return f"it says its name is '{said}'"
        return None

    return _failures([*nodes, *by_node.get(own_name, ())], check)
