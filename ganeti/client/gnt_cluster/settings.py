"""What init and modify have in common: from options to parameters of OP_CLUSTER_SET_PARAMS."""

from __future__ import annotations

from typing import Any

from ganeti import errors
from ganeti.cli import opcode_options, params, policy
from ganeti.cli.option import Option, Values
from ganeti.opcodes.cluster import OpClusterSetParams

#: Options that both commands have as the opcode declares them.
_SHARED = (
    "candidate_pool_size", "mac_prefix", "master_netdev", "vg_name", "maintain_node_health",
    "drbd_helper", "default_iallocator", "prealloc_wipe_disks", "use_external_mip_script",
    "file_storage_dir", "shared_file_storage_dir", "install_image", "zeroing_image",
    "enabled_user_shutdown", "beparams", "hvparams", "nicparams", "ndparams", "diskparams",
    "hv_state", "disk_state", "default_iallocator_params", "enabled_hypervisors",
    "enabled_disk_templates", "uid_pool", "compression_tools", "master_netmask",
)


def shared_options() -> list[Option]:
    """The options of both commands."""
    return [opcode_options.option(OpClusterSetParams, name) for name in _SHARED]


def read(values: Values) -> dict[str, Any]:
    """The settings that were given; the others are None."""
    result: dict[str, Any] = {name: getattr(values, name) for name in _SHARED}
    result.update({
        "beparams": params.backend(values.beparams) or None,
        "hvparams": params.by_hypervisor(values.hvparams) or None,
        "nicparams": params.nic_defaults(values.nicparams) or None,
        "ndparams": params.node(values.ndparams),
        "diskparams": params.by_template(values.diskparams) or None,
        "hv_state": params.hv_state(values.hv_state),
        "disk_state": params.disk_state(values.disk_state),
        "enabled_hypervisors": params.words(values.enabled_hypervisors),
        "enabled_disk_templates": params.words(values.enabled_disk_templates),
        "uid_pool": params.ranges(values.uid_pool),
        "compression_tools": params.words(values.compression_tools),
        "master_netmask": _netmask(values.master_netmask),
        "ipolicy": policy.from_options(values, group=False) or None,
    })
    return result


def _netmask(word: str | None) -> int | None:
    if word is None:
        return None
    try:
        return int(word)
    except ValueError:
        raise errors.OpPrereqError(f"The netmask '{word}' is no number of bits",
                                   errors.ECODE_INVAL) from None
