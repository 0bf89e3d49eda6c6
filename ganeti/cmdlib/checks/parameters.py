"""Parameters of cluster, groups and nodes: their form, merging a change, use on the nodes.

Parameters of single instances are judged in `instance_parameters`; what parameters there are is
told by the tables in `constants`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganeti import constants, errors, ht
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import instance_parameters
from ganeti.constants.drivers import Tables
from ganeti.hypervisor import registry as hypervisors

merged = instance_parameters.merged
enforced = instance_parameters.enforced


def merged_levels(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]],
                  ) -> dict[str, dict[str, Any]]:
    """Two-level parameters (by OS, hypervisor or template) after a change; empty ones vanish."""
    result = {key: dict(values) for key, values in old.items()}
    for key, values in new.items():
        result[key] = merged(result.get(key, {}), values)
    return {key: values for key, values in result.items() if values}


def node_parameters(params: Mapping[str, Any], where: str, *, single_node: bool = False,
                    ) -> dict[str, Any]:
    """Node parameters in their own types; those that are one for a group are refused on a node."""
    fixed = sorted(constants.NDC_GLOBALS & params.keys()) if single_node else []
    if fixed:
        raise errors.OpPrereqError(
            f"{where}: {', '.join(fixed)} can not be set for a single node; use 'gnt-group"
            " modify --node-parameters'", errors.ECODE_INVAL)
    return enforced(constants.ND_TABLE, params, where)


def disk_parameters(params: Mapping[str, Mapping[str, Any]], where: str,
                    ) -> dict[str, dict[str, Any]]:
    """Disk parameters by template, in their own types."""
    return _by_name(constants.DISK_TABLES, "disk template", params, where)


def hypervisor_parameters(params: Mapping[str, Mapping[str, Any]], where: str,
                          ) -> dict[str, dict[str, Any]]:
    """Hypervisor parameters by hypervisor, in their own types."""
    return _by_name(constants.HV_TABLES, "hypervisor", params, where)


def _by_name(tables: Tables, kind: str,
             params: Mapping[str, Mapping[str, Any]], where: str) -> dict[str, dict[str, Any]]:
    result = {}
    for name, values in params.items():
        if name not in tables:
            hint = ht.nearest_hint(name, tables) or f" ({tables.why_not(name)})"
            raise errors.OpPrereqError(f"{where}: unknown {kind} '{name}'{hint}",
                                       errors.ECODE_INVAL)
        result[name] = enforced(tables[name], values, f"{where}.{name}")
    return result


def check_hypervisor_syntax(name: str, filled: Mapping[str, Any]) -> None:
    """What the driver's own rules say of filled parameters."""
    hypervisors.require_usable(name)
    hypervisors.get_class(name).check_syntax(filled)


def check_hypervisor_on_nodes(lu: base.LogicalUnit, name: str, filled: Mapping[str, Any],
                              ) -> None:
    """Refuse filled hypervisor parameters that any usable node refuses."""
    check_hypervisor_syntax(name, filled)
    nodes = [node.uuid for node in lu.config.nodes.values()
             if node.vm_capable and not node.offline]
    instance_parameters.check_hvparams(lu, nodes, name, filled)


def required_by_hypervisor(names: Iterable[str]) -> dict[str, list[str]]:
    """Hypervisor -> parameters that may not be empty."""
    return {name: [param.name for param in constants.HV_TABLES[name] if param.required]
            for name in names if name in constants.HV_TABLES}


# Instance policies.

def changed_policy(old: Mapping[str, Any], change: Mapping[str, Any], *, of_group: bool,
                   ) -> dict[str, Any]:
    """A policy after a change, checked; `default` takes a group's own value away."""
    unknown = sorted(change.keys() - constants.IPOLICY_ALL_KEYS)
    if unknown:
        raise errors.OpPrereqError(
            f"Instance policy: unknown key '{unknown[0]}'"
            f"{ht.nearest_hint(unknown[0], constants.IPOLICY_ALL_KEYS)}", errors.ECODE_INVAL)
    if of_group and constants.ISPECS_STD in change:
        raise errors.OpPrereqError(
            "Instance policy: the standard size 'std' exists only for the whole cluster",
            errors.ECODE_INVAL)
    result = dict(old)
    for key, value in change.items():
        if value is None or value == constants.VALUE_DEFAULT or (
                key != constants.ISPECS_STD and value in ([], {})):
            if not of_group:
                raise errors.OpPrereqError(
                    f"Instance policy: the cluster's value of '{key}' can not be taken away",
                    errors.ECODE_INVAL)
            result.pop(key, None)
        elif key == constants.ISPECS_STD:
            result[key] = {**result.get(key, {}), **value}
        else:
            result[key] = value
    return check_policy(result)


def check_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    """A policy in its own types, whose minima do not exceed its maxima."""
    try:
        checked: dict[str, Any] = constants.IpolicyType.check(policy, "ipolicy")
    except ht.Mismatch as err:
        raise errors.OpPrereqError(f"Instance policy: {err}", errors.ECODE_INVAL) from None
    pairs = checked.get(constants.ISPECS_MINMAX, ())
    for index, pair in enumerate(pairs):
        low, high = pair[constants.ISPECS_MIN], pair[constants.ISPECS_MAX]
        for name in sorted(low.keys() & high.keys()):
            if low[name] > high[name]:
                raise errors.OpPrereqError(
                    f"Instance policy: bounds {index} have a minimum of {name} ({low[name]})"
                    f" above the maximum ({high[name]})", errors.ECODE_INVAL)
    std = checked.get(constants.ISPECS_STD)
    if std and pairs and not any(_inside(std, pair) for pair in pairs):
        raise errors.OpPrereqError(
            "Instance policy: the standard size lies within none of the bounds",
            errors.ECODE_INVAL)
    return checked


def _inside(std: Mapping[str, Any], pair: Mapping[str, Mapping[str, Any]]) -> bool:
    return all(pair[constants.ISPECS_MIN].get(name, value) <= value
               <= pair[constants.ISPECS_MAX].get(name, value) for name, value in std.items())


# What is known in advance of the nodes' resources.

def merged_hv_state(old: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Hypervisor state by hypervisor, after a change."""
    result = {key: dict(values) for key, values in old.items()}
    for name, values in change.items():
        if name not in constants.HYPER_TYPES:
            raise errors.OpPrereqError(f"hv_state: unknown hypervisor '{name}'",
                                       errors.ECODE_INVAL)
        _require_object(values, f"hv_state.{name}")
        result[name] = merged(result.get(name, {}),
                              enforced(constants.HVSTATE_TABLE, values, f"hv_state.{name}"))
    return result


def merged_disk_state(old: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Disk state by storage type and name, after a change."""
    result = {kind: {name: dict(values) for name, values in by_name.items()}
              for kind, by_name in old.items()}
    for kind, by_name in change.items():
        if kind not in constants.DS_VALID_TYPES:
            raise errors.OpPrereqError(
                f"disk_state: unknown storage type '{kind}'; known are "
                f"{', '.join(sorted(constants.DS_VALID_TYPES))}", errors.ECODE_INVAL)
        _require_object(by_name, f"disk_state.{kind}")
        for name, values in by_name.items():
            where = f"disk_state.{kind}.{name}"
            _require_object(values, where)
            here = result.setdefault(kind, {})
            here[name] = merged(here.get(name, {}),
                                enforced(constants.DISK_STATE_TABLE, values, where))
    return result


def _require_object(value: Any, where: str) -> None:
    if not isinstance(value, Mapping):
        raise errors.OpPrereqError(f"{where}: expected an object, got {ht.shown(value)}",
                                   errors.ECODE_INVAL)


