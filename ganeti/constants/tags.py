"""Tags: what may carry them and how they look."""

TAG_CLUSTER = "cluster"
TAG_INSTANCE = "instance"
TAG_NETWORK = "network"
TAG_NODE = "node"
TAG_NODEGROUP = "nodegroup"
VALID_TAG_TYPES = frozenset([TAG_CLUSTER, TAG_INSTANCE, TAG_NETWORK, TAG_NODE, TAG_NODEGROUP])
MAX_TAG_LEN = 128
MAX_TAGS_PER_OBJ = 4096
TAG_REGEX = r"^[\w.+*/:@-]+$"
