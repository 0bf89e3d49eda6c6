"""Storage of a node: volume groups, directories, providers: rows of the RPC table."""

from __future__ import annotations

from ganeti.rpc.calls import FAST, NORMAL, URGENT, Arg, Call

CALLS = [
    Call("extstorage_diagnose", timeout=FAST, multi=True, idempotent=True,
         result="list of [name, path, ok, diagnose text, [[param, doc]]]"),
    Call("file_storage_dir_create", Arg("file_storage_dir"), timeout=FAST, idempotent=True,
         result="null"),
    Call("file_storage_dir_remove", Arg("file_storage_dir"), timeout=FAST, idempotent=True,
         result="null"),
    Call("file_storage_dir_rename", Arg("old_file_storage_dir"), Arg("new_file_storage_dir"),
         timeout=FAST, result="null"),
    Call("lv_list", Arg("vg_name"), timeout=URGENT, multi=True, idempotent=True,
         result="dict 'vg/lv' -> [size string MiB, inactive, online]"),
    Call("node_volumes", timeout=FAST, multi=True, idempotent=True,
         result="list of {name,size (string MiB),dev,vg}, one per device of the LV"),
    Call("storage_execute", Arg("su_name"), Arg("su_args"), Arg("name"), Arg("op"),
         timeout=NORMAL, result="null"),
    Call("storage_list", Arg("su_name"), Arg("su_args"), Arg("name"), Arg("fields"),
         timeout=NORMAL, multi=True, idempotent=True,
         result="list of rows (values in the order of fields)"),
    Call("storage_modify", Arg("su_name"), Arg("su_args"), Arg("name"), Arg("changes"),
         timeout=NORMAL, idempotent=True, result="null"),
    Call("vg_list", timeout=URGENT, multi=True, idempotent=True,
         result="dict vg -> size MiB int"),
]
