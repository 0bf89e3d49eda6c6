"""Bringing a machine to the point where OP_NODE_ADD can make it a node.

Over SSH, as the administrator: its keys become those of the cluster, it gets the cluster's
certificate, and its node daemon starts.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ganeti import constants, errors, pathutils, serializer, ssconf, undo
from ganeti.luxi import client as luxi
from ganeti.rpc import runner
from ganeti.utils import io, net, process, retry, ssh, sshkeys, x509

TOOL_TIMEOUT = 300.0
NODED_TIMEOUT = 30.0


@dataclass(frozen=True)
class NodeJoin:
    """What 'gnt-node add' was told about the machine.

    :ivar ssh_port: None takes that of the node group
    :ivar ask: answers whether to trust an unknown host key; None refuses it
    :ivar password: asked when no SSH key is accepted; None does without
    :ivar force_join: takes the machine out of another cluster that it is in
    """

    name: str
    ssh_port: int | None = None
    group: str | None = None
    ssh_key_check: bool = True
    force_join: bool = False
    verbose: bool = False
    debug: bool = False
    ask: Callable[[str], bool] | None = None
    password: Callable[[str], str] | None = None


@dataclass(frozen=True)
class _Facts:
    """What the master daemon tells about the cluster."""

    cluster_name: str
    modify_ssh_setup: bool
    ssh_key_type: str
    ssh_key_bits: int
    candidates: list[str]
    ssh_port: int


def _gather(client: luxi.Client, join: NodeJoin) -> _Facts:
    name, modify, key_type, bits = client.query_config_values(
        ["cluster_name", "modify_ssh_setup", "ssh_key_type", "ssh_key_bits"])
    nodes = client.query("node", ["uuid", "master_candidate"])["data"]
    candidates = [uuid[1] for uuid, candidate in nodes if candidate[1]]
    return _Facts(name, bool(modify), key_type, int(bits), candidates,
                  join.ssh_port or _group_port(client, join.group))


def _group_port(client: luxi.Client, group: str | None) -> int:
    rows = client.query("group", ["name", "uuid", "ndparams"])["data"]
    wanted = [params[1] for name, uuid, params in rows
              if group in (None, name[1], uuid[1])]
    if group is not None and not wanted:
        raise errors.OpPrereqError(f"There is no node group '{group}'", errors.ECODE_NOENT)
    if wanted and isinstance(wanted[0], dict):
        return int(wanted[0].get(constants.ND_SSH_PORT) or constants.SSH_DEFAULT_PORT)
    return constants.SSH_DEFAULT_PORT


def _log_in(join: NodeJoin, facts: _Facts, address: str) -> ssh.SshSession:
    host_keys = ssh.UserHostKeys(join.ask, strict=join.ssh_key_check,
                                 cluster_name=facts.cluster_name)
    try:
        return ssh.SshSession(join.name, host_keys, address=address, port=facts.ssh_port,
                              key_files=ssh.administrators_key_files(join.name),
                              password=join.password)
    except ssh.SshError as err:
        raise errors.OpPrereqError(errors.text(err), errors.ECODE_ENVIRON) from err


def _run_tool(session: ssh.SshSession, path: str, join: NodeJoin, data: dict[str, Any] | None,
              *options: str) -> process.Result:
    words = [path, *options]
    if join.verbose:
        words.append("--verbose")
    if join.debug:
        words.append("--debug")
    result = session.run(words, input=serializer.dump(data) if data is not None else b"",
                         timeout=TOOL_TIMEOUT)
    for line in result.stderr.splitlines():
        logging.info("%s: %s", join.name, line)
    if result.failed:
        said = result.stderr.strip() or result.stdout.strip() or "it said nothing"
        raise errors.OpExecError(
            f"{os.path.basename(path)} on {join.name} failed ({result.fail_reason}): {said}")
    return result


def _host_keys() -> list[list[str]]:
    found = []
    for key_type, (private_file, public_file) in sshkeys.host_key_files().items():
        if os.path.exists(private_file) and os.path.exists(public_file):
            found.append([key_type, io.read_file(private_file), io.read_file(public_file)])
    # Only keys that the cluster's known_hosts file can name are of use to the others.
    return [entry for entry in found if entry[0] == constants.SSHK_RSA]


def _prepare_keys(session: ssh.SshSession, join: NodeJoin, facts: _Facts, certificate: str
                  ) -> None:
    listed = sshkeys.PublicKeys()
    result = _run_tool(session, pathutils.PREPARE_NODE_JOIN, join, {
        "cluster_name": facts.cluster_name,
        "node_daemon_certificate": x509.cert_part(certificate).decode("ascii"),
        "ssh_host_key": _host_keys(),
        "authorized_keys": listed.read(facts.candidates),
        "ssh_key_type": facts.ssh_key_type,
        "ssh_key_bits": facts.ssh_key_bits,
    })
    answer = serializer.load(result.stdout, f"The answer of prepare-node-join on {join.name}")
    key = answer.get("public_key") if isinstance(answer, dict) else None
    if not isinstance(key, str) or not key:
        raise errors.OpExecError(f"prepare-node-join on {join.name} told no public key")
    listed.replace({join.name: [key]})


def _give_certificate(session: ssh.SshSession, join: NodeJoin, facts: _Facts, certificate: str
                      ) -> None:
    _run_tool(session, pathutils.NODE_DAEMON_SETUP, join, {
        "cluster_name": facts.cluster_name,
        "node_daemon_certificate": certificate,
        "hmac_key": io.read_file(pathutils.CONFD_HMAC_KEY),
        "ssconf": ssconf.SimpleStore().read_all(),
        "start_node_daemon": True,
        "node_name": join.name,
    })


def _wait_for_daemon(name: str, address: str) -> None:
    with runner.RpcRunner.bootstrap({name: address}) as rpc:
        last = ""

        def answers() -> bool:
            nonlocal last
            result = rpc.version([name])[name]
            last = result.fail_msg
            if not last and result.payload != constants.PROTOCOL_VERSION:
                raise errors.OpPrereqError(
                    f"{name} speaks protocol {result.payload}, this master "
                    f"{constants.PROTOCOL_VERSION}; install the same release on both",
                    errors.ECODE_ENVIRON)
            return not last

        if not retry.wait_until(answers, NODED_TIMEOUT, 0.1):
            raise errors.OpExecError(f"The node daemon of {name} does not answer: {last}")


def setup_node(client: luxi.Client, join: NodeJoin, feedback: undo.Feedback = logging.info) -> None:
    """Prepare a machine; afterwards its node daemon answers to this master."""
    facts = _gather(client, join)
    address = net.resolve(join.name)
    certificate = io.read_file(pathutils.NODED_CERT_FILE)
    with _log_in(join, facts, address) as session:
        if join.force_join:
            feedback(f"Taking {join.name} out of the cluster that it may be in")
            _run_tool(session, pathutils.NODE_CLEANUP, join, None, "--yes-do-it")
        if facts.modify_ssh_setup:
            feedback(f"Setting up the SSH keys of {join.name}")
            _prepare_keys(session, join, facts, certificate)
        feedback(f"Starting the node daemon on {join.name}")
        _give_certificate(session, join, facts, certificate)
    _wait_for_daemon(join.name, address)
