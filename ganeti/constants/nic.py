"""Network interfaces of instances and networks: modes, parameters, words."""

from ganeti import ht
from ganeti.constants.params import Param, ParamTable, one_of

NIC_MODE_BRIDGED = "bridged"
NIC_MODE_ROUTED = "routed"
NIC_MODE_OVS = "openvswitch"
NIC_MODE_EXT = "ext"
NIC_IP_POOL = "pool"
NIC_MODE_POOL = NIC_IP_POOL
NIC_VALID_MODES = frozenset([NIC_MODE_BRIDGED, NIC_MODE_ROUTED, NIC_MODE_OVS, NIC_MODE_EXT,
                             NIC_MODE_POOL])
NIC_MODE = "mode"
NIC_LINK = "link"
NIC_VLAN = "vlan"
DEFAULT_BRIDGE = "xen-br0"
DEFAULT_MAC_PREFIX = "aa:00:00"

NIC_TABLE = ParamTable("nic", [
    Param(NIC_MODE, one_of(NIC_VALID_MODES), NIC_MODE_BRIDGED,
          help="How the interface is connected on the node"),
    Param(NIC_LINK, ht.String, DEFAULT_BRIDGE,
          help="Bridge, switch or routing table that it is connected to"),
    Param(NIC_VLAN, ht.String, "", help="VLAN number or trunk, with a switch that has VLANs"),
])

INIC_MAC = "mac"
INIC_IP = "ip"
INIC_MODE = "mode"
INIC_LINK = "link"
INIC_VLAN = "vlan"
INIC_NETWORK = "network"
INIC_NAME = "name"
INIC_BRIDGE = "bridge"
INIC_PARAMS_TYPES = {
    INIC_BRIDGE: "maybe-string", INIC_IP: "maybe-string", INIC_LINK: "string",
    INIC_MAC: "string", INIC_MODE: "string", INIC_NAME: "maybe-string",
    INIC_NETWORK: "maybe-string", INIC_VLAN: "maybe-string",
}
INIC_PARAMS = frozenset(INIC_PARAMS_TYPES)

IPV4_NETWORK_MAX_PREFIX = 30
IP4_VERSION = 4
IP6_VERSION = 6

INSTANCE_COMMUNICATION_NIC_PREFIX = "ganeti:communication:"
INSTANCE_COMMUNICATION_MAC_PREFIX = "52:54:00"
INSTANCE_COMMUNICATION_NETWORK4 = "169.254.0.0/16"
INSTANCE_COMMUNICATION_NETWORK6 = "fe80::/10"
INSTANCE_COMMUNICATION_NETWORK_LINK = "communication_rt"
INSTANCE_COMMUNICATION_NETWORK_MODE = NIC_MODE_ROUTED
