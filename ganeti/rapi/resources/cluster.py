"""The cluster as a whole, and what tells about this interface."""

from __future__ import annotations

from typing import Any

from ganeti import constants, opcodes, rapi
from ganeti.rapi import fields, problems
from ganeti.rapi.base import (
    BULK,
    NO_BODY,
    Ask,
    Call,
    Resource,
    Submit,
)
from ganeti.rapi.resources import tags

_POLL = 10.0


def _nothing(call: Call) -> None:
    """Nothing; whether the interface is there."""


def _version(call: Call) -> int:
    """The version of this interface."""
    return rapi.VERSION


def _features(call: Call) -> list[str]:
    """What this server can do beyond the version's first form."""
    return list(fields.FEATURES)


def _openapi(call: Call) -> dict[str, Any]:
    """This description, as an OpenAPI 3 document."""
    from ganeti.rapi import openapi
    return openapi.document()


def _info(call: Call) -> dict[str, Any]:
    """The facts of the cluster."""
    info = dict(call.luxi.query_cluster_info())
    info["vg_name"] = info.get("volume_group_name")
    info["drbd_helper"] = info.get("drbd_usermode_helper")
    return info


def _operating_systems(call: Call) -> list[Any]:
    """Operating systems that can be installed, with their variants; whole objects in bulk."""
    bulk = call.flag("bulk")
    wanted = fields.OS if bulk else ["name", "variants"]
    job = call.submit([opcodes.get_class("OP_OS_DIAGNOSE")(output_fields=wanted, names=[])])
    rows = _await_result(call, job)
    if bulk:
        return [{**dict(zip(wanted, row, strict=True)),
                 "parameters": _parameters(row[wanted.index("parameters")])} for row in rows]
    return [name for system, variants in rows
            for name in ([f"{system}+{variant}" for variant in variants] if variants
                         else [system])]


def _parameters(declared: Any) -> list[dict[str, str]]:
    return [{"name": item[0], "description": item[1]} for item in declared or []]


def _await_result(call: Call, job: int) -> Any:
    """The result of a job's only opcode; the job is cancelled when the client hangs up."""
    previous = None
    wanted = ["status", "opresult"]
    while True:
        row, _ = call.luxi.wait_for_job_change_once(job, wanted, previous, -1, _POLL)
        if row[0] in constants.JOBS_FINALIZED:
            break
        if call.gone():
            call.luxi.cancel_job(job)
            raise problems.Problem(500, f"The client is gone, job {job} has been cancelled")
        previous = row
    if row[0] != constants.JOB_STATUS_SUCCESS:
        raise problems.Problem(500, f"Job {job} has ended as '{row[0]}': {row[1][0]}")
    return row[1][0]


RESOURCES = [
    Resource("/", "root", GET=Ask(_nothing)),
    Resource("/2", "2", GET=Ask(_nothing)),
    Resource("/version", "version", GET=Ask(_version)),
    Resource("/2/features", "features", GET=Ask(_features)),
    Resource("/2/openapi.json", "openapi", GET=Ask(_openapi)),
    Resource("/2/info", "info", GET=Ask(_info)),
    Resource("/2/os", "os", GET=Ask(_operating_systems, args=[BULK], slow=True)),
    Resource("/2/redistribute-config", "redist_config",
             PUT=Submit("OP_CLUSTER_REDIST_CONF", body=NO_BODY)),
    Resource("/2/modify", "cluster_modify",
             PUT=Submit("OP_CLUSTER_SET_PARAMS", forbidden=["compression_tools"])),
    tags.resource(constants.TAG_CLUSTER, "/2", "tags", None),
]
