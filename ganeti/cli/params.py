"""From the words of options to the parameters of opcodes: types, disks, interfaces, states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.storage import registry as storage
from ganeti.utils import text

_DEFAULT = (constants.VALUE_DEFAULT,)


def _wrong(message: str) -> errors.OpPrereqError:
    return errors.OpPrereqError(message, errors.ECODE_INVAL)


def backend(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Back-end parameters in their types; memory stands for minmem and maxmem."""
    values = dict(given or {})
    memory = values.pop(constants.BE_MEMORY, None)
    if memory is not None:
        for name in (constants.BE_MINMEM, constants.BE_MAXMEM):
            values.setdefault(name, memory)
    return constants.BE_TABLE.enforce(values, allow=_DEFAULT)


def hypervisor(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a hypervisor in their types."""
    table = constants.HV_TABLES.get(name)
    if table is None:
        raise _wrong(f"There is no hypervisor '{name}': {constants.HYPER_TYPES.why_not(name)}; "
                     f"known are {', '.join(sorted(constants.HV_TABLES))}")
    return table.enforce(given, allow=_DEFAULT)


def any_hypervisor(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Parameters of a hypervisor that only the master knows: the first table that has them."""
    result = {}
    for key, value in (given or {}).items():
        tables = [table for table in constants.HV_TABLES.values() if key in table]
        if not tables:
            known = {name for table in constants.HV_TABLES.values() for name in table.names}
            from ganeti import ht
            raise _wrong(f"There is no hypervisor parameter '{key}'"
                         f"{ht.nearest_hint(key, known)}")
        result.update(tables[0].enforce({key: value}, allow=_DEFAULT))
    return result


def by_hypervisor(pairs: Sequence[tuple[str, Any]]) -> dict[str, dict[str, Any]]:
    """-H hv:k=v,… given several times."""
    return {name: hypervisor(name, _group(name, given)) for name, given in pairs}


def by_template(pairs: Sequence[tuple[str, Any]]) -> dict[str, dict[str, Any]]:
    """-D template:k=v,… given several times."""
    result = {}
    for name, given in pairs:
        table = constants.DISK_TABLES.get(name)
        if table is None:
            raise _wrong(f"There is no disk template '{name}': "
                         f"{constants.DISK_TEMPLATES.why_not(name)}; "
                         f"known are {', '.join(sorted(constants.DISK_TABLES))}")
        result[name] = table.enforce(_group(name, given), allow=_DEFAULT)
    return result


def _group(name: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise _wrong(f"'{name}' can not be removed as a whole; give its parameters")
    return given


def nic_defaults(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Defaults of interfaces in their types."""
    return constants.NIC_TABLE.enforce(given or {}, allow=_DEFAULT)


def node(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Node parameters in their types."""
    return None if given is None else constants.ND_TABLE.enforce(given, allow=_DEFAULT)


def hv_state(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any] | None:
    """--hypervisor-state hv:k=n,…"""
    return {name: constants.HVSTATE_TABLE.enforce(_group(name, given))
            for name, given in pairs} or None


def disk_state(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any] | None:
    """--disk-state type/name:k=n,…"""
    result: dict[str, dict[str, Any]] = {}
    for ident, given in pairs:
        kind, slash, name = ident.partition("/")
        if not slash or not name:
            raise _wrong(f"'{ident}' is no storage; write TYPE/NAME, as in plain/xenvg")
        result.setdefault(kind, {})[name] = constants.DISK_STATE_TABLE.enforce(
            _group(ident, given))
    return result or None


def ranges(word: str | None) -> list[list[int]] | None:
    """User ids such as 1000-1999,3000 as pairs of low and high."""
    if word is None:
        return None
    result = []
    for part in word.split(",") if word else []:
        low, dash, high = part.partition("-")
        try:
            pair = [int(low), int(high if dash else low)]
        except ValueError:
            raise _wrong(f"'{part}' is no user id and no range such as 1000-1999") from None
        if pair[0] > pair[1]:
            raise _wrong(f"The range {part} ends before it begins")
        result.append(pair)
    return result


def words(word: str | None) -> list[str] | None:
    """a,b,c as a list; an empty word is an empty list."""
    if word is None:
        return None
    return [part for part in word.split(",") if part]


# Disks and interfaces of a new instance

def new_disks(pairs: Sequence[tuple[str, Any]], single_size: int | None,
              template: str | None, *, needed: bool) -> list[dict[str, Any]]:
    """The disks of a new instance, from --disk N:… or from -s SIZE."""
    if pairs and single_size is not None:
        raise _wrong("Give either --disk or -s, not both")
    if single_size is not None:
        pairs = [("0", {"size": single_size})]
    if template is not None and not storage.require_known(template).has_disks:
        if pairs:
            raise _wrong(f"An instance of template {template} has no disks")
        return []
    if not pairs:
        if needed:
            raise _wrong("No disk is given; use --disk 0:size=… or -s SIZE, "
                         "or -t diskless for an instance without")
        return []
    return [disk(index, given) for index, given in enumerate(_indexed(pairs, "disk"))]


def disk(index: object, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a new disk in their types."""
    result = dict(given)
    adopted = constants.IDISK_ADOPT in result
    if constants.IDISK_SIZE in result:
        if adopted:
            raise _wrong(f"Disk {index}: what is adopted has its size already")
        result[constants.IDISK_SIZE] = _size(result[constants.IDISK_SIZE], f"disk {index}")
    elif adopted:
        result[constants.IDISK_SIZE] = 0
    else:
        raise _wrong(f"Disk {index} has no size; write size=…, or adopt=… for an existing one")
    return _spindles(index, result)


def _spindles(index: object, given: dict[str, Any]) -> dict[str, Any]:
    if constants.IDISK_SPINDLES in given:
        try:
            given[constants.IDISK_SPINDLES] = int(given[constants.IDISK_SPINDLES])
        except (TypeError, ValueError):
            raise _wrong(f"Disk {index}: spindles is a whole number") from None
    return given


def _size(value: Any, where: str) -> int:
    try:
        return text.parse_unit(value)
    except errors.UnitParseError as err:
        raise _wrong(f"{where}: {err}") from None


def new_nics(pairs: Sequence[tuple[str, Any]], none: bool) -> list[dict[str, Any]]:
    """The interfaces of a new instance, from --net N:…; one with all defaults if none is told."""
    if none:
        if pairs:
            raise _wrong("Give either --net or --no-nics, not both")
        return []
    return _indexed(pairs, "interface") if pairs else [{}]


def _indexed(pairs: Sequence[tuple[str, Any]], kind: str) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for ident, given in pairs:
        if not ident.isascii() or not ident.isdigit():
            raise _wrong(f"'{ident}' is no number of a {kind}; write 0:…, 1:… and so on")
        if not isinstance(given, dict):
            raise _wrong(f"The {kind} {ident} has no settings")
        if int(ident) in found:
            raise _wrong(f"The {kind} {ident} is given twice")
        found[int(ident)] = given
    limit = max(constants.MAX_DISKS, constants.MAX_NICS)
    if max(found) >= limit:
        raise _wrong(f"The {kind} {max(found)} is beyond the limit of {limit}")
    return [found.get(index, {}) for index in range(max(found) + 1)]


# Changes of disks and interfaces

_ACTIONS = (constants.DDM_ADD, constants.DDM_ATTACH, constants.DDM_REMOVE,
            constants.DDM_DETACH, constants.DDM_MODIFY)


def changes(pairs: Sequence[tuple[str, Any]], kind: str) -> list[list[Any]]:
    """add:…, remove, N:add,…, N:remove, N:k=v,… as [what, which one, settings]."""
    result = []
    for ident, given in pairs:
        action, which, params = _change(ident, dict(given) if isinstance(given, dict) else {})
        if action in (constants.DDM_REMOVE, constants.DDM_DETACH) and params:
            raise _wrong(f"To {action} a {kind} takes no settings")
        result.append([action, which, params])
    return result


def _change(ident: str, params: dict[str, Any]) -> tuple[str, int | str, dict[str, Any]]:
    if ident in _ACTIONS and ident != constants.DDM_MODIFY:
        return ident, -1, params
    named = [action for action in _ACTIONS if params.get(action) is True]
    if len(named) > 1:
        raise _wrong(f"'{ident}' can be changed in one way only, not {' and '.join(named)}")
    action = named[0] if named else constants.DDM_MODIFY
    params.pop(action, None)
    try:
        return action, int(ident), params
    except ValueError:
        return action, ident, params


def disk_changes(pairs: Sequence[tuple[str, Any]]) -> list[list[Any]]:
    """Changes of disks with their settings in their types."""
    result = changes(pairs, "disk")
    for change in result:
        action, which, given = change
        if action == constants.DDM_ADD:
            change[2] = disk(which, given)
        elif constants.IDISK_SIZE in given:
            raise _wrong(f"Disk {which}: its size can not be changed this way; "
                         "use 'gnt-instance grow-disk'")
        else:
            change[2] = _spindles(which, given)
    return result


def nic_changes(pairs: Sequence[tuple[str, Any]]) -> list[list[Any]]:
    """Changes of interfaces."""
    return changes(pairs, "interface")
