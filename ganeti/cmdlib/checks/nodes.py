"""States of nodes that operations ask for."""

from __future__ import annotations

from ganeti import errors, objects


def require_online(node: objects.Node, hint: str = "") -> None:
    """Refuse a node that is marked offline."""
    if node.offline:
        raise errors.OpPrereqError(
            f"Node {node.name} is offline{'; ' + hint if hint else ''}", errors.ECODE_STATE)


def require_not_drained(node: objects.Node) -> None:
    """Refuse a node that gets no new instances."""
    if node.drained:
        raise errors.OpPrereqError(
            f"Node {node.name} is drained; pick another, or 'gnt-node modify --drained=no"
            f" {node.name}'", errors.ECODE_STATE)


def require_vm_capable(node: objects.Node) -> None:
    """Refuse a node that may not hold instances."""
    if not node.vm_capable:
        raise errors.OpPrereqError(
            f"Node {node.name} is not vm_capable; pick another, or 'gnt-node modify"
            f" --vm-capable=yes {node.name}'", errors.ECODE_STATE)


def require_target(node: objects.Node) -> None:
    """Refuse a node that can not take another instance."""
    require_online(node)
    require_not_drained(node)
    require_vm_capable(node)
