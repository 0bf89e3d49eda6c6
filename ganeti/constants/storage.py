"""Storage units of a node (what lies below the disks) and their words."""

ST_BLOCK = "blockdev"
ST_DISKLESS = "diskless"
ST_EXT = "ext"
ST_FILE = "file"
ST_GLUSTER = "gluster"
ST_LVM_PV = "lvm-pv"
ST_LVM_VG = "lvm-vg"
ST_RADOS = "rados"
ST_SHARED_FILE = "sharedfile"
STORAGE_TYPES = frozenset([ST_BLOCK, ST_DISKLESS, ST_EXT, ST_FILE, ST_GLUSTER, ST_LVM_PV,
                           ST_LVM_VG, ST_RADOS, ST_SHARED_FILE])
#: Types whose units can be listed
STS_REPORT = frozenset([ST_FILE, ST_GLUSTER, ST_LVM_PV, ST_LVM_VG, ST_SHARED_FILE])

SF_ALLOCATABLE = "allocatable"
SF_FREE = "free"
SF_NAME = "name"
SF_NODE = "node"
SF_SIZE = "size"
SF_TYPE = "type"
SF_USED = "used"
VALID_STORAGE_FIELDS = frozenset([SF_ALLOCATABLE, SF_FREE, SF_NAME, SF_NODE, SF_SIZE, SF_TYPE,
                                  SF_USED])
MODIFIABLE_STORAGE_FIELDS = {ST_LVM_PV: frozenset([SF_ALLOCATABLE])}
SO_FIX_CONSISTENCY = "fix-consistency"
VALID_STORAGE_OPERATIONS = {ST_LVM_VG: frozenset([SO_FIX_CONSISTENCY])}
MIN_VG_SIZE = 20480
"""Smallest volume group of a new cluster, in MiB."""
