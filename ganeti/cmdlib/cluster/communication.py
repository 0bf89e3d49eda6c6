"""The network over which instances talk to the metadata service of their node."""

from __future__ import annotations

from ganeti import constants, opcodes


def network_op(name: str) -> opcodes.OpCode:
    """Creates the network."""
    op: opcodes.OpCode = opcodes.OpNetworkAdd(
        network_name=name, network=constants.INSTANCE_COMMUNICATION_NETWORK4,
        network6=constants.INSTANCE_COMMUNICATION_NETWORK6,
        mac_prefix=constants.INSTANCE_COMMUNICATION_MAC_PREFIX, conflicts_check=False)
    return op


def connect_op(group_name: str, network_name: str, **common: object) -> opcodes.OpCode:
    """Connects a group to it."""
    op: opcodes.OpCode = opcodes.OpNetworkConnect(
        group_name=group_name, network_name=network_name,
        network_mode=constants.INSTANCE_COMMUNICATION_NETWORK_MODE,
        network_link=constants.INSTANCE_COMMUNICATION_NETWORK_LINK, conflicts_check=False,
        **common)
    return op
