"""Opcodes that concern the cluster as a whole; its checks are declared in `verify`."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, shared, types
from ganeti.opcodes.base import Field, Flag, OpCode


class OpClusterPostInit(OpCode):
    """Run the hooks that follow the birth of a cluster."""

    INTERNAL = True

    RESULT = ht.Bool


class OpClusterDestroy(OpCode):
    """End the cluster's life."""

    INTERNAL = True

    RESULT = ht.NonEmptyString


class OpClusterQuery(OpCode):
    """Read the cluster-wide settings."""

    RESULT = types.Params


class OpClusterConfigQuery(OpCode):
    """Read single cluster-wide values, in the old form."""

    output_fields = shared.OUTPUT_FIELDS
    RESULT = ht.ListOf(ht.Any)


class OpClusterRename(OpCode):
    """Give the cluster another name and address."""

    SUMMARY = "name"

    name = Field(ht.NonEmptyString, doc="New name of the cluster")
    RESULT = ht.NonEmptyString


class OpClusterSetParams(OpCode):
    """Change cluster-wide settings."""

    force = Field(ht.Bool, False, flag=flags.FORCE, doc="Change parameters although a check fails")
    hv_state = shared.HV_STATE
    disk_state = shared.DISK_STATE
    vg_name = Field(ht.Maybe(ht.String), None, flag=Flag("--vg-name", metavar="VG"),
                    doc="LVM volume group; empty for none")
    enabled_hypervisors = Field(ht.Maybe(ht.ListOf(types.Hypervisor)), None,
                                flag=Flag("--enabled-hypervisors", type="string"),
                                doc="Hypervisors that may be used; the first is the default")
    hvparams = Field(ht.Maybe(types.ParamsByName), None,
                     flag=Flag("-H", "--hypervisor-parameters", type="identkeyval", append=True),
                     doc="Hypervisor parameters")
    beparams = Field(ht.Maybe(types.Params), None, flag=flags.BACKEND_PARAMETERS,
                     doc="Memory, processors and other back-end parameters")
    os_hvp = Field(ht.Maybe(types.ParamsByName), None,
                   flag=Flag("-H", "--hypervisor-parameters", type="identkeyval", append=True),
                   doc="Hypervisor parameters by OS and hypervisor")
    osparams = Field(ht.Maybe(types.ParamsByName), None, flag=flags.OS_PARAMETERS,
                     doc="OS parameters")
    osparams_private_cluster = Field(ht.Maybe(ht.DictOf(ht.String, types.PrivateParams)), None,
                                     flag=Flag("--os-parameters-private", type="keyprivateval"),
                                     doc="OS parameters that are hidden in output, by OS")
    diskparams = shared.DISKPARAMS
    candidate_pool_size = Field(ht.Maybe(ht.PositiveInt), None,
                                flag=Flag("-C", "--candidate-pool-size"),
                                doc="How many nodes shall hold a copy of the configuration")
    max_running_jobs = Field(ht.Maybe(ht.PositiveInt), None, flag="--max-running-jobs",
                             doc="How many jobs run at once")
    max_tracked_jobs = Field(ht.Maybe(ht.PositiveInt), None, flag="--max-tracked-jobs",
                             doc="How many jobs are looked at at once")
    uid_pool = Field(ht.Maybe(ht.ListOf(ht.TupleOf(ht.Int, ht.Int))), None,
                     flag=Flag("--uid-pool", type="string"),
                     doc="Ranges of user ids that guests may run as")
    add_uids = Field(ht.Maybe(ht.ListOf(ht.TupleOf(ht.Int, ht.Int))), None,
                     flag=Flag("--add-uids", type="string"),
                     doc="Ranges of user ids to add to the pool")
    remove_uids = Field(ht.Maybe(ht.ListOf(ht.TupleOf(ht.Int, ht.Int))), None,
                        flag=Flag("--remove-uids", type="string"),
                        doc="Ranges of user ids to take out of the pool")
    maintain_node_health = Field(
        ht.Maybe(ht.Bool), None,
        flag=Flag("--maintain-node-health", type="bool", metavar="yes|no"),
        doc="Let the watcher repair nodes")
    prealloc_wipe_disks = Field(ht.Maybe(ht.Bool), None,
                                flag=Flag("--prealloc-wipe-disks", type="bool", metavar="yes|no"),
                                doc="Overwrite new disks before an instance sees them")
    nicparams = Field(ht.Maybe(types.NicSpec), None,
                      flag=Flag("-N", "--nic-parameters", type="keyval"),
                      doc="Defaults of network interfaces: mode, link, vlan")
    ndparams = shared.NDPARAMS
    ipolicy = shared.IPOLICY
    drbd_helper = Field(ht.Maybe(ht.String), None, flag="--drbd-usermode-helper",
                        doc="Program that DRBD asks about events; empty for none")
    default_iallocator = Field(
        ht.Maybe(ht.String), None,
        flag=Flag("-I", "--default-iallocator", metavar="<NAME>", completes="one_iallocator"),
        doc="Allocator to ask when none is named")
    default_iallocator_params = Field(ht.Maybe(types.Params), None,
                                      flag=Flag("--default-iallocator-params", type="keyval"),
                                      doc="Parameters for the default allocator")
    mac_prefix = shared.MAC_PREFIX
    master_netdev = Field(ht.Maybe(ht.String), None, flag=Flag("--master-netdev", metavar="NETDEV"),
                          doc="Interface for the cluster address")
    master_netmask = Field(ht.Maybe(ht.NonNegativeInt), None,
                           flag=Flag("--master-netmask", type="string", metavar="NETMASK"),
                           doc="Length of the netmask of the cluster address")
    reserved_lvs = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None,
                         flag=Flag("--reserved-lvs", type="string"),
                         doc="Patterns of volume names that are none of our business")
    hidden_os = Field(ht.Maybe(ht.ListOf(ht.TupleOf(types.ListChange, ht.NonEmptyString))), None,
                      flag=Flag("--hidden", type="bool", metavar="yes|no"),
                      doc="OS definitions to hide from lists, or to show again")
    blacklisted_os = Field(ht.Maybe(ht.ListOf(ht.TupleOf(types.ListChange, ht.NonEmptyString))),
                           None, flag=Flag("--blacklisted", type="bool", metavar="yes|no"),
                           doc="OS definitions to put on or take off the list of forbidden ones")
    use_external_mip_script = Field(
        ht.Maybe(ht.Bool), None,
        flag=Flag("--use-external-mip-script", type="bool", metavar="yes|no"),
        doc="Leave the cluster address to a script of the administrator")
    enabled_disk_templates = Field(ht.Maybe(ht.ListOf(types.DiskTemplate)), None,
                                   flag=Flag("--enabled-disk-templates", type="string"),
                                   doc="Storage types that may be used")
    modify_etc_hosts = Field(ht.Maybe(ht.Bool), None,
                             flag=Flag("--modify-etc-hosts", type="bool", metavar="yes|no"),
                             doc="Keep the nodes' /etc/hosts up to date")
    file_storage_dir = Field(ht.Maybe(ht.String), None,
                             flag=Flag("--file-storage-dir", metavar="DIR"),
                             doc="Directory for file-based disks")
    shared_file_storage_dir = Field(ht.Maybe(ht.String), None,
                                    flag=Flag("--shared-file-storage-dir", metavar="SHAREDDIR"),
                                    doc="Directory for disks on a shared file system")
    gluster_storage_dir = Field(ht.Maybe(ht.String), None,
                                doc="Directory where Gluster volumes are mounted")
    install_image = Field(ht.Maybe(ht.String), None, flag="--install-image",
                          doc="Disk image of the helper virtual machine that installs")
    instance_communication_network = Field(
        ht.Maybe(ht.String), None,
        flag="--instance-communication-network",
        doc="Network for talking between instances and nodes; empty for none")
    zeroing_image = Field(ht.Maybe(ht.String), None, flag="--zeroing-image",
                          doc="Disk image of the helper virtual machine that zeroes free space")
    compression_tools = Field(ht.Maybe(ht.ListOf(ht.NonEmptyString)), None,
                              flag=Flag("--compression-tools", type="string"),
                              doc="Programs that transfers may compress with")
    enabled_user_shutdown = Field(ht.Maybe(ht.Bool), None,
                                  flag=Flag("--user-shutdown", type="bool"),
                                  doc="May users stop their instance from inside")
    enabled_data_collectors = Field(ht.Maybe(ht.DictOf(ht.String, ht.Bool)), None,
                                    flag=Flag("--enabled-data-collectors", type="keyval"),
                                    doc="Which collectors of the monitoring daemon run")
    data_collector_interval = Field(ht.Maybe(ht.DictOf(ht.String, ht.Int)), None,
                                    flag=Flag("--data-collector-interval", type="keyval"),
                                    doc="Microseconds between two readings, by collector")
    RESULT = ht.Or(ht.Nothing, types.Jobs)


class OpClusterRedistConf(OpCode):
    """Push configuration and shared files to all nodes anew."""

    RESULT = ht.Nothing


class OpClusterRenewCrypto(OpCode):
    """Replace the nodes' client certificates or SSH keys."""

    node_certificates = Field(ht.Bool, False, flag="--new-node-certificates",
                              doc="Give every node a new client certificate")
    renew_ssh_keys = Field(ht.Bool, False, flag="--new-ssh-keys",
                           doc="Give every node new SSH keys")
    ssh_key_type = Field(ht.Maybe(types.SshKeyType), None, flag="--ssh-key-type",
                         doc="Type of new SSH keys")
    ssh_key_bits = Field(ht.Maybe(ht.PositiveInt), None, flag="--ssh-key-bits",
                         doc="Length of new SSH keys")
    verbose = Field(ht.Bool, False, flag=Flag("-v", "--verbose"), doc="Tell more")
    debug = Field(ht.Bool, False, doc="Log more")
    RESULT = ht.Nothing


class OpClusterActivateMasterIp(OpCode):
    """Put the cluster's address on the master's interface."""

    RESULT = ht.Nothing


class OpClusterDeactivateMasterIp(OpCode):
    """Take the cluster's address off the master's interface."""

    RESULT = ht.Nothing


class OpClusterRepairDiskSizes(OpCode):
    """Compare recorded with real disk sizes, and correct the records."""

    instances = Field(ht.ListOf(ht.NonEmptyString), [], doc="Instances; none for all")
    #: instance, number of the disk, "size" or "spindles", new value
    RESULT = ht.ListOf(ht.TupleOf(
        ht.NonEmptyString, ht.NonNegativeInt, ht.NonEmptyString, ht.NonNegativeInt))
