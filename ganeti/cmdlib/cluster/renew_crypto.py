"""OP_CLUSTER_RENEW_CRYPTO."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.cmdlib.node import trust
from ganeti.config import distribute

Level = base.Level


class LUClusterRenewCrypto(base.LogicalUnit):
    """Give every node a new client certificate, or new SSH keys.

    While nodes change their certificates both the old and the new one of each candidate are
    listed, so that a master daemon that dies in between leaves nobody locked out.
    """

    OP = opcodes.OpClusterRenewCrypto

    def locks(self, level: Level) -> base.LockRequest | None:
        return base.LockRequest(base.ALL) if level == Level.NODE else None

    def check_prereq(self) -> None:
        op = self.op
        if (op.ssh_key_type or op.ssh_key_bits) and not op.renew_ssh_keys:
            raise errors.OpPrereqError(
                "Type and length are for new SSH keys (--new-ssh-keys)", errors.ECODE_INVAL)
        if op.renew_ssh_keys and not self.config.cluster.modify_ssh_setup:
            raise errors.OpPrereqError(
                "The SSH keys of this cluster are not managed by it (modify_ssh_setup)",
                errors.ECODE_STATE)
        for node in self.config.nodes.values():
            if node.offline:
                self.feedback.warning(
                    f"Node {node.name} is offline and keeps what it has",
                    hint=f"'gnt-node add --readd {node.name}' renews it when it is back")

    def exec(self) -> None:
        if self.op.node_certificates:
            self._renew_certificates()
        if self.op.renew_ssh_keys:
            self._renew_ssh_keys()

    def tell(self, text: str) -> None:
        """What only those want to read who asked for it."""
        if self.op.verbose or self.op.debug:
            self.feedback(text)

    # Certificates.

    def _renew_certificates(self) -> None:
        self.feedback("* making new client certificates")
        fresh: dict[str, str] = {}
        for node in self.config.online_nodes():
            digest = self._token(node, constants.CRYPTO_ACTION_PREPARE)
            if digest is not None:
                fresh[node.uuid] = digest
                self.tell(f"  {node.name}: {digest}")
        self._list(lambda old, new: f"{new},{old}" if old and new else new or old, fresh)
        self._require_everywhere()
        self.feedback("* using them")
        used = {uuid: digest for uuid, digest in fresh.items()
                if self._token(self.config.nodes[uuid], constants.CRYPTO_ACTION_ADOPT) == digest}
        self._list(lambda both, new: new or both.rpartition(",")[2], used)

    def _token(self, node: objects.Node, action: str) -> str | None:
        """Let a node make its next certificate, or use it; the digest."""
        request = [[constants.CRYPTO_TYPE_SSL_DIGEST, action, {}]]
        result = self.rpc.node_crypto_tokens(node.uuid, request)
        if result.fail_msg:
            self.feedback.warning(
                f"Node {node.name} keeps its client certificate: {result.fail_msg}",
                hint="repeat the command when the node is well again")
            return None
        return str(result.payload[0][1])

    def _list(self, combine: Any, digests: dict[str, str]) -> None:
        """Change what is listed for the candidates, on all nodes."""
        with self.cfg.edit(job=self.job_id) as draft:
            for uuid, old in dict(draft.cluster.candidate_certs).items():
                trust.list_digest(draft, uuid, combine(old, digests.get(uuid)))
        # Also to nodes that have missed something and would have to wait for their turn.
        self.cfg.rewrite()

    def _require_everywhere(self) -> None:
        """Every node has to accept both certificates before one of them is used."""
        nodes = [node.uuid for node in self.config.online_nodes()]
        for result in self.rpc.write_ssconf_files(
                nodes, distribute.ssconf_values(self.config)).values():
            result.raise_if_failed(
                f"Node {result.node_name} can not be told of the new certificates, so that none"
                " of them is used")

    # SSH keys.

    def _renew_ssh_keys(self) -> None:
        cluster = self.config.cluster
        key_type = self.op.ssh_key_type or cluster.ssh_key_type
        key_bits = self.op.ssh_key_bits or cluster.ssh_key_bits
        self.feedback(f"* making new SSH keys ({key_type}, {key_bits} bits)")
        online = self.config.online_nodes()
        result = self.rpc.node_ssh_keys_renew(
            [cluster.master_node], [node.uuid for node in online], [node.name for node in online],
            [node.uuid for node in self.config.master_candidates()],
            trust.potential(self.config), cluster.ssh_key_type, key_type,
            key_bits)[cluster.master_node]
        result.raise_if_failed("Could not renew the SSH keys")
        for where, text in result.payload or ():
            self.feedback.warning(f"SSH keys of {where}: {text}")
        if (key_type, key_bits) != (cluster.ssh_key_type, cluster.ssh_key_bits):
            with self.cfg.edit(job=self.job_id) as draft:
                draft.update(draft.cluster, ssh_key_type=key_type, ssh_key_bits=key_bits)
