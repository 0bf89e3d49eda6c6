"""Backend, hypervisor and OS parameters of instances: form on the master, use on the nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganeti import constants, errors
from ganeti.cmdlib import base
from ganeti.hypervisor import registry as hypervisors

DEFAULT = constants.VALUE_DEFAULT


def backend(params: Mapping[str, Any], where: str = "beparams") -> dict[str, Any]:
    """Backend parameters in their own types; `memory` stands for minimum and maximum."""
    result = dict(params)
    if constants.BE_MEMORY in result:
        both = {constants.BE_MAXMEM, constants.BE_MINMEM} & result.keys()
        if both:
            raise errors.OpPrereqError(
                f"{where}: 'memory' sets minmem and maxmem and can not be given together with"
                f" {', '.join(sorted(both))}", errors.ECODE_INVAL)
        memory = result.pop(constants.BE_MEMORY)
        result[constants.BE_MAXMEM] = result[constants.BE_MINMEM] = memory
    return dict(enforced(constants.BE_TABLE, result, where))


def enforced(table: Any, params: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Parameters checked against a table and in its types; the word `default` stays as it is."""
    try:
        typed = table.enforce(params, allow=(DEFAULT,), where=where)
    except errors.TypeEnforcementError as err:
        raise errors.OpPrereqError(f"{where}: {err}", errors.ECODE_INVAL) from err
    table.check({key: value for key, value in typed.items() if value != DEFAULT}, where)
    return dict(typed)


def require_sane_backend(filled: Mapping[str, Any]) -> None:
    """Refuse filled backend parameters that contradict one another."""
    low, high = filled[constants.BE_MINMEM], filled[constants.BE_MAXMEM]
    if low > high:
        raise errors.OpPrereqError(
            f"The minimum memory ({low} MiB) is larger than the maximum ({high} MiB)",
            errors.ECODE_INVAL)
    if filled[constants.BE_VCPUS] < 1 or low < 1:
        raise errors.OpPrereqError(
            "An instance needs at least one virtual CPU and 1 MiB of memory", errors.ECODE_INVAL)


def hypervisor(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Hypervisor parameters of an instance in their own types; cluster-wide ones are refused."""
    if not params:
        return {}
    hypervisors.require_usable(name)
    table = constants.HV_TABLES[name]
    fixed = sorted(table.cluster_only & params.keys())
    if fixed:
        raise errors.OpPrereqError(
            f"Hypervisor parameters {', '.join(fixed)} are set for the whole cluster and can not"
            " be set for an instance", errors.ECODE_INVAL)
    return enforced(table, params, f"hypervisor {name}")


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Own parameters after a change: the word `default` (or nothing) takes one away."""
    result = dict(old)
    for key, value in new.items():
        if value is None or value == DEFAULT:
            result.pop(key, None)
        else:
            result[key] = value
    return result


def check_hvparams(
    lu: base.LogicalUnit,
    node_uuids: Iterable[str],
    name: str,
    filled: Mapping[str, Any],
) -> None:
    """Refuse filled hypervisor parameters that are wrong in themselves or on a node."""
    hypervisors.get_class(name).check_syntax(filled)
    online = [uuid for uuid in node_uuids if not lu.config.nodes[uuid].offline]
    answers = lu.rpc.hypervisor_validate_params(online, name, dict(filled))
    for node_uuid, result in answers.items():
        result.raise_if_failed(
            f"Hypervisor parameters are not valid on node {lu.config.nodes[node_uuid].name}",
            prereq=True, ecode=errors.ECODE_INVAL)


def require_fitting_size(name: str, filled: Mapping[str, Any], backend: Mapping[str, Any]) -> None:
    """Refuse filled hypervisor parameters that do not fit the number of virtual processors."""
    hypervisors.get_class(name).check_size(filled, backend[constants.BE_VCPUS])


def require_enabled_hypervisor(lu: base.LogicalUnit, name: str) -> None:
    """Refuse a hypervisor that the cluster does not use, or that has no driver here."""
    enabled = lu.config.cluster.enabled_hypervisors
    if name not in enabled:
        raise errors.OpPrereqError(
            f"Hypervisor {name} is not enabled in this cluster; enabled are"
            f" {', '.join(enabled)}", errors.ECODE_STATE)
    hypervisors.require_usable(name)


def public_os(params: Mapping[str, Any], private: Mapping[str, Any] | None,
              secret: Mapping[str, Any] | None) -> None:
    """Refuse an OS parameter that is given in more than one visibility."""
    kinds: dict[str, str] = {}
    for label, group in (("public", params), ("private", private or {}), ("secret", secret or {})):
        for key in group:
            if key in kinds:
                raise errors.OpPrereqError(
                    f"OS parameter {key} is given as {kinds[key]} and as {label}",
                    errors.ECODE_INVAL)
            kinds[key] = label
