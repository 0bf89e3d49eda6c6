"""gnt-instance startup, shutdown and reboot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ganeti import constants
from ganeti.cli import jobs, opcode_options, params, selection
from ganeti.cli.command import INSTANCE, Command, many
from ganeti.cli.option import Values
from ganeti.opcodes import OpCode
from ganeti.opcodes.instance_life import OpInstanceReboot, OpInstanceShutdown, OpInstanceStartup


def _each(values: Values, args: list[str], operation: str, make: Callable[[str], OpCode]) -> int:
    """Do something to all chosen instances, each in a job of its own."""
    luxi = jobs.client()
    names = selection.choose(values, args, luxi)
    if not selection.confirmed(values, names, operation):
        return constants.EXIT_CONFIRMATION
    batch = jobs.Batch(values, luxi)
    for name in names:
        batch.add(name, make(name))
    return 0 if all(ok for ok, _result in batch.run()) else 1


def startup(values: Values, args: list[str]) -> int:
    """Start instances."""
    given: dict[str, Any] = {"beparams": params.backend(values.beparams),
                             "hvparams": params.any_hypervisor(values.hvparams)}
    return _each(values, args, "startup", lambda name: opcode_options.build(
        OpInstanceStartup, values, instance_name=name, **given))


def shutdown(values: Values, args: list[str]) -> int:
    """Stop instances."""
    return _each(values, args, "shutdown", lambda name: opcode_options.build(
        OpInstanceShutdown, values, instance_name=name))


def reboot(values: Values, args: list[str]) -> int:
    """Restart instances."""
    return _each(values, args, "reboot", lambda name: opcode_options.build(
        OpInstanceReboot, values, instance_name=name))


STARTUP = Command(startup, args=[many(INSTANCE)],
                  options=[*opcode_options.options_of(OpInstanceStartup), *selection.OPTIONS],
                  help="Start instances", example="gnt-instance startup web1.example.org")
SHUTDOWN = Command(shutdown, args=[many(INSTANCE)],
                   options=[*opcode_options.options_of(OpInstanceShutdown), *selection.OPTIONS],
                   help="Stop instances",
                   example="gnt-instance shutdown --timeout=60 web1.example.org")
REBOOT = Command(reboot, args=[many(INSTANCE)],
                 options=[*opcode_options.options_of(OpInstanceReboot), *selection.OPTIONS],
                 help="Restart instances",
                 example="gnt-instance reboot --type=full web1.example.org")
