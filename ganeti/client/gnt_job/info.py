"""gnt-job info."""

from __future__ import annotations

from typing import Any

from ganeti.cli import info, jobs
from ganeti.cli.command import JOB, Command, many
from ganeti.cli.option import Values
from ganeti.cli.report import Refused
from ganeti.client.gnt_job import ids

_FIELDS = ["id", "status", "ops", "opresult", "opstatus", "oplog", "opstart", "opexec", "opend",
           "received_ts", "start_ts", "end_ts", "summary", "archived"]


def _when(stamp: Any) -> str:
    from ganeti.utils import text
    return text.format_time(stamp[0], stamp[1]) if stamp else "N/A"


def _since(earlier: Any, later: Any) -> str:
    if not earlier or not later:
        return _when(later)
    seconds = later[0] - earlier[0] + (later[1] - earlier[1]) / 1_000_000
    return f"{_when(later)} (delta {seconds:.6f}s)"


def _value(value: Any) -> Any:
    """Structured values as nested lines, the others as they are."""
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    return value


def _job(row: dict[str, Any]) -> list[tuple[str, Any]]:
    received, start, end = row["received_ts"], row["start_ts"], row["end_ts"]
    total = "N/A"
    if received and end:
        total = f"{end[0] - received[0] + (end[1] - received[1]) / 1_000_000:.6f} seconds"
    result: list[tuple[str, Any]] = [
        ("Job ID", row["id"]), ("Status", row["status"]),
        ("Received", f"        {_when(received)}"),
        ("Processing start", _since(received, start)),
        ("Processing end", f"  {_since(start, end)}"), ("Total processing time", total)]
    if row["archived"]:
        result.append(("Archived", True))
    ops = zip(row["ops"], row["opresult"], row["opstatus"], row["oplog"], row["opstart"],
              row["opexec"], row["opend"], strict=True)
    result.append(("Opcodes", [_opcode(*op) for op in ops]))
    return result


def _opcode(op: dict[str, Any], result: Any, status: str, log: list[Any], start: Any,
            executed: Any, end: Any) -> list[tuple[str, Any]]:
    inputs = {key: _value(value) for key, value in op.items()}
    return [
        ("Opcode", op["OP_ID"]), ("Status", status), ("Processing start", _when(start)),
        ("Execution start", f" {_when(executed)}"), ("Processing end", f"  {_when(end)}"),
        ("Input fields", inputs), ("Result", _value(result)),
        ("Execution log", [
            [("Time", _when(stamp)), ("Content", (serial, kind, message))]
            for serial, stamp, kind, message in log])]


def show(values: Values, args: list[str]) -> int:
    """Print everything about jobs."""
    wanted = ids.numbers(args)
    rows = jobs.client().query_jobs(wanted, _FIELDS)
    shown: list[Any] = []
    for job_id, row in zip(wanted, rows, strict=True):
        if row is None:
            shown.append(f"Job ID {job_id} not found")
            continue
        known = dict(zip(_FIELDS, row, strict=True))
        if known["ops"] is None:
            raise Refused(f"Job {job_id} can not be read")
        shown.append(_job(known))
    info.show(shown)
    return 0


INFO = Command(show, args=[many(JOB, 1)], help="Show everything about jobs",
               example="gnt-job info 17")
