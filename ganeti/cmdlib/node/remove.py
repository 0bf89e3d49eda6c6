"""OP_NODE_REMOVE: a node leaves the cluster."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes
from ganeti.cmdlib import ancillary, base
from ganeti.cmdlib.cluster import redist
from ganeti.cmdlib.node import trust
from ganeti.cmdlib.node.base import NodeUnit, other_nodes
from ganeti.masterd import hooks


class LUNodeRemove(NodeUnit):
    """Remove a node that holds no instances."""

    OP = opcodes.OpNodeRemove
    HOOKS = base.Hooks("node-remove", constants.HTYPE_NODE)
    EXCLUSIVE = True

    def hooks_env(self) -> dict[str, Any]:
        return {"OP_TARGET": self.node.name, "NODE_NAME": self.node.name}

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        others = other_nodes(self.config, self.node.uuid)
        return others, others

    def check_prereq(self) -> None:
        self.refresh()
        if self.is_master:
            raise errors.OpPrereqError(
                f"Node {self.node.name} is the master and can not be removed;"
                " 'gnt-cluster master-failover' on another node first", errors.ECODE_INVAL)
        config = self.config
        held = sorted({inst.name for inst in (*config.primaries(self.node.uuid),
                                              *config.secondaries(self.node.uuid))})
        if held:
            shown = ", ".join(held[:5]) + (" ..." if len(held) > 5 else "")
            raise errors.OpPrereqError(
                f"Node {self.node.name} still holds {len(held)} instances ({shown});"
                f" 'gnt-node evacuate {self.node.name}' moves them away", errors.ECODE_STATE)

    def exec(self) -> None:
        node = self.node
        promoted = trust.fill_pool(self, besides={node.uuid})
        trust.withdraw_ssh_key(self, node, leaving=True)
        hooks.run_post_on(self, [node.uuid])
        with self.cfg.edit(job=self.job_id) as draft:
            draft.remove(node)
            trust.list_digest(draft, node.uuid, None)
        self._tell_goodbye()
        if self.config.cluster.modify_etc_hosts:
            result = self.rpc.etc_hosts_modify(
                self.config.cluster.master_node, constants.ETC_HOSTS_REMOVE, node.name, None)
            result.raise_if_failed("Can not take the node out of the master's hosts file")
            redist.copy_files(self, ancillary.copied(self.config))
        if promoted:
            self.feedback.info(f"{len(promoted)} node(s) took over the candidate role")

    def _tell_goodbye(self) -> None:
        """The node stops its daemon and removes its keys. It is not in the configuration any
        more, so it is called by its address."""
        if self.node.offline:
            self.feedback.warning(
                f"Node {self.node.name} is offline and was not told; if it comes back, its"
                " ganeti-noded still trusts this cluster", hint="reinstall it before reuse")
            return
        failure = self.rpc.node_leave_cluster(
            self.node.primary_ip, self.config.cluster.modify_ssh_setup).fail_msg
        if failure:
            self.feedback.warning(f"Node {self.node.name} was removed but could not be told to"
                                  f" leave: {failure}")
