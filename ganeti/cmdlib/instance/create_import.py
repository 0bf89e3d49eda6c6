"""Creating an instance from an export in this cluster, or from an instance of another one.

What an export tells (`config.ini`, format in `protocols.json`, `export`) fills what the opcode
leaves open; then the OS's import script restores the disks from what comes.
"""

from __future__ import annotations

import configparser
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects, pathutils, serializer
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import nics as nic_checks
from ganeti.cmdlib.instance import remote, transfer
from ganeti.utils import text
from ganeti.utils import uuid as uuids

#: How a value that is not set is written
_UNSET = "None"
_NIC_KEYS = ("mac", "ip", "network", "name", "mode", "link", "vlan")
_REMOTE_ONLY = ("source_handshake", "source_instance_name", "source_x509_ca")
_EXPORT_ONLY = ("src_node", "src_node_uuid", "src_path")


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the contents come from: an export's node and dumps, or another cluster."""

    #: Name that the instance had
    name: str
    node_uuid: str | None = None
    #: Logical paths of the dumps, in the order of the disks; None for a disk without
    dumps: Sequence[str | None] = ()
    #: Logical path of the export
    path: str = ""

    def hook_env(self, config: objects.ConfigData) -> dict[str, Any]:
        """What hooks are told of an export."""
        if self.node_uuid is None:
            return {}
        return {"SRC_NODE": config.nodes[self.node_uuid].name, "SRC_PATH": self.path,
                "SRC_IMAGES": " ".join(dump or "False" for dump in self.dumps)}


def require_fitting(op: Any) -> None:
    """Refuse parameters that do not go together with the way in which it is created."""
    wrong = {constants.INSTANCE_CREATE: (*_EXPORT_ONLY, *_REMOTE_ONLY),
             constants.INSTANCE_IMPORT: _REMOTE_ONLY,
             constants.INSTANCE_REMOTE_IMPORT: _EXPORT_ONLY}[op.mode]
    for key in wrong:
        if getattr(op, key):
            raise errors.OpPrereqError(
                f"'{key}' means nothing when an instance is created by '{op.mode}'",
                errors.ECODE_INVAL)
    if op.mode != constants.INSTANCE_REMOTE_IMPORT \
            and op.source_shutdown_timeout != constants.DEFAULT_SHUTDOWN_TIMEOUT:
        raise errors.OpPrereqError(
            "'source_shutdown_timeout' is for instances that come from another cluster",
            errors.ECODE_INVAL)
    if op.mode == constants.INSTANCE_CREATE:
        if op.compress != constants.IEC_NONE:
            raise errors.OpPrereqError(
                "'compress' is for importing instances and means nothing when one is created",
                errors.ECODE_INVAL)
        return
    for key in ("no_install", "forthcoming", "commit"):
        if getattr(op, key):
            raise errors.OpPrereqError(
                f"'{key}' makes no sense for an import, which restores what was installed",
                errors.ECODE_INVAL)


def prepare(lu: base.LogicalUnit) -> Source | None:
    """Check where an import comes from, and complete the opcode from it; None for a creation.

    An export is read here, before any lock: what it says decides which locks are needed.
    """
    op = lu.op
    require_fitting(op)
    if op.mode == constants.INSTANCE_CREATE:
        return None
    transfer.require_compression(lu, op.compress)
    if op.mode == constants.INSTANCE_REMOTE_IMPORT:
        return _prepare_remote(op)
    node_uuid, path = _find(lu)
    found = lu.rpc.export_info(node_uuid, path)
    found.raise_if_failed(f"Can not read the export on node {lu.config.nodes[node_uuid].name}",
                          prereq=True, ecode=errors.ECODE_ENVIRON)
    export = _parse(found.payload, path)
    _complete(lu, export)
    return Source(name=export[constants.INISECT_INS]["name"], node_uuid=node_uuid,
                  dumps=_dumps(export, path), path=path)


def _prepare_remote(op: Any) -> Source:
    remote.check_handshake(op.source_handshake)
    remote.check_certificate(op.source_x509_ca, "The certificate of the source cluster")
    if not op.source_instance_name:
        raise errors.OpPrereqError(
            "The name of the instance on the source cluster is missing", errors.ECODE_INVAL)
    if not op.disks:
        raise errors.OpPrereqError("There are no disks to receive", errors.ECODE_INVAL)
    return Source(name=op.source_instance_name)


# Finding and reading an export.


def _find(lu: base.LogicalUnit) -> tuple[str, str]:
    """Node and logical path of the export."""
    op = lu.op
    path = op.src_path or op.instance_name
    base_dir = pathutils.logical(pathutils.EXPORT_DIR)
    given = op.src_node_uuid or op.src_node
    if given:
        return lu.config.expand_node(given).uuid, os.path.join(base_dir, path)
    if os.path.isabs(path):
        raise errors.OpPrereqError(
            "An absolute path of an export needs its node as well (--src-node)",
            errors.ECODE_INVAL)
    nodes = [node.uuid for node in lu.config.online_nodes()]
    for uuid, result in lu.rpc.export_list(nodes).items():
        if not result.fail_msg and path in result.payload:
            return uuid, os.path.join(base_dir, path)
    raise errors.OpPrereqError(
        f"No node has an export '{path}'; 'gnt-backup list' shows them", errors.ECODE_NOENT)


def _parse(content: str, path: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(content)
        version = parser.getint(constants.INISECT_EXP, "version")
        parser.get(constants.INISECT_INS, "name")
    except (configparser.Error, ValueError) as err:
        raise errors.OpPrereqError(
            f"The description of export '{path}' can not be used: {err}",
            errors.ECODE_ENVIRON) from err
    if version != constants.EXPORT_VERSION:
        raise errors.OpPrereqError(
            f"Export '{path}' has version {version}, this cluster reads version"
            f" {constants.EXPORT_VERSION}", errors.ECODE_ENVIRON)
    return parser


def _value(export: configparser.RawConfigParser, key: str) -> str | None:
    value = export.get(constants.INISECT_INS, key, fallback=None)
    return None if value in (_UNSET, "") else value


def _count(export: configparser.RawConfigParser, key: str) -> int:
    try:
        return int(_value(export, key) or 0)
    except ValueError:
        raise errors.OpPrereqError(
            f"The export's '{key}' is no number: {_value(export, key)}",
            errors.ECODE_ENVIRON) from None


def _section(export: configparser.RawConfigParser, name: str) -> dict[str, str]:
    if not export.has_section(name):
        return {}
    return {key: value for key, value in export.items(name) if value != _UNSET}


def _dumps(export: configparser.RawConfigParser, path: str) -> list[str | None]:
    names = [_value(export, f"disk{index}_dump") for index in range(_count(export, "disk_count"))]
    for name in names:
        if name is not None and ("/" in name or name.startswith(".")):
            raise errors.OpPrereqError(f"The export names a dump '{name}', which is no file name",
                                       errors.ECODE_ENVIRON)
    return [os.path.join(path, name) if name else None for name in names]


# Completing the opcode.


def _complete(lu: base.LogicalUnit, export: configparser.RawConfigParser) -> None:
    op = lu.op
    op.os_type = op.os_type or export.get(constants.INISECT_EXP, "os", fallback=None)
    _complete_disks(op, export)
    if not op.nics:
        op.nics = _nics(op, export)
    op.tags = op.tags or (_value(export, "tags") or "").split()
    if op.hypervisor is None:
        op.hypervisor = _value(export, "hypervisor")
    op.hvparams = {**_known(constants.HV_TABLES.get(op.hypervisor or ""),
                            _section(export, constants.INISECT_HYP)), **op.hvparams}
    op.beparams = {**_backend(export), **op.beparams}
    op.osparams = {**_section(export, constants.INISECT_OSP), **op.osparams}
    private = _section(export, constants.INISECT_OSP_PRIVATE)
    if private:
        given = serializer.reveal(op.osparams_private or {})
        op.osparams_private = {key: serializer.Private(value)
                               for key, value in {**private, **given}.items()}


def _complete_disks(op: Any, export: configparser.RawConfigParser) -> None:
    count = _count(export, "disk_count")
    if op.disk_template is None:
        op.disk_template = _value(export, "disk_template")
    if op.disks:
        if len(op.disks) < count:
            raise errors.OpPrereqError(
                f"The export has {count} disks, only {len(op.disks)} were given",
                errors.ECODE_INVAL)
        return
    op.disks = []
    for index in range(count):
        wish: dict[str, Any] = {constants.IDISK_SIZE: _count(export, f"disk{index}_size")}
        name = _value(export, f"disk{index}_name")
        op.disks.append({**wish, **({constants.IDISK_NAME: name} if name else {})})
    if not op.disks and op.disk_template is None:
        op.disk_template = constants.DT_DISKLESS


def _nics(op: Any, export: configparser.RawConfigParser) -> list[dict[str, Any]]:
    """Interfaces as exported; under another name the instance gets other MAC addresses."""
    same = _value(export, "name") == op.instance_name
    wishes = []
    for index in range(_count(export, "nic_count")):
        found = {key: _value(export, f"nic{index}_{key}") for key in _NIC_KEYS}
        wish = {key: value for key, value in found.items() if value is not None}
        if "network" in wish:
            wish = {key: value for key, value in wish.items()
                    if key not in nic_checks.PARAMETERS}
        if not same:
            wish["mac"] = constants.VALUE_AUTO
        wishes.append(wish)
    return wishes


def _backend(export: configparser.RawConfigParser) -> dict[str, str]:
    params = _section(export, constants.INISECT_BEP)
    memory = params.pop(constants.BE_MEMORY, None) or _value(export, constants.BE_MEMORY)
    for key in (constants.BE_MAXMEM, constants.BE_MINMEM):
        value = params.get(key) or _value(export, key) or memory
        if value is not None:
            params[key] = value
    vcpus = params.get(constants.BE_VCPUS) or _value(export, constants.BE_VCPUS)
    return _known(constants.BE_TABLE, {**params, **({constants.BE_VCPUS: vcpus} if vcpus else {})})


def _known(table: Any, params: Mapping[str, str]) -> dict[str, str]:
    """Without parameters of other releases, and those that belong to the cluster."""
    if table is None:
        return {}
    return {key: value for key, value in params.items()
            if key in table and key not in table.cluster_only}


# Restoring the disks.


def restore(lu: base.LogicalUnit, instance: objects.Instance, source: Source) -> None:
    """Fill the disks, which are assembled, and let the OS know its new name."""
    if lu.op.mode == constants.INSTANCE_IMPORT:
        _restore_export(lu, instance, source)
    else:
        _restore_remote(lu, instance)
    if source.name != instance.name:
        result = lu.rpc.instance_run_rename(
            instance.primary_node, instance, source.name, lu.op.debug_level or 0)
        if result.fail_msg:
            lu.feedback.warning(
                "The OS rename script failed, although the disks are restored:"
                f" {result.fail_msg}", hint="set the name inside the guest by hand")


def _ends(lu: base.LogicalUnit, instance: objects.Instance) -> list[transfer.End]:
    """Where the OS's import script writes each disk."""
    return [transfer.End(instance.primary_node, instance,
                         [constants.IEIO_SCRIPT, [(disk, instance), index]])
            for index, disk in enumerate(lu.config.instance_disks(instance))]


def _restore_export(lu: base.LogicalUnit, instance: objects.Instance, source: Source) -> None:
    assert source.node_uuid is not None
    lu.feedback(f"* running the instance OS import scripts ({instance.os})...")
    copies = []
    for index, (end, dump) in enumerate(zip(_ends(lu, instance), source.dumps, strict=False)):
        if dump is None:
            continue
        came = transfer.End(source.node_uuid, instance, [constants.IEIO_FILE, [dump]])
        copies.append(transfer.Copy(f"disk/{index}", f"disk{index}", came, end))
    arrived = transfer.run(lu, copies, lu.op.compress)
    lost = [copy.title for copy, good in zip(copies, arrived, strict=True) if not good]
    if lost:
        raise errors.OpExecError(
            f"Could not restore {', '.join(lost)} of instance {instance.name} from the export")


def _restore_remote(lu: base.LogicalUnit, instance: objects.Instance) -> None:
    """Wait for what the source cluster sends, after telling the client where to."""
    node = lu.config.nodes[instance.primary_node]
    their_cert = remote.check_certificate(lu.op.source_x509_ca,
                                          "The certificate of the source cluster")
    made = lu.rpc.x509_cert_create(node.uuid, constants.RIE_CERT_VALIDITY)
    made.raise_if_failed(f"Can not make a certificate on node {node.name}")
    key_name, own_cert = made.payload
    try:
        with transfer.board(lu) as transfers:
            _receive(lu, transfers, instance, key_name, own_cert, their_cert)
    finally:
        removed = lu.rpc.x509_cert_remove(node.uuid, key_name)
        if removed.fail_msg:
            lu.feedback.warning(f"Can not remove certificate {key_name} on node {node.name}:"
                                f" {removed.fail_msg}")


def _receive(lu: base.LogicalUnit, transfers: transfer.Board, instance: objects.Instance,
             key_name: str, own_cert: str, their_cert: str) -> None:
    node = lu.config.nodes[instance.primary_node]
    seed, legs, magics = uuids.new(), [], []
    timeout = constants.RIE_CONNECT_TIMEOUT + lu.op.source_shutdown_timeout
    for index, end in enumerate(_ends(lu, instance)):
        magics.append(transfer.magic(seed, instance.name, index))
        legs.append(transfers.start_import(
            f"disk/{index}", end, f"disk{index}", transfer.options(
                lu, compress=lu.op.compress, magic=magics[-1], timeout=timeout,
                key_name=key_name, ca_pem=their_cert)))
    transfers.wait(legs, lambda leg: leg.port)
    if any(leg.ended for leg in legs):
        _fail(transfers, legs)
    receivers = [remote.Receiver(node.primary_ip, leg.port or 0, magic)
                 for leg, magic in zip(legs, magics, strict=True)]
    lu.feedback({"disks": [remote.sign_receiver(index, receiver)
                           for index, receiver in enumerate(receivers)],
                 "x509_ca": remote.sign_certificate(own_cert)}, constants.ELOG_REMOTE_IMPORT)
    lu.feedback(f"* waiting for the disks of {lu.op.source_instance_name} from the source cluster,"
                f" at most {text.format_seconds(timeout)}")
    transfers.wait(legs, lambda leg: leg.ended)
    if not all(leg.good for leg in legs):
        _fail(transfers, legs)


def _fail(transfers: transfer.Board, legs: Sequence[transfer.Leg]) -> None:
    lost = [leg.title for leg in legs if not transfers.verdict(leg)]
    raise errors.OpExecError(f"Could not receive {', '.join(lost)} from the source cluster")
