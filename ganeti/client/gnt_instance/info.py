"""gnt-instance info."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ganeti import constants
from ganeti.cli import info as printer
from ganeti.cli import jobs, opcode_options
from ganeti.cli.command import INSTANCE, Command, many
from ganeti.cli.option import Values
from ganeti.cli.report import Refused
from ganeti.cli.standard import PRIORITY, ROMAN, SHOW_ALL
from ganeti.opcodes.instance_params import OpInstanceQueryData
from ganeti.utils import net, text

Pairs = list[tuple[str, Any]]
_LOCAL_STATES = {3: " *UNCERTAIN STATE*", 4: " *MISSING DISK*"}


def show(values: Values, args: list[str]) -> int:
    """Print everything about instances."""
    if not args and not values.show_all:
        raise Refused("No instance selected. Please pass in --all if you want to query all "
                      "instances.\nNote that this can take a long time on a big cluster.")
    if args and values.show_all:
        raise Refused("Cannot use --all if you specify instance names.")
    op = OpInstanceQueryData(instances=args, static=values.static, use_locking=not values.static)
    result = jobs.submit_or_send(op, values)
    if not result:
        raise Refused("No instances.")
    printer.show([_instance(result[name], values) for name in text.nice_sort(result)])
    return 0


def _instance(known: dict[str, Any], values: Values) -> Pairs:
    def roman(value: Any) -> Any:
        return printer.roman(value, values.roman_integers)

    static = values.static
    state = f"configured to be {known['config_state']}"
    if not static:
        state += f", actual state is {known['run_state']}"
    result: Pairs = [
        ("Instance name", known["name"]), ("UUID", known["uuid"]),
        ("Serial number", roman(known["serial_no"])),
        ("Creation time", text.format_time(known["ctime"])),
        ("Modification time", text.format_time(known["mtime"])),
        ("State", state), ("Nodes", _nodes(known)), ("Operating system", known["os"]),
        ("Operating system parameters",
         printer.with_defaults(known["os_instance"], known["os_actual"]))]
    if known.get("network_port") is not None:
        result.append(("Allocated network port", roman(known["network_port"])))
    result.append(("Hypervisor", known["hypervisor"]))
    address = _console(known)
    if address:
        result.append(("console connection", address))
    result += [
        ("Hypervisor parameters",
         printer.with_defaults(known["hv_instance"], known["hv_actual"])),
        ("Back-end parameters", _backend(known, roman)),
        ("NICs", [_nic(index, nic) for index, nic in enumerate(known["nics"])]),
        ("Disk template", known["disk_template"]),
        ("Disks", [_disk(index, disk, static, roman)
                   for index, disk in enumerate(known["disks"])])]
    return result


def _nodes(known: dict[str, Any]) -> list[Pairs]:
    secondaries = zip(known["snodes"], known["snodes_group_names"], known["snodes_group_uuids"],
                      strict=True)
    return [
        [("primary", known["pnode"]),
         ("group", f"{known['pnode_group_name']} (UUID {known['pnode_group_uuid']})")],
        [("secondaries", ", ".join(f"{name} (group {group}, group UUID {uuid})"
                                   for name, group, uuid in secondaries))]]


def _backend(known: dict[str, Any], roman: Callable[[Any], Any]) -> dict[str, Any]:
    own = {name: roman(value) for name, value in known["be_instance"].items()}
    return printer.with_defaults(own, {name: roman(value)
                                       for name, value in known["be_actual"].items()})


def _console(known: dict[str, Any]) -> str | None:
    """Where a VNC or SPICE viewer finds the console, if it has such a one."""
    port = known.get("network_port")
    if bind := known["hv_actual"].get(constants.HV_VNC_BIND_ADDRESS):
        if bind.startswith("/"):
            return f"vnc:{bind}/{known['name']}.vnc"
        if port is None:
            return None
        display = port - constants.VNC_BASE_PORT
        tail = f" (display {display})" if display > 0 else ""
        return f"vnc to {net.format_address(_console_host(known, bind), port)}{tail}"
    if (bind := known["hv_actual"].get(constants.HV_SPICE_BIND)) and port is not None:
        tail = " (TLS)" if known["hv_actual"].get(constants.HV_SPICE_USE_TLS) else ""
        return f"spice to {net.format_address(_console_host(known, bind), port)}{tail}"
    return None


def _console_host(known: dict[str, Any], bind: str) -> str:
    """The node, unless the console is bound to one address of it."""
    if bind in (constants.IP4_ADDRESS_ANY, constants.IP6_ADDRESS_ANY) or not net.is_ip(bind):
        return str(known["pnode"])
    return bind


def _nic(index: int, nic: list[Any]) -> Pairs:
    name, uuid, ip, mac, mode, link, vlan, network, info = nic
    network_name = info["name"] if info else network
    return [(f"nic/{index}", ""), ("MAC", mac), ("IP", ip), ("mode", mode), ("link", link),
            ("vlan", vlan), ("network", network_name), ("UUID", uuid), ("name", name)]


def _disk(index: int | str, disk: dict[str, Any], static: bool,
          roman: Callable[[Any], Any]) -> Pairs:
    head = f"disk/{index}" if isinstance(index, int) else index
    size = text.format_unit(disk["size"])
    result: Pairs = [(head, f"{disk['dev_type']}, size {size}")]
    if disk.get("spindles") is not None:
        result.append(("spindles", roman(disk["spindles"])))
    if isinstance(index, int):
        result.append(("access mode", disk["mode"]))
    result += _identity(disk, roman)
    for key, title in (("pstatus", "on primary"), ("sstatus", "on secondary")):
        if not static and disk.get(key) is not None:
            result.append((title, _status(disk[key], disk["children"] == [])))
    if not static and disk.get("pstatus") is None:
        result.append(("on primary", "not active"))
    if isinstance(index, int):
        result += [("name", disk["name"]), ("UUID", disk["uuid"])]
    if disk["children"]:
        result.append(("child devices", [_disk(f"child {number}", child, static, roman)
                                         for number, child in enumerate(disk["children"])]))
    return result


def _identity(disk: dict[str, Any], roman: Callable[[Any], Any]) -> Pairs:
    """What identifies the disk to its storage; of a mirrored one both ends."""
    logical = disk["logical_id"]
    if len(logical) == 6 and disk["children"]:
        node_a, node_b, port, minor_a, minor_b, _secret = logical
        return [("nodeA", f"{node_a}, minor={roman(minor_a)}"),
                ("nodeB", f"{node_b}, minor={roman(minor_b)}"), ("port", roman(port))]
    return [("logical_id", str(list(logical)))] if logical else []


def _status(status: list[Any], plain: bool) -> str:
    path, major, minor, percent, remaining, degraded, local = status
    major, minor = ("N/A" if number is None else number for number in (major, minor))
    result = f"{path} ({major}:{minor})"
    if not plain:
        if percent is None:
            result += " in sync,"
        else:
            eta = "unknown" if remaining is None else f"{remaining}s"
            result += f" *RECOVERING* {percent:5.2f}%, ETA {eta},"
        result += " status *DEGRADED*" if degraded else " status ok"
    elif degraded:
        result += " status *DEGRADED*"
    return result + _LOCAL_STATES.get(local, "")


INFO = Command(
    show, args=[many(INSTANCE)],
    options=[opcode_options.option(OpInstanceQueryData, "static"), SHOW_ALL, ROMAN, PRIORITY],
    help="Show everything about instances", example="gnt-instance info web1.example.org")
