"""gnt-instance reinstall."""

from __future__ import annotations

from typing import Any

from ganeti import constants
from ganeti.cli import jobs, opcode_options, prompt, selection
from ganeti.cli.command import INSTANCE, Command, many
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import Refused, to_stdout
from ganeti.cli.standard import FORCE
from ganeti.opcodes.instance_create import OpInstanceReinstall
from ganeti.opcodes.os import OpOsDiagnose


def reinstall(values: Values, args: list[str]) -> int:
    """Install the OS of instances again."""
    luxi = jobs.client()
    names = selection.choose(values, args, luxi)
    os_type = _ask_for_os(values, luxi) if values.select_os else values.os_type
    if not selection.confirmed(values, names, "reinstall"):
        return constants.EXIT_CONFIRMATION
    if not values.force and not prompt.confirm(
            f"This will reinstall {', '.join(names)}" + (f" with {os_type}" if os_type else "")
            + " and remove all data on the disks. Continue?"):
        return constants.EXIT_CONFIRMATION
    batch = jobs.Batch(values, luxi)
    for name in names:
        batch.add(name, opcode_options.build(OpInstanceReinstall, values, instance_name=name,
                                             os_type=os_type))
    return 0 if all(ok for ok, _result in batch.run()) else 1


def _ask_for_os(values: Values, luxi: Any) -> str:
    """Let the person choose from the OS definitions."""
    rows = jobs.wait(jobs.submit([OpOsDiagnose(output_fields=["name", "variants"], names=[])],
                                 values, luxi), luxi)[0]
    choices = [f"{name}+{variant}" for name, variants in rows for variant in variants or []]
    choices += [name for name, variants in rows if not variants]
    if not choices:
        raise Refused("No node has an OS definition that can be installed")
    for index, name in enumerate(choices):
        to_stdout(f"{index:3d}: {name}")
    answer = prompt.ask("Which one shall be installed?", (
        *((str(index), name, name) for index, name in enumerate(choices)),
        ("q", None, "None of them")))
    if answer is None:
        raise Refused("Nothing was chosen", constants.EXIT_CONFIRMATION)
    return str(answer)


REINSTALL = Command(
    reinstall, args=[many(INSTANCE)], options=[
        FORCE, *opcode_options.options_of(OpInstanceReinstall), *selection.OPTIONS,
        Option("--select-os", dest="select_os", action=STORE_TRUE, default=False,
               help="Choose the OS from a list")],
    help="Install the OS of instances again",
    example="gnt-instance reinstall -o debootstrap+default web1.example.org")
