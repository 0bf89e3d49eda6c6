"""Instance policies from the options of commands, and how they are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ganeti import constants, errors
from ganeti.cli import info
from ganeti.cli.option import Option, Values
from ganeti.utils import text

_SIZES = frozenset([constants.ISPEC_MEM_SIZE, constants.ISPEC_DISK_SIZE])
_KEYS = sorted([constants.ISPEC_MEM_SIZE, constants.ISPEC_DISK_SIZE, constants.ISPEC_CPU_COUNT,
                constants.ISPEC_DISK_COUNT, constants.ISPEC_NIC_COUNT,
                constants.ISPEC_SPINDLE_USE])

BOUNDS = Option("--ipolicy-bounds-specs", dest="ipolicy_bounds_specs",
                type="multilistidentkeyval", metavar="min:.../max:...",
                help="Least and largest instances that are allowed; more pairs after //")
DISK_TEMPLATES = Option("--ipolicy-disk-templates", dest="ipolicy_disk_templates", type="list",
                        metavar="LIST", help="Disk templates that are allowed")
VCPU_RATIO = Option("--ipolicy-vcpu-ratio", dest="ipolicy_vcpu_ratio", type="maybefloat",
                    metavar="RATIO", help="Most virtual processors for each real one")
SPINDLE_RATIO = Option("--ipolicy-spindle-ratio", dest="ipolicy_spindle_ratio",
                       type="maybefloat", metavar="RATIO",
                       help="Most instances for each spindle of a node")
STD = Option("--ipolicy-std-specs", dest="ipolicy_std_specs", type="keyval", metavar="k=v,...",
             help="What an ordinary instance has")
GROUP_OPTIONS = [BOUNDS, DISK_TEMPLATES, VCPU_RATIO, SPINDLE_RATIO]
CLUSTER_OPTIONS = [STD, *GROUP_OPTIONS]

#: The older way: one option a resource, with min, max and std.
_SPLIT = {"ispecs_cpu_count": constants.ISPEC_CPU_COUNT,
          "ispecs_disk_count": constants.ISPEC_DISK_COUNT,
          "ispecs_disk_size": constants.ISPEC_DISK_SIZE,
          "ispecs_mem_size": constants.ISPEC_MEM_SIZE,
          "ispecs_nic_count": constants.ISPEC_NIC_COUNT}
SPLIT_OPTIONS = [Option(f"--specs-{dest.removeprefix('ispecs_').replace('_', '-')}", dest=dest,
                        type="keyval", default={}, metavar="min=N,max=N,std=N",
                        help=f"Limits of {key} for instances") for dest, key in _SPLIT.items()]


def from_options(values: Values, *, group: bool) -> dict[str, Any]:
    """The parts of a policy that the options set.

    :param group: "default" takes a part back to what the cluster says
    """
    result: dict[str, Any] = {}
    bounds = values.ipolicy_bounds_specs
    if bounds is not None:
        result[constants.ISPECS_MINMAX] = _default_or(
            bounds, [{constants.VALUE_DEFAULT: {}}], group, _bounds)
    std = getattr(values, "ipolicy_std_specs", None)
    if std is not None:
        result[constants.ISPECS_STD] = _specs(std, "std")
    _split(values, result)
    templates = values.ipolicy_disk_templates
    if templates is not None:
        result[constants.IPOLICY_DTS] = _default_or(
            templates, [constants.VALUE_DEFAULT], group, list)
    for name, key in (("ipolicy_vcpu_ratio", constants.IPOLICY_VCPU_RATIO),
                      ("ipolicy_spindle_ratio", constants.IPOLICY_SPINDLE_RATIO)):
        ratio = getattr(values, name)
        if ratio is not None:
            result[key] = _default_or(ratio, constants.VALUE_DEFAULT, group, float)
    return result


def _default_or(value: Any, default: Any, group: bool, read: Callable[[Any], Any]) -> Any:
    if value == default:
        if not group:
            raise errors.OpPrereqError(
                "'default' means what the cluster says; the cluster itself can not say it",
                errors.ECODE_INVAL)
        return constants.VALUE_DEFAULT
    return read(value)


def _bounds(pairs: list[dict[str, dict[str, Any]]]) -> list[dict[str, dict[str, int]]]:
    wanted = {constants.ISPECS_MIN, constants.ISPECS_MAX}
    for pair in pairs:
        if pair.keys() != wanted:
            raise errors.OpPrereqError("Bounds are pairs of min:… and max:…, joined by /",
                                       errors.ECODE_INVAL)
    return [{name: _specs(specs, name, complete=True) for name, specs in pair.items()}
            for pair in pairs]


def _specs(given: Mapping[str, Any], where: str, complete: bool = False) -> dict[str, int]:
    result = {}
    for key, value in given.items():
        if key not in _KEYS:
            raise errors.OpPrereqError(f"{where}: '{key}' is none of {', '.join(_KEYS)}",
                                       errors.ECODE_INVAL)
        result[key] = _amount(key, value, where)
    missing = [key for key in _KEYS if key not in result]
    if complete and missing:
        raise errors.OpPrereqError(f"{where}: {', '.join(missing)} missing", errors.ECODE_INVAL)
    return result


def _amount(key: str, value: Any, where: str) -> int:
    try:
        return text.parse_unit(value) if key in _SIZES else int(value)
    except (errors.UnitParseError, TypeError, ValueError):
        raise errors.OpPrereqError(f"{where}: {key} can not be '{value}'",
                                   errors.ECODE_INVAL) from None


def _split(values: Values, result: dict[str, Any]) -> None:
    given = {key: getattr(values, dest) for dest, key in _SPLIT.items()
             if getattr(values, dest, None)}
    if not given:
        return
    if constants.ISPECS_MINMAX in result or constants.ISPECS_STD in result:
        raise errors.OpPrereqError("Give either --specs-… or --ipolicy-…-specs, not both",
                                   errors.ECODE_INVAL)
    defaults = constants.IPOLICY_DEFAULTS
    parts = {name: dict(specs) for name, specs in defaults[constants.ISPECS_MINMAX][0].items()}
    parts[constants.ISPECS_STD] = dict(defaults[constants.ISPECS_STD])
    for key, limits in given.items():
        for name, value in limits.items():
            if name not in parts:
                raise errors.OpPrereqError(f"{key}: '{name}' is none of min, max, std",
                                           errors.ECODE_INVAL)
            parts[name][key] = _amount(key, value, name)
    result[constants.ISPECS_STD] = parts.pop(constants.ISPECS_STD)
    result[constants.ISPECS_MINMAX] = [parts]


def shown(policy: Mapping[str, Any], custom: Mapping[str, Any] | None = None,
          roman: Callable[[Any], Any] = lambda value: value) -> list[tuple[str, Any]]:
    """A policy for the info printer; what a group does not set itself is marked.

    :param custom: what the group sets itself; None for the cluster
    """
    def mark(key: str, value: Any) -> Any:
        return value if custom is None or key in custom else f"default ({info.scalar(value)})"

    result: list[tuple[str, Any]] = []
    bounds = [[(f"{limit}/{index}", [(key, mark(constants.ISPECS_MINMAX, roman(pair[limit][key])))
                                     for key in _KEYS])
               for limit in (constants.ISPECS_MIN, constants.ISPECS_MAX)]
              for index, pair in enumerate(policy.get(constants.ISPECS_MINMAX, []))]
    # the cluster's limits are shown in alphabetical order, a group's from the lower one
    if custom is None:
        bounds = [pair[::-1] for pair in bounds]
    result.append(("bounds specs", bounds))
    if custom is None and constants.ISPECS_STD in policy:
        std = policy[constants.ISPECS_STD]
        result.append((constants.ISPECS_STD, [(key, roman(std[key])) for key in _KEYS]))
    templates = ", ".join(policy.get(constants.IPOLICY_DTS, []))
    result.append(("allowed disk templates", mark(constants.IPOLICY_DTS, templates)))
    ratios = (constants.IPOLICY_VCPU_RATIO, constants.IPOLICY_SPINDLE_RATIO)
    for key in ratios if custom is None else sorted(ratios):
        result.append((key, mark(key, roman(policy.get(key)))))
    return result


def as_options(given: Mapping[str, Any]) -> list[str]:
    """The options that set such a policy."""
    result = []
    if constants.ISPECS_MINMAX in given:
        pairs = "//".join("/".join(f"{limit}:{_joined(pair[limit])}" for limit in (
            constants.ISPECS_MIN, constants.ISPECS_MAX)) for pair in given[constants.ISPECS_MINMAX])
        result += ["--ipolicy-bounds-specs", pairs]
    if constants.ISPECS_STD in given:
        result += ["--ipolicy-std-specs", _joined(given[constants.ISPECS_STD])]
    return result


def _joined(specs: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={specs[key]}" for key in sorted(specs))
