"""Running instances and their hypervisors: rows of the RPC table."""

from __future__ import annotations

from ganeti.rpc.calls import NORMAL, SLOW, URGENT, Arg, Call
from ganeti.rpc.kinds import CONSOLES, DEVICE, INSTANCE, INSTANCE_HVP_BEP

CALLS = [
    Call("accept_instance", Arg("instance", INSTANCE), Arg("info"), Arg("target"), timeout=NORMAL,
         result="null"),
    Call("all_instances_info", Arg("hypervisor_list"), Arg("all_hvparams"), timeout=URGENT,
         multi=True, idempotent=True, result="dict name -> {memory,vcpus,state,time}"),
    Call("hotplug_device", Arg("instance", INSTANCE), Arg("action"), Arg("dev_type"),
         Arg("device", DEVICE), Arg("extra"), Arg("seq"), timeout=NORMAL,
         result="hotplugged device dict (add, modify) or null"),
    Call("hotplug_supported", Arg("instance", INSTANCE), timeout=NORMAL, idempotent=True,
         result="null; fails when not"),
    Call("hypervisor_validate_params", Arg("hvname"), Arg("hvfull"), timeout=NORMAL, multi=True,
         idempotent=True, result="null"),
    Call("instance_balloon_memory", Arg("instance", INSTANCE), Arg("memory"), timeout=NORMAL,
         idempotent=True, result="null"),
    Call("instance_console_info", Arg("instances", CONSOLES), timeout=URGENT, multi=True,
         idempotent=True, raw_body=True, result="dict name -> console object"),
    Call("instance_finalize_migration_dst", Arg("instance", INSTANCE), Arg("info"),
         Arg("success"), timeout=NORMAL, idempotent=True, result="null"),
    Call("instance_finalize_migration_src", Arg("instance", INSTANCE), Arg("success"),
         Arg("live"), timeout=SLOW, idempotent=True, result="null"),
    Call("instance_get_migration_status", Arg("instance", INSTANCE), timeout=SLOW,
         idempotent=True, result="{status, transferred_ram, total_ram, postcopy_status, downtime, "
         "total_time}"),
    Call("instance_info", Arg("instance"), Arg("hname"), Arg("hvparams"), timeout=URGENT,
         idempotent=True, result="{} when not running, else {memory,vcpus,state,time}"),
    Call("instance_list", Arg("hypervisor_list"), Arg("hvparams"), timeout=URGENT, multi=True,
         idempotent=True, result="list of names"),
    Call("instance_metadata_modify", Arg("instance"), timeout=URGENT, idempotent=True,
         result="null"),
    Call("instance_migratable", Arg("instance", INSTANCE), timeout=NORMAL, idempotent=True,
         result="null"),
    Call("instance_migrate", Arg("cluster_name"), Arg("instance", INSTANCE), Arg("target"),
         Arg("live"), timeout=SLOW, result="null"),
    Call("instance_reboot", Arg("inst", INSTANCE), Arg("reboot_type"), Arg("shutdown_timeout"),
         Arg("reason"), timeout=NORMAL, result="null"),
    Call("instance_shutdown", Arg("instance", INSTANCE), Arg("timeout"), Arg("reason"),
         timeout=NORMAL, idempotent=True, result="null"),
    Call("instance_start", Arg("instance_hvp_bep", INSTANCE_HVP_BEP), Arg("startup_paused"),
         Arg("reason"), timeout=NORMAL, idempotent=True, result="null"),
    Call("migration_info", Arg("instance", INSTANCE), timeout=NORMAL, idempotent=True,
         result="hypervisor data (KVM: null; Xen: config text)"),
    Call("resize_disk", Arg("instance", INSTANCE), Arg("disk"), Arg("new_size"), timeout=NORMAL,
         result="null"),
]
