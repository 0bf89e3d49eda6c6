"""Types that several opcodes share."""

from __future__ import annotations

from typing import Any

from ganeti import constants, ht

AdminState = ht.Enum(constants.ADMINST_ALL)
DiskTemplate = ht.Named(constants.DISK_TEMPLATES)
Hypervisor = ht.Named(constants.HYPER_TYPES)
FileDriver = ht.Enum(constants.FILE_DRIVER)
ExportMode = ht.Enum(constants.EXPORT_MODES)
SshKeyType = ht.Enum(constants.SSHK_ALL)
AllocPolicy = ht.Enum(constants.VALID_ALLOC_POLICIES)
StorageType = ht.Enum(constants.STORAGE_TYPES)
NicMode = ht.Enum(constants.NIC_VALID_MODES)
VerifyCheck = ht.Enum(constants.VERIFY_OPTIONAL_CHECKS)
VerifyCode = ht.Enum(constants.CV_ALL_ECODES_STRINGS)
MigrationMode = ht.Enum(constants.HT_MIGRATION_MODES)
CreateMode = ht.Enum(constants.INSTANCE_CREATE_MODES)
RebootType = ht.Enum(constants.REBOOT_TYPES)
ReplaceMode = ht.Enum(constants.REPLACE_MODES)
EvacMode = ht.Enum(constants.NODE_EVAC_MODES)
OobCommand = ht.Enum(constants.OOB_COMMANDS)
ResultStatus = ht.Enum(constants.RS_ALL)
Resource = ht.Enum(constants.QR_ALL)
TagKind = ht.Enum(constants.VALID_TAG_TYPES)
AllocatorDirection = ht.Enum(constants.VALID_IALLOCATOR_DIRECTIONS)
AllocatorMode = ht.Enum(constants.VALID_IALLOCATOR_MODES)
StateSource = ht.Enum(constants.ADMIN_STATE_SOURCES)
ListChange = ht.Enum(constants.DDMS_VALUES)
ListChangeOrModify = ht.Enum(constants.DDMS_VALUES_WITH_MODIFY)

#: Parameter name -> value; the names are checked where the parameters are known.
Params = ht.DictOf(ht.String, ht.Any)
ParamsByName = ht.DictOf(ht.String, Params)
PrivateParams = ht.DictOf(ht.String, ht.Private(ht.Any))
SecretParams = ht.DictOf(ht.String, ht.Secret(ht.Any))

NicSpec = ht.DictOf(ht.Enum(constants.INIC_PARAMS), ht.Maybe(ht.String))
DiskSpec = ht.DictOf(ht.NonEmptyString, ht.Or(ht.NonEmptyString, ht.Int))
DiskIndex = ht.IntRange(0, constants.MAX_DISKS - 1)


def _changes(spec: ht.Type) -> ht.Type:
    """A list of changes: (what, index or name, settings), or the old pairs without a name."""
    return ht.Or(
        ht.ListOf(ht.TupleOf(ListChangeOrModify, ht.Or(ht.Int, ht.String), spec)),
        ht.ListOf(ht.TupleOf(ht.Or(ListChange, ht.NonNegativeInt), spec)))


NicChanges = _changes(NicSpec)
DiskChanges = _changes(DiskSpec)

_SubmitResult = ht.TupleOf(ht.Bool, ht.Or(ht.JobId, ht.String))
#: What an opcode returns that has submitted further jobs.
Jobs = ht.Object({"jobs": ht.ListOf(_SubmitResult)})
AllocationJobs = ht.Object({"jobs": ht.ListOf(_SubmitResult),
                            "allocatable": ht.ListOf(ht.NonEmptyString),
                            "failed": ht.ListOf(ht.NonEmptyString)})

_FieldDefinition = ht.Object({"name": ht.NonEmptyString, "title": ht.NonEmptyString,
                              "kind": ht.NonEmptyString, "doc": ht.NonEmptyString})
FieldsAnswer = ht.Object({"fields": ht.ListOf(_FieldDefinition)})
QueryAnswer = ht.Object({"fields": ht.ListOf(_FieldDefinition),
                         "data": ht.ListOf(ht.ListOf(ht.TupleOf(ResultStatus, ht.Any)))})


class _Ip(ht.Type):
    """An address, or a network in address/length notation."""

    def __init__(self, version: int, network: bool) -> None:
        self._version, self._network = version, network

    def check(self, value: Any, where: str = "") -> Any:
        import ipaddress
        if not isinstance(value, str) or self._network != ("/" in value):
            raise self.fail(where, value)
        try:
            read = ipaddress.ip_interface(value)
        except ValueError:
            raise self.fail(where, value) from None
        if read.version != self._version:
            raise self.fail(where, value)
        return value

    def describe(self) -> str:
        what = "network in address/length form" if self._network else "address"
        return f"an IPv{self._version} {what}"

    def spec(self) -> Any:
        return f"ipv{self._version}-{'cidr-network' if self._network else 'address'}"


Ipv4Address = _Ip(4, False)
Ipv4Network = _Ip(4, True)
Ipv6Address = _Ip(6, False)
Ipv6Network = _Ip(6, True)
