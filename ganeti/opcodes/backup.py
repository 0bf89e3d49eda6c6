"""Opcodes about exports."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import shared, types
from ganeti.opcodes.base import Field, Flag
from ganeti.opcodes.targets import InstanceOpCode


class OpBackupPrepare(InstanceOpCode):
    """Make ready what an export needs to know (keys and certificates of a remote one)."""

    mode = Field(types.ExportMode, doc="To a node, or to another cluster")
    RESULT = ht.Maybe(types.Params)


class OpBackupExport(InstanceOpCode):
    """Write an instance's disks and settings to a node, or send them to another cluster."""

    compress = Field(ht.String, "none", flag="--transport-compression",
                     doc="Compression during the transfer")
    shutdown_timeout = shared.SHUTDOWN_TIMEOUT
    target_node = Field(
        ht.Or(ht.NonEmptyString, ht.List),
        flag=Flag("-n", "--node", type="string", metavar="<node>", completes="one_node"),
        doc="Node for the export, or where each disk goes on the other cluster")
    target_node_uuid = shared.TARGET_NODE_UUID
    shutdown = Field(ht.Bool, True,
                     flag=Flag("--noshutdown", negate=True,
                               help="Leave it running during the export"),
                     doc="Stop the instance during the export")
    remove_instance = Field(ht.Bool, False, flag="--remove-instance",
                            doc="Remove the instance after its export")
    ignore_remove_failures = Field(
        ht.Bool, False, flag="--ignore-remove-failures",
        doc="Go on when the instance can not be removed after its export")
    mode = Field(types.ExportMode, "local", doc="To a node, or to another cluster")
    x509_key_name = Field(ht.Maybe(ht.ListOf(ht.Any)), None,
                          doc="Name and signature of the key to use")
    destination_x509_ca = Field(ht.Maybe(ht.NonEmptyString), None,
                                doc="Certificate of the receiving cluster")
    zero_free_space = Field(ht.Bool, False, flag="--zero-free-space",
                            doc="Overwrite free space with zeros before the export")
    zeroing_timeout_fixed = Field(ht.Maybe(ht.Int), None, flag="--zeroing-timeout-fixed",
                                  doc="Seconds that zeroing may take in any case")
    zeroing_timeout_per_mib = Field(ht.Maybe(ht.Number), None, flag="--zeroing-timeout-per-mib",
                                    doc="Seconds that zeroing may take for each MiB")
    long_sleep = Field(ht.Bool, False, flag="--long-sleep",
                       doc="Keep the instance stopped during the whole export")
    RESULT = ht.TupleOf(ht.Bool, ht.ListOf(ht.Bool))


class OpBackupRemove(InstanceOpCode):
    """Delete the export of an instance from the nodes."""

    RESULT = ht.Nothing
