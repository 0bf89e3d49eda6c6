"""Parameters that several opcodes have in common."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, types
from ganeti.opcodes.base import Field, Flag

SHUTDOWN_TIMEOUT = Field(ht.NonNegativeInt, 120, flag="--shutdown-timeout",
                         doc="Seconds to wait for a clean shutdown")
TARGET_NODE_UUID = Field(ht.Maybe(ht.NonEmptyString), None, doc="UUID of the node to move to")
OUTPUT_FIELDS = Field(ht.ListOf(ht.NonEmptyString), doc="Names of the fields")
HV_STATE = Field(ht.Maybe(types.Params), None, flag=flags.HV_STATE,
                 doc="Resources that the administrator vouches for, by hypervisor")
DISK_STATE = Field(ht.Maybe(types.Params), None, flag=flags.DISK_STATE,
                   doc="Sizes that the administrator vouches for, by storage type")
DISKPARAMS = Field(ht.Maybe(ht.DictOf(types.DiskTemplate, types.Params)), None,
                   flag=flags.DISK_PARAMETERS, doc="Disk parameters by storage type")
NDPARAMS = Field(ht.Maybe(types.Params), None, flag=flags.NODE_PARAMETERS,
                 doc="Node parameters")
IPOLICY = Field(ht.Maybe(types.Params), None,
                doc="Instance policy: bounds, storage types and ratios")
MAC_PREFIX = Field(ht.Maybe(ht.NonEmptyString), None,
                   flag=Flag("-m", "--mac-prefix", metavar="PREFIX"),
                   doc="First three bytes of new MAC addresses")
GROUP_NAME = Field(ht.NonEmptyString, doc="Node group")
ALLOC_POLICY = Field(ht.Maybe(types.AllocPolicy), None,
                     flag=Flag("--alloc-policy", type="string", metavar="POLICY"),
                     doc="May new instances come here: preferred, last_resort or unallocable")
NODE_UUIDS = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None, doc="UUIDs of the nodes")
NEW_NAME = Field(ht.NonEmptyString, doc="New name")
EARLY_RELEASE = Field(ht.Bool, False, flag="--early-release",
                      doc="Free the old secondary before the new one is in step")
IALLOCATOR = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.IALLOCATOR,
                   doc="Allocator that chooses the nodes")
MIGRATION_MODE = Field(ht.Maybe(types.MigrationMode), None, flag="--migration-mode",
                       doc="live keeps guests running, non-live suspends them")
LIVE = Field(ht.Maybe(ht.Bool), None, doc="Old form of the mode")
RUNTIME_CHANGES = Field(ht.Bool, True,
                        flag=Flag("--no-runtime-changes", negate=True,
                                  help="Leave the memory of running guests alone"),
                        doc="Shrink guests' memory where the target lacks room")
CLEANUP = Field(ht.Bool, False, flag="--cleanup", doc="Clear up after a migration that failed")
TARGET_GROUPS = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None, flag=flags.TARGET_GROUPS,
                      doc="Node groups to move to")
FORCE_VARIANT = Field(ht.Bool, False, flag="--force-variant",
                      doc="Accept a variant that the OS definition does not list")
WAIT_FOR_SYNC = Field(ht.Bool, True,
                      flag=Flag("--no-wait-for-sync", negate=True,
                                help="Do not wait until mirrors are in step"),
                      doc="Wait until mirrors are in step")
NAME_CHECK = Field(ht.Bool, False,
                   flag=Flag("--no-name-check", negate=True,
                             help="Do not resolve the name", default=True),
                   doc="Resolve the name, and complete it")
IGNORE_IPOLICY = Field(ht.Bool, False, flag="--ignore-ipolicy",
                       doc="Go on although an instance policy is violated")
BEPARAMS = Field(types.Params, {}, flag=flags.BACKEND_PARAMETERS,
                 doc="Memory, processors and other back-end parameters")
DISK_TEMPLATE = Field(ht.Maybe(types.DiskTemplate), None,
                      flag=Flag("-t", "--disk-template", metavar="TEMPL"),
                      doc="Storage type of the disks")
FILE_DRIVER = Field(ht.Maybe(types.FileDriver), None,
                    flag=Flag("--file-driver", metavar="<DRIVER>"),
                    doc="How file-based disks are kept and attached: 'qcow2' is a file in"
                        " QEMU's format, all others are raw")
FILE_STORAGE_DIR = Field(ht.Maybe(ht.NonEmptyString), None,
                         flag=Flag("--file-storage-dir", metavar="<DIR>"),
                         doc="Directory for file-based disks")
IP_CHECK = Field(ht.Bool, False,
                 flag=Flag("--no-ip-check", negate=True,
                           help="Do not look whether the address answers", default=True),
                 doc="Refuse an address that answers already")
CONFLICTS_CHECK = Field(ht.Bool, True,
                        flag=Flag("--no-conflicts-check", negate=True,
                                  help="Do not check addresses against the group's networks"),
                        doc="Refuse addresses that belong to a network of the node group")
OSPARAMS_PRIVATE = Field(ht.Maybe(types.PrivateParams), None,
                         flag=Flag("--os-parameters-private", type="keyprivateval"),
                         doc="OS parameters that are hidden in output")
OSPARAMS_SECRET = Field(ht.Maybe(types.SecretParams), None,
                        flag=Flag("--os-parameters-secret", type="keyprivateval"),
                        doc="OS parameters that are hidden and not stored")
OS_TYPE = Field(ht.Maybe(ht.NonEmptyString), None,
                flag=Flag("-o", "--os-type", metavar="<os>", completes="one_os"),
                doc="OS definition, with +VARIANT where it has variants")
REMOTE_NODE = Field(ht.Maybe(ht.NonEmptyString), None,
                    flag=Flag("-n", "--new-secondary", metavar="NODE", completes="one_node"),
                    doc="New secondary node")
REMOTE_NODE_UUID = Field(ht.Maybe(ht.NonEmptyString), None,
                         doc="UUID of the new secondary node")
NO_REMEMBER = Field(ht.Bool, False, flag="--no-remember",
                    doc="Do not change the recorded state")
IGNORE_CONSISTENCY = Field(ht.Bool, False, flag="--ignore-consistency",
                           doc="Go on although a disk may not be up to date on the target")
TARGET_NODE = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.TARGET_NODE,
                    doc="Node to move to")
USE_LOCKING = Field(ht.Bool, False, doc="Take locks while reading")
NETWORK_NAME = Field(ht.NonEmptyString, doc="Name of the network")
NETWORK6 = Field(ht.Maybe(types.Ipv6Network), None, flag="--network6",
                 doc="IPv6 network as address/length")
ADD_RESERVED_IPS = Field(ht.Maybe(ht.ListOf(types.Ipv4Address)), None,
                         flag=Flag("--add-reserved-ips", type="string"),
                         doc="Addresses to keep out of the pool")
SECONDARY_IP = Field(ht.Maybe(ht.NonEmptyString), None,
                     flag=Flag("-s", "--secondary-ip", metavar="ADDRESS"),
                     doc="Address for replication")
MASTER_CAPABLE = Field(ht.Maybe(ht.Bool), None,
                       flag=Flag("--master-capable", type="bool", metavar="yes|no"),
                       doc="May it become the master")
VM_CAPABLE = Field(ht.Maybe(ht.Bool), None,
                   flag=Flag("--vm-capable", type="bool", metavar="yes|no"),
                   doc="May it run instances")
OUTPUT_COLUMNS = Field(ht.ListOf(ht.NonEmptyString),
                       flag=Flag("-o", "--output", type="string", metavar="FIELDS"),
                       doc="Names of the fields")
KIND = Field(types.TagKind, doc="Kind of the object")
NAME = Field(ht.Maybe(ht.String), None, doc="Name of the object; none for the cluster")
ONLY_GROUP = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.NODE_GROUP,
                   doc="Only this node group")
DEBUG_SIMULATE_ERRORS = Field(ht.Bool, False,
                              doc="Report every possible error, to test what reads them")
ERROR_CODES = Field(ht.Bool, False,
                    doc="Print each finding with its code, for programs to read")
IGNORE_ERRORS = Field(ht.SetOf(types.VerifyCode), [],
                      doc="Codes whose findings count as warnings")
