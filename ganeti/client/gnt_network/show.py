"""gnt-network list and info."""

from __future__ import annotations

from typing import Any

from ganeti.cli import jobs, listing
from ganeti.cli.command import NETWORK, Command, many
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import PLAIN_LIST_OPTIONS

_USUAL = ["name", "network", "gateway", "mac_prefix", "group_list", "tags"]
_INFO = ["name", "network", "gateway", "network6", "gateway6", "mac_prefix", "free_count",
         "reserved_count", "map", "group_list", "inst_list", "external_reservations",
         "serial_no", "uuid"]
_PER_LINE = 64


def _groups(value: Any) -> str:
    return ", ".join(f"{name} ({mode}, {link}, {vlan})" if vlan else f"{name} ({mode}, {link})"
                     for name, mode, link, vlan in value)


def list_networks(values: Values, args: list[str]) -> int:
    """Print networks as a table."""
    return listing.show("network", values, args, _USUAL, own={"group_list": _groups})


def info(values: Values, args: list[str]) -> int:
    """Print networks with their addresses and users."""
    luxi = jobs.client()
    for index, row in enumerate(luxi.query_networks(args, _INFO)):
        if index:
            to_stdout("")
        _show(luxi, dict(zip(_INFO, row, strict=True)))
    return 0


def _show(luxi: Any, known: dict[str, Any]) -> None:
    size = known["free_count"] + known["reserved_count"]
    to_stdout(f"Network name: {known['name']}")
    to_stdout(f"UUID: {known['uuid']}")
    to_stdout(f"Serial number: {known['serial_no']}")
    for title, key in (("Subnet", "network"), ("Gateway", "gateway"), ("IPv6 Subnet", "network6"),
                       ("IPv6 Gateway", "gateway6"), ("Mac Prefix", "mac_prefix")):
        to_stdout(f"  {title}: {known[key]}")
    to_stdout(f"  Size: {size}")
    share = known["free_count"] * 100 / size if size else 0
    to_stdout(f"  Free: {known['free_count']} ({share:.2f}%)")
    if known["map"]:
        to_stdout("  Usage map:")
        for first in range(0, len(known["map"]), _PER_LINE):
            part = known["map"][first:first + _PER_LINE]
            to_stdout(f"    {first:>5} {part} {first + len(part) - 1}")
        to_stdout("         (X) used    (.) free")
    if known["external_reservations"]:
        to_stdout("  externally reserved IPs:")
        to_stdout(f"    {known['external_reservations']}")
    _show_users(luxi, known)


def _show_users(luxi: Any, known: dict[str, Any]) -> None:
    if known["group_list"]:
        to_stdout("  connected to node groups:")
        for group in known["group_list"]:
            to_stdout(f"    {_groups([group])}")
    else:
        to_stdout("  not connected to any node group")
    if not known["inst_list"]:
        to_stdout("  not used by any instances")
        return
    to_stdout(f"  used by {len(known['inst_list'])} instances:")
    for name, ips, networks in luxi.query_instances(
            known["inst_list"], ["name", "nic.ips", "nic.networks"]):
        used = [f"{index}:{ip}" for index, (ip, network)
                in enumerate(zip(ips, networks, strict=True)) if network == known["uuid"]]
        to_stdout(f"    {name}: {', '.join(used)}")


LIST = Command(list_networks, args=[many(NETWORK)], options=PLAIN_LIST_OPTIONS,
               help="List networks", example="gnt-network list -o name,free_count")
LIST_FIELDS = listing.list_fields_command("network", "gnt-network")
INFO = Command(info, args=[many(NETWORK)], help="Show networks, their addresses and users",
               example="gnt-network info lan1")
