"""Disk templates: their names, parameter tables and words; what a type can do is in `storage/`."""

from ganeti import ht
from ganeti.constants.drivers import Drivers, Tables
from ganeti.constants.params import ON_CREATE, Param, ParamTable, Words, one_of

DT_BLOCK = "blockdev"
DT_DISKLESS = "diskless"
DT_DRBD8 = "drbd"
DT_EXT = "ext"
DT_FILE = "file"
DT_GLUSTER = "gluster"
DT_PLAIN = "plain"
DT_RBD = "rbd"
DT_SHARED_FILE = "sharedfile"
DT_MIXED = "mixed"

#: Name -> descriptor; one that has no table in DISK_TABLES declares its own
STORAGE: list[tuple[str, str]] = [
    (DT_DISKLESS, "ganeti.storage.diskless:DisklessTemplate"),
    (DT_FILE, "ganeti.storage.file:FileTemplate"),
    (DT_SHARED_FILE, "ganeti.storage.sharedfile:SharedFileTemplate"),
    (DT_PLAIN, "ganeti.storage.plain:PlainTemplate"),
    (DT_DRBD8, "ganeti.storage.drbd:DrbdTemplate"),
    (DT_RBD, "ganeti.storage.rbd:RbdTemplate"),
    (DT_GLUSTER, "ganeti.storage.gluster:GlusterTemplate"),
    (DT_EXT, "ganeti.storage.ext:ExtTemplate"),
    (DT_BLOCK, "ganeti.storage.blockdev:BlockdevTemplate"),
]
DISK_TEMPLATES = Drivers("disk template", "ganeti.storage", STORAGE,
                         base="ganeti.storage.base:DiskTemplate", reserved=[DT_MIXED])
DEFAULT_ENABLED_DISK_TEMPLATES = (DT_DRBD8, DT_PLAIN)

DISK_RDONLY = "ro"
DISK_RDWR = "rw"
DISK_ACCESS_SET = frozenset([DISK_RDONLY, DISK_RDWR])
DISK_KERNELSPACE = "kernelspace"
DISK_USERSPACE = "userspace"
DISK_VALID_ACCESS_MODES = frozenset([DISK_KERNELSPACE, DISK_USERSPACE])

# Words in a disk's specification
IDISK_SIZE = "size"
IDISK_SPINDLES = "spindles"
IDISK_MODE = "mode"
IDISK_ADOPT = "adopt"
IDISK_VG = "vg"
IDISK_METAVG = "metavg"
IDISK_PROVIDER = "provider"
IDISK_NAME = "name"
IDISK_TYPE = "dev_type"
IDISK_ACCESS = "access"
IDISK_PARAMS_TYPES = {
    IDISK_SIZE: "size", IDISK_SPINDLES: "int", IDISK_MODE: "string", IDISK_ADOPT: "string",
    IDISK_VG: "string", IDISK_METAVG: "string", IDISK_PROVIDER: "string",
    IDISK_NAME: "maybe-string", IDISK_TYPE: "string", IDISK_ACCESS: "string",
}
MODIFIABLE_IDISK_PARAMS = frozenset([IDISK_MODE, IDISK_NAME])

# Words in a list of modifications of disks, NICs and hidden operating systems
DDM_ADD = "add"
DDM_ATTACH = "attach"
DDM_DETACH = "detach"
DDM_MODIFY = "modify"
DDM_REMOVE = "remove"
DDMS_VALUES = frozenset([DDM_ADD, DDM_ATTACH, DDM_REMOVE, DDM_DETACH])
DDMS_VALUES_WITH_MODIFY = DDMS_VALUES | {DDM_MODIFY}

# Drivers and defaults of single templates
FD_LOOP = "loop"
FD_BLKTAP = "blktap"
FD_BLKTAP2 = "blktap2"
FD_QCOW2 = "qcow2"
FD_DEFAULT = FD_LOOP
IMAGE_RAW = "raw"
IMAGE_QCOW2 = "qcow2"
#: Driver of a file based disk -> format of its file
FILE_FORMATS = {FD_LOOP: IMAGE_RAW, FD_BLKTAP: IMAGE_RAW, FD_BLKTAP2: IMAGE_RAW,
                FD_QCOW2: IMAGE_QCOW2}
FILE_DRIVER = frozenset(FILE_FORMATS)
BLOCKDEV_DRIVER_MANUAL = "manual"
ADOPTABLE_BLOCKDEV_ROOT = "/dev/disk/"
DEFAULT_VG = "xenvg"
DEFAULT_RBD_POOL = "rbd"
GLUSTER_HOST_DEFAULT = "127.0.0.1"
GLUSTER_PORT_DEFAULT = 24007
GLUSTER_VOLUME_DEFAULT = "gv0"

DRBD_DEFAULT_NET_PROTOCOL = "C"
DRBD_STATUS_FILE = "/proc/drbd"
#: MiB of a mirror's own data
DRBD_META_SIZE = 128
DEFAULT_DRBD_HELPER = "/bin/true"
DRBD_B_NONE = "n"

# Wiping new disks
WIPE_CHUNK_MIB_MAX = 1024
WIPE_CHUNK_PERCENT_MIN = 10

# State of a mirrored disk's local part, and words of its status
LDS_OKAY = 1
LDS_SYNC = 2
LDS_UNKNOWN = 3
LDS_FAULTY = 4
LDS_NAMES = {LDS_OKAY: "ok", LDS_SYNC: "syncing", LDS_UNKNOWN: "unknown", LDS_FAULTY: "faulty"}

_ACCESS = Param("access", one_of(DISK_VALID_ACCESS_MODES), DISK_KERNELSPACE,
                help="Whether the guest reaches the disk through the node's kernel or directly")
_STRIPES = ht.PositiveInt
#: KiB/s, as both DRBD 8.4 and 9 take them
_RATE_MAX = 4 << 20
_BARRIERS = ht.Regex("n|(?=[bdf])b?d?f?",
                     "'n', or letters out of b (barriers), d (drain), f (flush)")

DISK_TABLES = Tables(DISK_TEMPLATES, {
    DT_BLOCK: ParamTable(DT_BLOCK, []),
    DT_DISKLESS: ParamTable(DT_DISKLESS, []),
    DT_FILE: ParamTable(DT_FILE, []),
    DT_SHARED_FILE: ParamTable(DT_SHARED_FILE, []),
    DT_PLAIN: ParamTable(DT_PLAIN, [
        Param("stripes", _STRIPES, 1, applies=ON_CREATE, help="Physical volumes a volume spans"),
    ]),
    DT_EXT: ParamTable(DT_EXT, [_ACCESS]),
    DT_RBD: ParamTable(DT_RBD, [
        _ACCESS,
        Param("pool", ht.NonEmptyString, DEFAULT_RBD_POOL, applies=ON_CREATE,
              help="Ceph pool of the images"),
        Param("user-id", ht.String, "", help="Ceph user; empty takes the default one"),
    ]),
    DT_GLUSTER: ParamTable(DT_GLUSTER, [
        _ACCESS,
        Param("host", ht.NonEmptyString, GLUSTER_HOST_DEFAULT, help="Server of the volume"),
        Param("port", ht.IntRange(1, 65535), GLUSTER_PORT_DEFAULT, help="Port of the server"),
        Param("volume", ht.NonEmptyString, GLUSTER_VOLUME_DEFAULT, help="Volume of the disks"),
    ]),
    DT_DRBD8: ParamTable(DT_DRBD8, [
        Param("metavg", ht.NonEmptyString, DEFAULT_VG, applies=ON_CREATE,
              help="Volume group of the mirror's own data"),
        Param("data-stripes", _STRIPES, 1, applies=ON_CREATE,
              help="Physical volumes the data spans"),
        Param("meta-stripes", _STRIPES, 1, applies=ON_CREATE,
              help="Physical volumes the mirror's own data spans"),
        Param("protocol", one_of("ABC"), DRBD_DEFAULT_NET_PROTOCOL,
              help="When a write counts as done: A local, B received, C stored on both"),
        Param("resync-rate", ht.IntRange(0, _RATE_MAX), 61440, unit="KiB/s",
              help="Speed of resynchronization without dynamic-resync"),
        Param("dynamic-resync", ht.Bool, False, help="Adapt the resynchronization speed"),
        Param("c-plan-ahead", ht.IntRange(0, 300), 20, unit="0.1 s",
              help="How far the adaptive speed plans"),
        Param("c-fill-target", ht.IntRange(0, 1 << 20), 0, unit="sectors",
              help="Data in flight that the adaptive speed aims at; 0 uses the delay instead"),
        Param("c-delay-target", ht.IntRange(1, 100), 1, unit="0.1 s",
              help="Delay that the adaptive speed aims at"),
        Param("c-max-rate", ht.IntRange(250, _RATE_MAX), 61440, unit="KiB/s",
              help="Highest adaptive speed"),
        Param("c-min-rate", ht.IntRange(0, _RATE_MAX), 4096, unit="KiB/s",
              help="Lowest adaptive speed while the guest works"),
        Param("disk-barriers", _BARRIERS, DRBD_B_NONE,
              help="Write-ordering methods not to use: b barriers, d drain, f flush, n none"),
        Param("meta-barriers", ht.Bool, False,
              help="Do not flush the mirror's own data to the disk"),
        Param("disk-custom", Words, "", help="Further words for the disk's set-up"),
        Param("net-custom", Words, "", help="Further words for the connection's set-up"),
    ]),
})
