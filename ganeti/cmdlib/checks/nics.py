"""Network interfaces of instances: from wishes to objects, with addresses reserved for the job.

A *wish* is what the administrator wrote, checked for form; `settle` turns it into an interface
once the node group (and so the network's parameters) is known.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import device_names
from ganeti.config import macs
from ganeti.utils import uuid as uuids

_VLAN = re.compile(r"^(\.?\d+)?(:\d+)*$")
_AUTO_MACS = (constants.VALUE_AUTO, constants.VALUE_GENERATE)
PARAMETERS = ("mode", "link", "vlan")


@dataclasses.dataclass(frozen=True)
class Wish:
    """An interface as asked for; absent keys are not in `given`."""

    given: Mapping[str, Any]

    def get(self, key: str, default: Any = None) -> Any:
        return self.given.get(key, default)

    def __contains__(self, key: str) -> bool:
        return key in self.given

    @property
    def own_params(self) -> dict[str, str]:
        """Its own mode, link and vlan, where it sets them."""
        return {key: self.given[key] for key in PARAMETERS if key in self.given}


def wish(spec: Mapping[str, Any], where: str) -> Wish:
    """Check the form of an interface specification; refuses contradictions in it."""
    unknown = sorted(spec.keys() - set(constants.INIC_PARAMS_TYPES))
    if unknown:
        raise errors.OpPrereqError(
            f"{where}: unknown parameter {', '.join(unknown)}; known are"
            f" {', '.join(sorted(constants.INIC_PARAMS_TYPES))}", errors.ECODE_INVAL)
    given = dict(spec)
    for key in ("network", "name", "ip", "vlan", "bridge"):
        value = given.get(key)
        if key in given and (not value or str(value).lower() == constants.VALUE_NONE):
            given[key] = None
    _fold_bridge(given, where)
    for key in ("mode", "link"):
        if given.get(key) in (None, constants.VALUE_AUTO, constants.VALUE_DEFAULT):
            given.pop(key, None)
    if given.get("mode") not in (None, *constants.NIC_VALID_MODES):
        raise errors.OpPrereqError(
            f"{where}: unknown mode '{given['mode']}'; known are"
            f" {', '.join(sorted(constants.NIC_VALID_MODES))}", errors.ECODE_INVAL)
    if given.get("network") and any(key in given for key in PARAMETERS):
        raise errors.OpPrereqError(
            f"{where}: a network brings its own mode and link; they can not be given with it",
            errors.ECODE_INVAL)
    _check_vlan(given, where)
    if "ip" in given:
        given["ip"] = _check_ip(given, where)
    if "mac" in given:
        given["mac"] = _check_mac(given["mac"], where)
    if given.get("name"):
        device_names.check(given["name"], where)
    return Wish(given)


def _fold_bridge(given: dict[str, Any], where: str) -> None:
    """The old key `bridge` is a link of the mode bridged."""
    bridge = given.pop("bridge", None)
    if bridge is None:
        return
    if given.get("link"):
        raise errors.OpPrereqError(
            f"{where}: 'bridge' and 'link' mean the same and can not both be given",
            errors.ECODE_INVAL)
    if given.get("mode") not in (None, constants.NIC_MODE_BRIDGED):
        raise errors.OpPrereqError(
            f"{where}: 'bridge' needs the mode {constants.NIC_MODE_BRIDGED}, not"
            f" {given['mode']}", errors.ECODE_INVAL)
    given["link"] = bridge


def _check_vlan(given: dict[str, Any], where: str) -> None:
    vlan = given.get("vlan")
    if vlan is None:
        given.pop("vlan", None)
        return
    text = str(vlan)
    if not _VLAN.match(text) or any(
            not 1 <= int(part) <= 4094 for part in re.findall(r"\d+", text)):
        raise errors.OpPrereqError(
            f"{where}: '{vlan}' is not a VLAN: N or .N for an access port, :N:M for a trunk",
            errors.ECODE_INVAL)
    given["vlan"] = "." + text if text[:1].isdigit() else text


def _check_ip(given: Mapping[str, Any], where: str) -> str | None:
    value = given["ip"]
    if value is None or value == constants.VALUE_AUTO:
        return value if value else None
    if value.lower() == constants.NIC_IP_POOL:
        if "network" in given and not given["network"]:
            raise errors.OpPrereqError(
                f"{where}: an address from a pool needs a network", errors.ECODE_INVAL)
        return constants.NIC_IP_POOL
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise errors.OpPrereqError(
            f"{where}: '{value}' is not an IP address", errors.ECODE_INVAL) from None


def _check_mac(value: Any, where: str) -> str:
    text = str(value or constants.VALUE_AUTO).lower()
    if text in _AUTO_MACS:
        return constants.VALUE_AUTO
    try:
        return macs.check(text)
    except errors.OpPrereqError as err:
        raise errors.OpPrereqError(f"{where}: {err.args[0]}", errors.ECODE_INVAL) from err


# From wishes to interfaces.


def settle(
    lu: base.LogicalUnit,
    wanted: Wish,
    group: objects.NodeGroup,
    where: str,
    *,
    hostname_ip: str | None = None,
    conflicts_check: bool = True,
) -> objects.Nic:
    """The interface for a wish of a new instance; its addresses are reserved for the job."""
    nic = objects.Nic(uuid=uuids.new(), mac="", nicparams={})
    return change(lu, nic, wanted, group, where, hostname_ip=hostname_ip,
                  conflicts_check=conflicts_check)


def change(
    lu: base.LogicalUnit,
    nic: objects.Nic,
    wanted: Wish,
    group: objects.NodeGroup,
    where: str,
    *,
    hostname_ip: str | None = None,
    conflicts_check: bool = True,
) -> objects.Nic:
    """An interface after a wish was applied to it; new addresses are reserved for the job."""
    network = _network(lu, nic, wanted)
    params = _params(nic, wanted, network, group, where)
    filled = lu.config.filled_nicparams(params)
    _require_sane(filled, wanted, where)
    address = _address(nic, wanted, network, where, hostname_ip)
    if filled["mode"] == constants.NIC_MODE_ROUTED and not address:
        raise errors.OpPrereqError(
            f"{where}: the mode {constants.NIC_MODE_ROUTED} needs an IP address",
            errors.ECODE_INVAL)
    network_uuid = network.uuid if network else None
    if (address, network_uuid) != (nic.ip, nic.network):
        address = _reserve_ip(lu, address, network, group, where, conflicts_check)
    mac = _mac(lu, nic, wanted, network, where)
    return nic.replace(
        mac=mac, ip=address, network=network_uuid, nicparams=params,
        name=wanted.get("name", nic.name) if "name" in wanted else nic.name)


def _network(
    lu: base.LogicalUnit, nic: objects.Nic, wanted: Wish
) -> objects.Network | None:
    """The network after the change: the wanted one, none, or the one it has."""
    if "network" in wanted:
        name = wanted.get("network")
        return lu.config.expand_network(name) if name else None
    return lu.config.networks.get(nic.network) if nic.network else None


def _params(
    nic: objects.Nic,
    wanted: Wish,
    network: objects.Network | None,
    group: objects.NodeGroup,
    where: str,
) -> dict[str, Any]:
    """Its own mode, link and vlan after the change."""
    if network is None:
        left_network = nic.network is not None
        return {**({} if left_network else nic.nicparams), **wanted.own_params}
    if wanted.own_params:
        raise errors.OpPrereqError(
            f"{where}: mode and link come from network {network.name} and can not be set; take"
            " the interface out of the network with network=none first", errors.ECODE_INVAL)
    connected = group.networks.get(network.uuid)
    if connected is None:
        raise errors.OpPrereqError(
            f"{where}: network {network.name} is not connected to node group {group.name}"
            f" ('gnt-network connect {network.name} MODE LINK {group.name}')",
            errors.ECODE_INVAL)
    return dict(connected)


def _require_sane(filled: Mapping[str, Any], wanted: Wish, where: str) -> None:
    if not filled["link"] and filled["mode"] in (
            constants.NIC_MODE_BRIDGED, constants.NIC_MODE_OVS):
        raise errors.OpPrereqError(
            f"{where}: the mode {filled['mode']} needs a link", errors.ECODE_INVAL)
    if "vlan" in wanted and filled["mode"] != constants.NIC_MODE_OVS:
        raise errors.OpPrereqError(
            f"{where}: a VLAN needs the mode {constants.NIC_MODE_OVS}, not {filled['mode']}",
            errors.ECODE_INVAL)


def _address(
    nic: objects.Nic,
    wanted: Wish,
    network: objects.Network | None,
    where: str,
    hostname_ip: str | None,
) -> str | None:
    """The address after the change; still the word `pool` when one is to be generated."""
    if "ip" not in wanted:
        if nic.ip and network is not None and network.uuid != nic.network:
            _require_inside(nic.ip, network, where)
        return nic.ip
    address = wanted.get("ip")
    if address == constants.VALUE_AUTO:
        if hostname_ip is None:
            raise errors.OpPrereqError(
                f"{where}: the address 'auto' is that of the instance's name, which is only"
                " looked up with --name-check", errors.ECODE_INVAL)
        address = hostname_ip
    if address == constants.NIC_IP_POOL and network is None:
        raise errors.OpPrereqError(
            f"{where}: an address from a pool needs a network", errors.ECODE_INVAL)
    if address and address != constants.NIC_IP_POOL and network is not None:
        _require_inside(address, network, where)
    return None if address is None else str(address)


def _require_inside(address: str, network: objects.Network, where: str) -> None:
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4 and parsed not in ipaddress.ip_network(network.network):
        raise errors.OpPrereqError(
            f"{where}: {address} lies outside network {network.name} ({network.network})",
            errors.ECODE_INVAL)


def _reserve_ip(
    lu: base.LogicalUnit,
    address: str | None,
    network: objects.Network | None,
    group: objects.NodeGroup,
    where: str,
    conflicts_check: bool,
) -> str | None:
    """Hold the new address for this job until its commit; generates it where asked for."""
    if address is None:
        return None
    try:
        if address == constants.NIC_IP_POOL:
            assert network is not None
            generated = lu.cfg.reserve.ips.generate(lu.job_id, network.uuid)
            lu.feedback(f"* {where}: chose address {generated} from network {network.name}")
            return str(generated)
        if network is not None:
            lu.cfg.reserve.ips.take(lu.job_id, network.uuid, address)
        elif conflicts_check:
            _require_no_conflict(lu, address, group, where)
    except (errors.ReservationError, errors.AddressPoolError) as err:
        raise errors.OpPrereqError(f"{where}: {err}", errors.ECODE_NOTUNIQUE) from err
    return address


def _require_no_conflict(
    lu: base.LogicalUnit, address: str, group: objects.NodeGroup, where: str
) -> None:
    """Refuse an address that belongs to a network of the group without being in the network."""
    parsed = ipaddress.ip_address(address)
    for network_uuid in group.networks:
        network = lu.config.networks[network_uuid]
        if parsed.version == 4 and parsed in ipaddress.ip_network(network.network):
            raise errors.OpPrereqError(
                f"{where}: {address} belongs to network {network.name}; give network="
                f"{network.name}, or --no-conflicts-check to go on", errors.ECODE_STATE)


def _mac(
    lu: base.LogicalUnit,
    nic: objects.Nic,
    wanted: Wish,
    network: objects.Network | None,
    where: str,
) -> str:
    """Its MAC: as given, generated, or kept; a network with a prefix of its own wants its own."""
    moved = (network.uuid if network else None) != nic.network
    own_prefix = network is not None and bool(network.mac_prefix)
    given = wanted.get("mac")
    if nic.mac and given is None and not (moved and own_prefix):
        return nic.mac
    try:
        if given and given != constants.VALUE_AUTO:
            if given != nic.mac:
                lu.cfg.reserve.macs.take(lu.job_id, given)
            return str(given)
        return lu.cfg.reserve.macs.generate(lu.job_id, network.uuid if network else None)
    except errors.ReservationError as err:
        raise errors.OpPrereqError(f"{where}: {err}", errors.ECODE_NOTUNIQUE) from err


def require_unique_names(nics: Sequence[objects.Nic]) -> None:
    """Refuse two interfaces of one instance with the same name."""
    device_names.require_unique([nic.name for nic in nics], "NIC")


# On nodes.


def bridges(config: objects.ConfigData, nics: Iterable[objects.Nic]) -> list[str]:
    """Names of the bridges that interfaces need on their node."""
    filled = [config.filled_nicparams(nic) for nic in nics]
    return sorted({params["link"] for params in filled
                   if params["mode"] == constants.NIC_MODE_BRIDGED})


def require_bridges(
    lu: base.LogicalUnit, nics: Iterable[objects.Nic], node_uuid: str
) -> None:
    """Refuse a node that lacks a bridge which an interface is plugged into."""
    wanted = bridges(lu.config, nics)
    if not wanted:
        return
    result = lu.rpc.bridges_exist(node_uuid, wanted)
    result.raise_if_failed(
        f"Missing bridges on node {lu.config.nodes[node_uuid].name}", prereq=True,
        ecode=errors.ECODE_ENVIRON)
