"""Exported instances in this node's export directory.

The transfer of the disks' contents belongs to the import and export daemons.
"""

from __future__ import annotations

import configparser
import io as text_io
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects, pathutils
from ganeti.utils import io

NEW_SUFFIX = ".new"


def _export_path(name: str) -> str:
    if not name or "/" in name or name.startswith("."):
        raise errors.OpExecError(f"'{name}' is no name of an export")
    return os.path.join(pathutils.EXPORT_DIR, name)


def export_list() -> list[str]:
    """Names of the exports on this node."""
    return io.list_visible(pathutils.EXPORT_DIR)


def export_info(path: str) -> str:
    """The description of the export in a directory, as a text."""
    config_file = os.path.join(pathutils.local(path), constants.EXPORT_CONF_FILE)
    try:
        text = io.read_file(config_file)
    except (OSError, errors.ParseError) as err:
        raise errors.OpExecError(f"'{path}' is no export: can not read "
                                 f"{constants.EXPORT_CONF_FILE} ({err})") from err
    parser = _parser()
    try:
        parser.read_string(text)
    except configparser.Error as err:
        raise errors.OpExecError(
            f"{constants.EXPORT_CONF_FILE} of export '{path}' is damaged: {err}") from err
    missing = [section for section in (constants.INISECT_EXP, constants.INISECT_INS)
               if not parser.has_section(section)]
    if missing:
        raise errors.OpExecError(
            f"{constants.EXPORT_CONF_FILE} of export '{path}' lacks section"
            f" {', '.join(missing)}")
    return text


def export_remove(export: str) -> None:
    """Remove an export; one that is gone already is left alone."""
    path = _export_path(export)
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except OSError as err:
        raise errors.OpExecError(f"Can not remove export {path}: {err}") from err


def finalize_export(instance: objects.Instance,
                    snap_disks: Sequence[objects.Disk | None]) -> None:
    """Write the description of a finished export and put it in the place of an older one."""
    final = _export_path(instance.name)
    fresh = final + NEW_SUFFIX
    if not snap_disks:
        os.makedirs(fresh, mode=0o700, exist_ok=True)
    if not os.path.isdir(fresh):
        raise errors.OpExecError(f"There is no export to finish in {fresh}")
    text = text_io.StringIO()
    _describe(instance, snap_disks).write(text)
    io.write_file(os.path.join(fresh, constants.EXPORT_CONF_FILE), text.getvalue(), mode=0o600)
    if os.path.isdir(final):
        shutil.rmtree(final)
    os.rename(fresh, final)


def _parser() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    return parser


def _describe(instance: objects.Instance, snap_disks: Sequence[objects.Disk | None]
              ) -> configparser.RawConfigParser:
    parser = _parser()
    hv_globals = constants.HV_TABLES.cluster_only(instance.hypervisor)
    sections: dict[str, Mapping[str, Any]] = {
        constants.INISECT_EXP: {
            "version": constants.EXPORT_VERSION, "timestamp": int(time.time()),
            "source": instance.primary_node, "os": instance.os,
            "compression": constants.IEC_NONE},
        constants.INISECT_INS: _describe_instance(instance, snap_disks),
        constants.INISECT_HYP: {key: value for key, value in instance.hvparams.items()
                                if key not in hv_globals},
        constants.INISECT_BEP: instance.beparams,
        constants.INISECT_OSP: instance.osparams,
        constants.INISECT_OSP_PRIVATE: instance.osparams_private,
    }
    for section, values in sections.items():
        parser.add_section(section)
        for key, value in values.items():
            parser.set(section, key, str(value))
    return parser


def _describe_instance(instance: objects.Instance,
                       snap_disks: Sequence[objects.Disk | None]) -> dict[str, Any]:
    beparams = instance.beparams
    disks = instance.disks_info or ()
    values: dict[str, Any] = {
        "name": instance.name,
        "maxmem": beparams[constants.BE_MAXMEM],
        "minmem": beparams[constants.BE_MINMEM],
        "memory": beparams[constants.BE_MAXMEM],
        "vcpus": beparams[constants.BE_VCPUS],
        "disk_template": disks[0].dev_type if disks else constants.DT_DISKLESS,
        "hypervisor": instance.hypervisor,
        "tags": " ".join(sorted(instance.tags)),
    }
    for index, nic in enumerate(instance.nics):
        values.update({f"nic{index}_{key}": value for key, value in (
            ("mac", nic.mac), ("ip", nic.ip),
            ("network", nic.netinfo["name"] if nic.netinfo else None), ("name", nic.name),
            ("mode", nic.nicparams.get(constants.NIC_MODE)),
            ("link", nic.nicparams.get(constants.NIC_LINK)),
            ("vlan", nic.nicparams.get(constants.NIC_VLAN)))})
    values["nic_count"] = len(instance.nics)
    count = 0
    for snapshot, disk in zip(snap_disks, disks, strict=False):
        if snapshot is None:
            continue
        values.update({f"disk{count}_ivname": f"disk/{count}", f"disk{count}_dump": snapshot.uuid,
                       f"disk{count}_size": disk.size, f"disk{count}_name": disk.name})
        count += 1
    values["disk_count"] = count
    return values
