"""Addresses and bridges of a node: rows of the RPC table."""

from __future__ import annotations

from ganeti.rpc.calls import FAST, NORMAL, URGENT, Arg, Call
from ganeti.rpc.kinds import OBJECT

CALLS = [
    Call("bridges_exist", Arg("bridges_list"), timeout=URGENT, idempotent=True,
         result="null; fails listing missing"),
    Call("node_activate_master_ip", Arg("master_params", OBJECT), Arg("use_external_mip_script"),
         timeout=FAST, idempotent=True, result="null"),
    Call("node_change_master_netmask", Arg("old_netmask"), Arg("netmask"), Arg("master_ip"),
         Arg("master_netdev"), timeout=FAST, idempotent=True, result="null"),
    Call("node_configure_ovs", Arg("ovs_name"), Arg("ovs_link"), timeout=NORMAL, idempotent=True,
         result="null"),
    Call("node_deactivate_master_ip", Arg("master_params", OBJECT),
         Arg("use_external_mip_script"), timeout=FAST, idempotent=True, result="null"),
    Call("node_has_ip_address", Arg("address"), timeout=FAST, idempotent=True, result="bool"),
]
