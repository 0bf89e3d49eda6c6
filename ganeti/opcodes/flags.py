"""Command-line options that several opcodes have in common."""

from ganeti.opcodes.base import Flag

FORCE = Flag("-f", "--force")
IALLOCATOR = Flag("-I", "--iallocator", metavar="<NAME>", completes="one_iallocator")
NODE_GROUP = Flag("-g", "--node-group", metavar="<nodegroup>", completes="one_nodegroup")
TARGET_NODE = Flag("-n", "--target-node", metavar="NODE", completes="one_node")
TARGET_GROUPS = Flag("--to", append=True, metavar="<group>", completes="one_nodegroup")
BACKEND_PARAMETERS = Flag("-B", "--backend-parameters", type="keyval")
OS_PARAMETERS = Flag("-O", "--os-parameters", type="keyval")
NODE_PARAMETERS = Flag("--node-parameters", type="keyval")
DISK_PARAMETERS = Flag("-D", "--disk-parameters", type="identkeyval", append=True)
HV_STATE = Flag("--hypervisor-state", type="identkeyval", append=True)
DISK_STATE = Flag("--disk-state", type="identkeyval", append=True)
