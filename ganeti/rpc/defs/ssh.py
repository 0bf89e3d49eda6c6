"""Keys and certificates of a node: rows of the RPC table."""

from __future__ import annotations

from ganeti.rpc.calls import FAST, FOUR_HOURS, SLOW, Arg, Call

CALLS = [
    Call("node_crypto_tokens", Arg("token_request"), timeout=SLOW,
         result="list of [type, token]"),
    Call("node_ssh_key_add", Arg("node_uuid"), Arg("node_name"),
         Arg("potential_master_candidates"), Arg("to_authorized_keys"), Arg("to_public_keys"),
         Arg("get_public_keys"), timeout=FAST, multi=True, idempotent=True,
         result="list of [node, message] errors"),
    Call("node_ssh_key_remove", Arg("node_uuid"), Arg("node_name"), Arg("master_candidate_uuids"),
         Arg("potential_master_candidates"), Arg("from_authorized_keys"), Arg("from_public_keys"),
         Arg("clear_authorized_keys"), Arg("clear_public_keys"), Arg("readd"), timeout=FAST,
         multi=True, idempotent=True, result="list of [node, message] errors"),
    Call("node_ssh_keys_renew", Arg("node_uuids"), Arg("node_names"),
         Arg("master_candidate_uuids"), Arg("potential_master_candidates"), Arg("old_key_type"),
         Arg("new_key_type"), Arg("new_key_bits"), timeout=FOUR_HOURS, multi=True,
         result="list of [node, message] errors"),
]
