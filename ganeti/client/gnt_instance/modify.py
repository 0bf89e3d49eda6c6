"""gnt-instance modify."""

from __future__ import annotations

from typing import Any

from ganeti import errors
from ganeti.cli import jobs, opcode_options, params
from ganeti.cli.command import INSTANCE, Command, one
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import Refused, to_stdout
from ganeti.opcodes.instance_params import OpInstanceSetParams

#: Options that change something; the others say how.
_CHANGES = ("nics", "disks", "beparams", "runtime_mem", "hvparams", "disk_template", "os_name",
            "osparams", "osparams_private", "offline_inst", "online_inst", "pnode",
            "instance_communication", "ext_params", "file_driver", "file_storage_dir")


def _offline(values: Values) -> bool | None:
    if values.offline_inst and values.online_inst:
        raise errors.OpPrereqError("Give either --offline or --online", errors.ECODE_INVAL)
    return True if values.offline_inst else False if values.online_inst else None


def modify(values: Values, args: list[str]) -> int:
    """Change the settings, disks and interfaces of an instance."""
    if not any(getattr(values, name) not in (None, False, [], {}) or
               (name == "instance_communication" and values.instance_communication is not None)
               for name in _CHANGES):
        raise Refused("Please give at least one of the parameters.")
    given: dict[str, Any] = {
        "beparams": params.backend(values.beparams),
        "hvparams": params.any_hypervisor(values.hvparams),
        "nics": params.nic_changes(values.nics), "disks": params.disk_changes(values.disks),
        "offline": _offline(values), "hotplug": values.hotplug or values.hotplug_if_possible,
    }
    op = opcode_options.build(OpInstanceSetParams, values, instance_name=args[0], **given)
    changed = jobs.submit_or_send(op, values)
    if changed:
        to_stdout(f"Modified instance {args[0]}")
        for name, value in changed:
            to_stdout(f" - {name:<5} -> {value}")
        if not given["hotplug"]:
            to_stdout("Most changes take effect at the next start of the instance; a reboot "
                      "from inside is not enough.")
    return 0


def _switch(name: str, dest: str, help: str) -> Option:
    return Option(name, dest=dest, action=STORE_TRUE, default=False, help=help)


MODIFY = Command(
    modify, args=[one(INSTANCE)], options=[
        *opcode_options.options_of(OpInstanceSetParams),
        _switch("--offline", "offline_inst", "Mark it offline, so that nothing starts it"),
        _switch("--online", "online_inst", "Take that mark away"),
        _switch("--hotplug-if-possible", "hotplug_if_possible",
                "As --hotplug, where the hypervisor can do it")],
    help="Change the settings, disks and interfaces of an instance",
    example="gnt-instance modify -B maxmem=1g --net add:link=br1 web1.example.org")
