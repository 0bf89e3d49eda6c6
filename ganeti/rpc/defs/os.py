"""Operating system definitions and their scripts: rows of the RPC table."""

from __future__ import annotations

from ganeti.rpc.calls import FAST, ONE_DAY, SLOW, Arg, Call
from ganeti.rpc.kinds import INSTANCE, INSTANCE_OSP

CALLS = [
    Call("instance_os_add", Arg("instance_osp", INSTANCE_OSP), Arg("reinstall"), Arg("debug"),
         timeout=ONE_DAY, result="null"),
    Call("instance_run_rename", Arg("instance", INSTANCE), Arg("old_name"), Arg("debug"),
         timeout=SLOW, result="null"),
    Call("os_diagnose", timeout=FAST, multi=True, idempotent=True,
         result="list of [name, path, ok, diagnose text, variants, [[param, doc]], api versions, "
                "trusted]"),
    Call("os_export", Arg("instance", INSTANCE), Arg("override_env"), timeout=FAST,
         result="path of .tgz"),
    Call("os_validate", Arg("required"), Arg("name"), Arg("checks"), Arg("params"),
         Arg("force_variant"), timeout=FAST, multi=True, idempotent=True,
         result="bool (false when OS missing and not required)"),
]
