"""Opcodes that make, name and delete instances."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, shared, types
from ganeti.opcodes.base import Field, Flag, OpCode
from ganeti.opcodes.targets import InstanceOpCode


class OpInstanceCreate(OpCode):
    """Create an instance: new, from an export, or from another cluster."""

    SUMMARY = "instance_name"

    instance_name = Field(ht.String, doc="Name of the new instance")
    force_variant = shared.FORCE_VARIANT
    wait_for_sync = shared.WAIT_FOR_SYNC
    name_check = shared.NAME_CHECK
    ignore_ipolicy = shared.IGNORE_IPOLICY
    opportunistic_locking = Field(ht.Bool, False, flag="--opportunistic-locking",
                                  doc="Choose among the nodes whose locks are free at the moment")
    beparams = shared.BEPARAMS
    disks = Field(ht.ListOf(types.DiskSpec), flag=Flag("--disk", type="identkeyval", append=True),
                  doc="Disks, each with size, mode, name and what its storage type takes")
    disk_template = shared.DISK_TEMPLATE
    group_name = Field(ht.Maybe(ht.NonEmptyString), None, flag=flags.NODE_GROUP,
                       doc="Node group to create it in")
    file_driver = shared.FILE_DRIVER
    file_storage_dir = shared.FILE_STORAGE_DIR
    hvparams = Field(types.Params, {},
                     flag=Flag("-H", "--hypervisor-parameters", type="identkeyval"),
                     doc="Hypervisor parameters")
    hypervisor = Field(ht.Maybe(types.Hypervisor), None, doc="Hypervisor")
    iallocator = shared.IALLOCATOR
    identify_defaults = Field(ht.Bool, False, flag="--identify-defaults",
                              doc="Store only those parameters that differ from the defaults")
    ip_check = shared.IP_CHECK
    conflicts_check = shared.CONFLICTS_CHECK
    mode = Field(types.CreateMode, doc="New, from an export, or from another cluster")
    nics = Field(ht.ListOf(types.NicSpec), flag=Flag("--net", type="identkeyval", append=True),
                 doc="Network interfaces")
    no_install = Field(ht.Maybe(ht.Bool), None, flag="--no-install",
                       doc="Do not run the OS scripts")
    osparams = Field(types.Params, {}, flag=flags.OS_PARAMETERS, doc="OS parameters")
    osparams_private = shared.OSPARAMS_PRIVATE
    osparams_secret = shared.OSPARAMS_SECRET
    os_type = shared.OS_TYPE
    pnode = Field(
        ht.Maybe(ht.NonEmptyString), None,
        flag=Flag("-n", "--node", metavar="<pnode>[:<snode>]", completes="inst_add_nodes"),
        doc="Primary node")
    pnode_uuid = Field(ht.Maybe(ht.NonEmptyString), None, doc="UUID of the primary node")
    snode = Field(ht.Maybe(ht.NonEmptyString), None, doc="Secondary node")
    snode_uuid = Field(ht.Maybe(ht.NonEmptyString), None, doc="UUID of the secondary node")
    source_handshake = Field(ht.Maybe(ht.ListOf(ht.Any)), None,
                             doc="Proof that the source cluster shares our secret")
    source_instance_name = Field(ht.Maybe(ht.NonEmptyString), None,
                                 doc="Name of the instance on the source cluster")
    source_shutdown_timeout = Field(ht.NonNegativeInt, 120,
                                    doc="Seconds that the source may take to stop it")
    source_x509_ca = Field(ht.Maybe(ht.NonEmptyString), None,
                           doc="Certificate of the source cluster")
    src_node = Field(ht.Maybe(ht.NonEmptyString), None,
                     flag=Flag("--src-node", metavar="<node>", completes="one_node"),
                     doc="Node that holds the export")
    src_node_uuid = Field(ht.Maybe(ht.NonEmptyString), None,
                          doc="UUID of the node that holds the export")
    src_path = Field(ht.Maybe(ht.NonEmptyString), None, flag=Flag("--src-dir", metavar="<dir>"),
                     doc="Directory of the export")
    compress = Field(ht.String, "none", flag="--compress", doc="Compression during the transfer")
    start = Field(ht.Bool, True, flag=Flag("--no-start", negate=True, help="Leave it stopped"),
                  doc="Start it when it is ready")
    forthcoming = Field(ht.Bool, False, flag="--forthcoming", doc="Only reserve the resources")
    commit = Field(ht.Bool, False, flag="--commit", doc="Turn a reservation into a real instance")
    tags = Field(ht.ListOf(ht.NonEmptyString), [], flag=Flag("--tags", type="string"), doc="Tags")
    instance_communication = Field(ht.Bool, False, flag=Flag("-c", "--communication", type="bool"),
                                   doc="Give it an interface for talking to its node")
    helper_startup_timeout = Field(ht.Maybe(ht.Int), None, flag="--helper-startup-timeout",
                                   doc="Seconds that the helper virtual machine may take to start")
    helper_shutdown_timeout = Field(ht.Maybe(ht.Int), None, flag="--helper-shutdown-timeout",
                                    doc="Seconds that the helper virtual machine may take to stop")
    RESULT = ht.ListOf(ht.NonEmptyString)


class OpInstanceMultiAlloc(OpCode):
    """Create several instances where an allocator places them together."""

    opportunistic_locking = Field(ht.Bool, False,
                                  doc="Choose among the nodes whose locks are free at the moment")
    iallocator = shared.IALLOCATOR
    instances = Field(ht.ListOf(ht.Any), [], doc="The instances, each as an OP_INSTANCE_CREATE")
    RESULT = types.AllocationJobs


class OpInstanceReinstall(InstanceOpCode):
    """Install the OS of an instance again."""

    force_variant = shared.FORCE_VARIANT
    os_type = shared.OS_TYPE
    osparams = Field(ht.Maybe(types.Params), None, flag=flags.OS_PARAMETERS, doc="OS parameters")
    osparams_private = shared.OSPARAMS_PRIVATE
    osparams_secret = shared.OSPARAMS_SECRET
    RESULT = ht.Nothing


class OpInstanceRemove(InstanceOpCode):
    """Delete an instance and its disks."""

    shutdown_timeout = shared.SHUTDOWN_TIMEOUT
    ignore_failures = Field(ht.Bool, False, flag="--ignore-failures",
                            doc="Go on when parts can not be removed")
    RESULT = ht.Nothing


class OpInstanceRename(InstanceOpCode):
    """Give an instance another name."""

    SUMMARY = None

    new_name = shared.NEW_NAME
    name_check = shared.NAME_CHECK
    ip_check = shared.IP_CHECK
    RESULT = ht.NonEmptyString
