"""gnt-instance batch-create."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, ht, serializer
from ganeti.cli import jobs, opcode_options
from ganeti.cli.command import FILE, Command, one
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.opcodes.instance_create import OpInstanceCreate, OpInstanceMultiAlloc


def batch_create(values: Values, args: list[str]) -> int:
    """Create the instances that a file describes."""
    with open(args[0], "rb") as source:
        data = serializer.load(source.read(), args[0])
    if isinstance(data, list):
        data = {"instances": data}
    options = _check(data, args[0])
    described = options.pop("instances")
    ops = [_instance(entry, f"{args[0]}: instances[{index}]")
           for index, entry in enumerate(described)]
    if values.iallocator:
        options["iallocator"] = values.iallocator
    op = OpInstanceMultiAlloc(instances=[one.to_dict() for one in ops], **options)
    luxi = jobs.client()
    result = jobs.submit_or_send(op, values, luxi)
    return _follow(result, values, luxi)


def _check(data: Any, where: str) -> dict[str, Any]:
    keys = {"instances": ht.ListOf(ht.Dict, empty=False),
            "iallocator": ht.Maybe(ht.NonEmptyString), "opportunistic_locking": ht.Bool}
    try:
        checked: dict[str, Any] = ht.Object(keys, required=["instances"]).check(data, where)
    except ht.Mismatch as err:
        raise errors.OpPrereqError(str(err), errors.ECODE_INVAL) from None
    return checked


def _instance(entry: dict[str, Any], where: str) -> OpInstanceCreate:
    params = {"mode": constants.INSTANCE_CREATE, "nics": [{}], **entry}
    params.pop("OP_ID", None)
    try:
        return OpInstanceCreate(**params)
    except errors.OpPrereqError as err:
        raise errors.OpPrereqError(f"{where}: {errors.text(err)}", errors.ECODE_INVAL) from None


def _follow(result: dict[str, Any], values: Values, luxi: Any) -> int:
    batch = jobs.Batch(values, luxi)
    for name, (ok, job) in zip(result["allocatable"], result["jobs"], strict=True):
        batch.add_submitted(name, ok, job)
    results = batch.run()
    to_stdout(f"{sum(ok for ok, _result in results)} of "
              f"{len(results) + len(result['failed'])} instances created")
    for name in result["failed"]:
        to_stdout(f"No place for {name}")
    return 0 if all(ok for ok, _result in results) and not result["failed"] else 1


BATCH_CREATE = Command(
    batch_create, args=[one(FILE)], options=opcode_options.options_of(OpInstanceMultiAlloc,
                                                                      leave_out=["instances"]),
    help="Create the instances that a JSON file describes",
    example="gnt-instance batch-create -I hail instances.json")
