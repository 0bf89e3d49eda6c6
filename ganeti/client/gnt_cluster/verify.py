"""gnt-cluster verify, verify-disks and repair-disk-sizes."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors
from ganeti.cli import jobs, opcode_options
from ganeti.cli.command import INSTANCE, Command, many
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import to_stderr, to_stdout
from ganeti.opcodes.cluster import OpClusterRepairDiskSizes
from ganeti.opcodes.instance_disks import OpInstanceActivateDisks
from ganeti.opcodes.verify import OpClusterVerify, OpClusterVerifyDisks


def verify(values: Values, args: list[str]) -> int:
    """Check the cluster."""
    skip = [constants.VERIFY_NPLUSONE_MEM] if values.skip_nplusone_mem else []
    op = opcode_options.build(OpClusterVerify, values, skip_checks=skip)
    luxi = jobs.client()
    result = jobs.submit_or_send(op, values, luxi)
    results = jobs.follow_submitted(result, values, luxi, "")
    failed = sum(not ok for ok, _result in results)
    if failed:
        to_stdout(f"{failed} job(s) failed while verifying the cluster.")
    findings = any(ok and not all(outcome) for ok, outcome in results)
    return 1 if failed or findings else 0


def verify_disks(values: Values, args: list[str]) -> int:
    """Look for disks that are not active, and activate them."""
    luxi = jobs.client()
    result = jobs.submit_or_send(opcode_options.build(OpClusterVerifyDisks, values), values, luxi)
    status = 0
    for ok, outcome in jobs.follow_submitted(result, values, luxi, ""):
        if not ok:
            status = 1
            continue
        bad_nodes, offline, missing = outcome[0]
        for node, message in bad_nodes.items():
            to_stdout(f"Error gathering data on node {node}: {message}")
            status = 1
        if not offline and not missing:
            to_stdout("No disks need to be activated.")
        status = _activate(values, luxi, offline, missing) or status
        status = _show_missing(missing) or status
    return status


def _activate(values: Values, luxi: Any, names: list[str], missing: dict[str, Any]) -> int:
    status = 0
    for name in sorted(names):
        if name in missing:
            to_stdout(f"Instance {name} cannot be verified as it lives on missing volumes")
            continue
        to_stdout(f"Activating disks for instance '{name}'")
        try:
            jobs.submit_or_send(OpInstanceActivateDisks(instance_name=name), values, luxi)
        except errors.GenericError as err:
            to_stderr(f"Error activating disks for instance {name}: {errors.text(err)}")
            status = 1
    return status


def _show_missing(missing: dict[str, Any]) -> int:
    for name, volumes in sorted(missing.items()):
        to_stdout(f"Instance {name} has missing logical volumes:")
        for node, volume in volumes:
            to_stdout(f"\t{node} {volume}")
        to_stdout("'gnt-instance replace-disks' or 'recreate-disks' makes them anew")
    return 1 if missing else 0


def repair_disk_sizes(values: Values, args: list[str]) -> int:
    """Correct the recorded sizes of disks."""
    jobs.submit_or_send(OpClusterRepairDiskSizes(instances=args), values)
    return 0


VERIFY = Command(
    verify, options=[
        *opcode_options.options_of(OpClusterVerify, leave_out=["skip_checks"], submit=False),
        Option("--no-nplus1-mem", dest="skip_nplusone_mem", action=STORE_TRUE, default=False,
               help="Do not check whether the loss of a node can be borne")],
    help="Check the cluster for mistakes and faults", example="gnt-cluster verify")
VERIFY_DISKS = Command(
    verify_disks,
    options=opcode_options.options_of(OpClusterVerifyDisks, submit=False, dry_run=False),
    help="Find disks that are not active, and activate them",
    example="gnt-cluster verify-disks")
REPAIR_DISK_SIZES = Command(
    repair_disk_sizes, args=[many(INSTANCE)],
    options=opcode_options.options_of(OpClusterRepairDiskSizes, submit=False),
    help="Compare recorded with real disk sizes, and correct the records",
    example="gnt-cluster repair-disk-sizes web1.example.org")
