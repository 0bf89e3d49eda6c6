"""Addresses, bridges and switches of this node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import errors, pathutils
from ganeti.utils import net, process

_IP_VERSIONS = {2: "4", 10: "6"}
#: Of the whole script: duplicate detection and announcement take some seconds.
SCRIPT_TIMEOUT = 60.0


def node_has_ip_address(address: str) -> bool:
    """Whether this node has an address."""
    return net.is_own_address(address)


def bridges_exist(bridges_list: Sequence[str]) -> None:
    """Refuse if one of some bridges is missing."""
    missing = [name for name in bridges_list if not net.is_bridge(name)]
    if missing:
        raise errors.OpExecError(f"Missing bridges: {', '.join(missing)}; create them on this "
                                 "node, or give the NICs another link")


def node_configure_ovs(ovs_name: str, ovs_link: str | None) -> None:
    """Make an Open vSwitch, and connect it to an interface of the node."""
    if process.run(["ovs-vsctl", "br-exists", ovs_name]).failed:
        process.run(["ovs-vsctl", "add-br", ovs_name]).require_success(
            f"Cannot make the switch {ovs_name}")
    if ovs_link:
        ports = process.run(["ovs-vsctl", "list-ports", ovs_name]).require_success()
        if ovs_link not in ports.stdout.split():
            process.run(["ovs-vsctl", "add-port", ovs_name, ovs_link]).require_success(
                f"Cannot connect {ovs_link} to the switch {ovs_name}")


def _run_master_ip_script(params: Mapping[str, Any], action: str, external: bool) -> None:
    if external:
        script = pathutils.EXTERNAL_MASTER_SETUP_SCRIPT
    else:
        script = pathutils.DEFAULT_MASTER_SETUP_SCRIPT
    try:
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "MASTER_NETDEV": str(params["netdev"]), "MASTER_IP": str(params["ip"]),
            "MASTER_NETMASK": str(params["netmask"]),
            "CLUSTER_IP_VERSION": _IP_VERSIONS[params["ip_family"]],
        }
    except (KeyError, TypeError) as err:
        raise errors.ParameterError(f"The master's network parameters lack {err}") from None
    result = process.run([script, action], env=env, reset_env=True, timeout=SCRIPT_TIMEOUT)
    if result.failed:
        raise errors.OpExecError(
            f"'{script} {action}' failed for the master IP {params['ip']} ({result.fail_reason}): "
            f"{result.output.strip() or 'it said nothing'}")


def node_activate_master_ip(master_params: Mapping[str, Any], use_external_mip_script: bool
                            ) -> None:
    """Take the cluster's address; safe to repeat."""
    _run_master_ip_script(master_params, "start", use_external_mip_script)


def node_deactivate_master_ip(master_params: Mapping[str, Any], use_external_mip_script: bool
                              ) -> None:
    """Give the cluster's address up; safe to repeat."""
    _run_master_ip_script(master_params, "stop", use_external_mip_script)


def node_change_master_netmask(old_netmask: int, netmask: int, master_ip: str,
                               master_netdev: str) -> None:
    """Give the cluster's address another netmask on this node."""
    if old_netmask == netmask:
        return
    if not net.is_own_address(master_ip):
        raise errors.OpExecError(f"The master IP {master_ip} is not active on this node")
    if f"{master_ip}/{old_netmask}" not in _prefixes(master_netdev):
        return  # active in another way: through a route, or on another interface
    family = ["-6"] if ":" in master_ip else ["-4"]
    process.run(["ip", *family, "address", "add", f"{master_ip}/{netmask}", "dev", master_netdev,
                 "label", f"{master_netdev}:0"]).require_success(
        f"Cannot set the netmask {netmask} of the master IP")
    process.run(["ip", *family, "address", "del", f"{master_ip}/{old_netmask}",
                 "dev", master_netdev]).require_success(
        f"Cannot take the old netmask {old_netmask} of the master IP away")


def _prefixes(netdev: str) -> list[str]:
    shown = process.run(["ip", "-o", "address", "show", "dev", netdev])
    return [words[3] for line in shown.stdout.splitlines() if len(words := line.split()) > 3]
