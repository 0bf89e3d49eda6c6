"""gnt-filter add, replace and delete."""

from __future__ import annotations

import time
from typing import Any

from ganeti.cli import jobs
from ganeti.cli.command import FILTER, Command, one
from ganeti.cli.option import Option, Values
from ganeti.cli.report import to_stdout
from ganeti.constants import jobs as constants

_RULE = [
    Option("--priority", dest="priority", type="int", default=0,
           help="Rules with lower numbers are asked first"),
    Option("--predicates", dest="predicates", type="json", default=[], metavar="JSON",
           help="Which jobs the rule is about, such as"
                """ '[["opcode", ["=", "OP_ID", "OP_BACKUP_EXPORT"]]]'; all have to hold"""),
    Option("--action", dest="action", type="filteraction", default="CONTINUE", metavar="ACTION",
           help="What happens to these jobs: ACCEPT, PAUSE, REJECT, CONTINUE (the next rule"
                " decides), or 'RATE_LIMIT n' (at most n of them run)"),
]


def _replace(values: Values, uuid: str | None) -> str:
    """Send the rule to the master daemon; its UUID."""
    now = time.time_ns()
    reason: list[list[Any]] = []
    if values.reason:
        reason.append([constants.OPCODE_REASON_SRC_USER, values.reason, now])
    reason.append([f"{constants.OPCODE_REASON_SRC_CLIENT}:{values.tool}", values.command, now])
    return str(jobs.client().replace_filter(uuid, values.priority, values.predicates,
                                            values.action, reason))


def add(values: Values, args: list[str]) -> int:
    """Add a rule and print its UUID."""
    to_stdout(_replace(values, None))
    return 0


def replace(values: Values, args: list[str]) -> int:
    """Put a rule in the place of the one with this UUID and print that."""
    to_stdout(_replace(values, args[0]))
    return 0


def delete(values: Values, args: list[str]) -> int:
    """Remove a rule."""
    jobs.client().delete_filter(args[0])
    return 0


ADD = Command(add, options=_RULE, help="Add a rule for jobs, and print its UUID",
              example="gnt-filter add --action=PAUSE "
                      """--predicates='[["jobid", [">", "id", "watermark"]]]'""")
REPLACE = Command(replace, args=[one(FILTER)], options=_RULE,
                  help="Replace a rule, or add one with this UUID",
                  example="gnt-filter replace --action='RATE_LIMIT 2' "
                          "9e1b3f8c-5c6d-4b6f-8d0e-0f3a5b1c2d3e")
DELETE = Command(delete, args=[one(FILTER)], help="Remove a rule",
                 example="gnt-filter delete 9e1b3f8c-5c6d-4b6f-8d0e-0f3a5b1c2d3e")
