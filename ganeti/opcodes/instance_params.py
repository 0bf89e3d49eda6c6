"""Opcodes that change and show the settings of instances."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import flags, shared, types
from ganeti.opcodes.base import Field, Flag, OpCode
from ganeti.opcodes.targets import InstanceOpCode


class OpInstanceSetParams(InstanceOpCode):
    """Change the settings, disks and interfaces of an instance."""

    force = Field(ht.Bool, False, flag=flags.FORCE, doc="Go on in spite of warnings")
    force_variant = shared.FORCE_VARIANT
    ignore_ipolicy = shared.IGNORE_IPOLICY
    nics = Field(types.NicChanges, [], flag=Flag("--net", type="identkeyval", append=True),
                 doc="Changes of interfaces: what to do, which one, with which settings")
    disks = Field(types.DiskChanges, [], flag=Flag("--disk", type="identkeyval", append=True),
                  doc="Changes of disks: what to do, which one, with which settings")
    beparams = shared.BEPARAMS
    runtime_mem = Field(ht.Maybe(ht.PositiveInt), None,
                        flag=Flag("-m", "--runtime-memory", type="unit", metavar="<size>"),
                        doc="MiB of memory for the running guest")
    hvparams = Field(types.Params, {}, flag=Flag("-H", "--hypervisor-parameters", type="keyval"),
                     doc="Hypervisor parameters")
    disk_template = Field(ht.Maybe(types.DiskTemplate), None,
                          flag=Flag("-t", "--disk-template", metavar="TEMPL"),
                          doc="Convert its disks to this storage type")
    ext_params = Field(types.Params, {}, flag=Flag("-e", "--ext-params", type="keyval"),
                       doc="Parameters for the external storage provider of the new disks")
    file_driver = shared.FILE_DRIVER
    file_storage_dir = shared.FILE_STORAGE_DIR
    pnode = Field(ht.Maybe(ht.NonEmptyString), None,
                  flag=Flag("--new-primary", metavar="<node>", completes="one_node"),
                  doc="Node to record as its primary; nothing is moved")
    pnode_uuid = Field(ht.Maybe(ht.NonEmptyString), None, doc="UUID of the primary node")
    remote_node = Field(ht.Maybe(ht.NonEmptyString), None,
                        flag=Flag("-n", "--node", metavar="<node>", completes="one_node"),
                        doc="Secondary node for converted disks")
    remote_node_uuid = shared.REMOTE_NODE_UUID
    iallocator = shared.IALLOCATOR
    os_name = Field(ht.Maybe(ht.NonEmptyString), None,
                    flag=Flag("-o", "--os-type", metavar="<os>", completes="one_os"),
                    doc="OS to record")
    osparams = Field(types.Params, {}, flag=flags.OS_PARAMETERS, doc="OS parameters")
    osparams_private = shared.OSPARAMS_PRIVATE
    wait_for_sync = shared.WAIT_FOR_SYNC
    offline = Field(ht.Maybe(ht.Bool), None, doc="Mark it offline, or back online")
    conflicts_check = shared.CONFLICTS_CHECK
    hotplug = Field(ht.Bool, True, flag=Flag("--hotplug", default=False),
                    doc="Apply device changes to the running instance as well")
    instance_communication = Field(ht.Maybe(ht.Bool), None,
                                   flag=Flag("-c", "--communication", type="bool"),
                                   doc="Give it an interface for talking to its node")
    RESULT = ht.ListOf(ht.TupleOf(ht.NonEmptyString, ht.Any))


class OpInstanceQueryData(OpCode):
    """Collect everything about instances, disks included."""

    use_locking = shared.USE_LOCKING
    instances = Field(ht.ListOf(ht.NonEmptyString), [], doc="Instances; none for all")
    static = Field(ht.Bool, False, flag=Flag("-s", "--static"),
                   doc="Only what the configuration knows, no node is asked")
    RESULT = types.ParamsByName
