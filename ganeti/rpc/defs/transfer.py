"""Moving instance data: exports, imports, their daemons and certificates: rows of the RPC table."""

from __future__ import annotations

from ganeti.rpc.calls import FAST, NORMAL, Arg, Call
from ganeti.rpc.kinds import INSTANCE, OBJECT, SNAPSHOTS, TRANSFER_END

CALLS = [
    Call("export_info", Arg("path"), timeout=FAST, idempotent=True, result="config.ini text"),
    Call("export_list", timeout=FAST, multi=True, idempotent=True, result="sorted list of names"),
    Call("export_remove", Arg("export"), timeout=FAST, idempotent=True, result="null"),
    Call("export_start", Arg("opts", OBJECT), Arg("host"), Arg("port"), Arg("instance", INSTANCE),
         Arg("component"), Arg("source", TRANSFER_END), timeout=NORMAL,
         result="name of status dir"),
    Call("finalize_export", Arg("instance", INSTANCE), Arg("snap_disks", SNAPSHOTS),
         timeout=NORMAL, result="null"),
    Call("impexp_abort", Arg("name"), timeout=NORMAL, idempotent=True, result="null"),
    Call("impexp_cleanup", Arg("name"), timeout=NORMAL, idempotent=True, result="null"),
    Call("impexp_status", Arg("names"), timeout=FAST, idempotent=True,
         result="list: status dict or null"),
    Call("import_start", Arg("opts", OBJECT), Arg("instance", INSTANCE), Arg("component"),
         Arg("dest", TRANSFER_END), timeout=NORMAL, result="name of status dir"),
    Call("x509_cert_create", Arg("validity"), timeout=NORMAL, result="[name, cert pem]"),
    Call("x509_cert_remove", Arg("name"), timeout=NORMAL, idempotent=True, result="null"),
]
