"""A node as a whole: facts, checks, daemons, membership: rows of the RPC table."""

from __future__ import annotations

from ganeti.rpc.calls import FAST, NORMAL, SLOW, URGENT, Arg, Call


def _delay_timeout(duration: float) -> float:
    return duration + 5


CALLS = [
    Call("candidate_state", timeout=URGENT, multi=True, idempotent=True,
         result="dict cluster (uuid), config_serial, queue_serial"),
    Call("get_watcher_pause", timeout=URGENT, idempotent=True, result="timestamp or null"),
    Call("hooks_runner", Arg("hpath"), Arg("phase"), Arg("env"), timeout=NORMAL, multi=True,
         result="list of ['HPATH-phase.d/script', code, output]; code 0 skip, 1 fail, 2 ok"),
    Call("iallocator_runner", Arg("name"), Arg("idata"), Arg("default_iallocator_params"),
         timeout=NORMAL, result="stdout text"),
    Call("master_node_name", timeout=URGENT, multi=True, idempotent=True, result="name"),
    Call("node_demote_from_mc", timeout=FAST, result="null"),
    Call("node_ensure_daemon", Arg("daemon"), Arg("run"), timeout=URGENT, multi=True,
         idempotent=True, result="bool"),
    Call("node_info", Arg("storage_units"), Arg("hv_specs"), timeout=URGENT, multi=True,
         idempotent=True, result="[boot id, null | [storage dict or null], null | [hv dict]]"),
    Call("node_leave_cluster", Arg("modify_ssh_setup"), timeout=NORMAL,
         result="closes the daemon: [true, text]"),
    Call("node_powercycle", Arg("hypervisor"), Arg("hvparams"), timeout=NORMAL, result="text"),
    Call("node_start_master_daemons", Arg("no_voting"), timeout=FAST, result="null"),
    Call("node_stop_master", timeout=FAST, result="null"),
    Call("node_verify", Arg("checkdict"), Arg("cluster_name"), Arg("all_hvparams"),
         timeout=NORMAL, multi=True, idempotent=True, result="dict, see node_verify"),
    Call("node_verify_light", Arg("checkdict"), Arg("cluster_name"), Arg("hvparams"),
         timeout=NORMAL, multi=True, idempotent=True, result="dict, see node_verify"),
    Call("restricted_command", Arg("cmd"), timeout=SLOW, multi=True, result="output text"),
    Call("run_oob", Arg("oob_program"), Arg("command"), Arg("remote_node"), Arg("timeout"),
         timeout=NORMAL, result="stdout text"),
    Call("set_watcher_pause", Arg("until"), timeout=URGENT, multi=True, idempotent=True,
         result="null"),
    Call("test_delay", Arg("duration"), timeout=_delay_timeout, multi=True, result="null"),
    Call("version", timeout=URGENT, multi=True, idempotent=True, result="protocol version int"),
]
