"""The scripts that connect the host's side of guests' network interfaces, and what they are told.

Every hypervisor uses them. Those whose own programs start the scripts write the environment down
in a file (see daemons/net-common); which devices an interface consists of is the drivers'.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ganeti import constants, errors, objects, pathutils
from ganeti.utils import io, process

UP, DOWN = "up", "down"
#: Modes in which an interface is a port of a bridge or switch
SWITCHED = (constants.NIC_MODE_BRIDGED, constants.NIC_MODE_OVS)
_TIMEOUT = 60


def run(program: str, action: str, name: str, tags: Iterable[str], number: int,
        nic: objects.Nic, interface: str, phase: str = "") -> None:
    """Let `program` connect or disconnect an interface; HypervisorError with what it said."""
    result = process.run([program, interface], reset_env=True, timeout=_TIMEOUT,
                         env=environment(action, name, tags, number, nic, interface, phase))
    if result.failed:
        raise errors.HypervisorError(
            f"Taking {action} interface {interface} of instance {name}"
            f" ({nic.nicparams.get('mode')}, {nic.nicparams.get('link')}) failed:"
            f" {result.fail_reason}; {result.output.strip()}")


def environment(action: str, name: str, tags: Iterable[str], number: int, nic: objects.Nic,
                interface: str, phase: str = "") -> dict[str, str]:
    """What the catalogue says that the scripts are told."""
    params = nic.nicparams
    mode, link = params.get("mode", ""), params.get("link", "")
    env = {
        "PATH": "/sbin:/bin:/usr/sbin:/usr/bin",
        "ACTION": action, "INSTANCE": name, "TAGS": " ".join(tags), "MAC": nic.mac,
        "IP": nic.ip or "", "MODE": mode, "LINK": link, "VLAN": params.get("vlan", ""),
        "INTERFACE": interface, "INTERFACE_INDEX": str(number), "INTERFACE_UUID": nic.uuid,
        "INTERFACE_NAME": nic.name or "",
        **_network(nic.netinfo or {}),
    }
    if mode in SWITCHED:
        env["BRIDGE"] = link
    if phase:
        env["MIGRATION_PHASE"] = phase
    if pathutils.ROOT:
        env["GANETI_ROOTDIR"] = pathutils.ROOT
    return env


def _network(netinfo: Mapping[str, Any]) -> dict[str, str]:
    names = {"NAME": "name", "UUID": "uuid", "SUBNET": "network", "GATEWAY": "gateway",
             "SUBNET6": "network6", "GATEWAY6": "gateway6", "MAC_PREFIX": "mac_prefix"}
    env = {f"NETWORK_{key}": str(netinfo[field]) for key, field in names.items()
           if netinfo.get(field)}
    if netinfo:
        env["NETWORK_TAGS"] = " ".join(netinfo.get("tags") or ())
    return env


def write(path: str, env: Mapping[str, str]) -> None:
    """Write an environment down for `load_interface` of net-common."""
    lines = [f"export {key}={shlex.quote(value)}\n" for key, value in sorted(env.items())]
    io.write_file(path, "".join(lines).encode(), mode=0o644)
