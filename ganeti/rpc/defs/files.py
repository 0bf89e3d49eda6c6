"""Files that the master hands out: rows of the RPC table."""

from __future__ import annotations

from ganeti.rpc.calls import FAST, NORMAL, Arg, Call
from ganeti.rpc.kinds import COMPRESSED, FILE_DETAILS

CALLS = [
    Call("config_append", Arg("state"), Arg("pieces"), timeout=NORMAL, multi=True,
         result="name of the new state; the change is durable"),
    Call("config_settle", timeout=NORMAL, multi=True, idempotent=True, result="null"),
    Call("etc_hosts_modify", Arg("mode"), Arg("name"), Arg("ip"), timeout=NORMAL, idempotent=True,
         result="true"),
    Call("get_file_info", Arg("file_path"), timeout=FAST, idempotent=True,
         result="[exists, {size}]"),
    Call("upload_file", Arg("file_name", FILE_DETAILS), timeout=NORMAL, multi=True,
         idempotent=True, result="null"),
    Call("upload_file_single", Arg("file_name"), Arg("content", COMPRESSED), Arg("mode"),
         Arg("uid"), Arg("gid"), Arg("atime"), Arg("mtime"), timeout=NORMAL, multi=True,
         idempotent=True, result="null"),
    Call("write_ssconf_files", Arg("values"), timeout=NORMAL, multi=True, idempotent=True,
         result="null"),
]
