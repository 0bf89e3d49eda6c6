"""gnt-cluster modify."""

from __future__ import annotations

from typing import Any

from ganeti import errors
from ganeti.cli import jobs, opcode_options, params, policy
from ganeti.cli.command import Command
from ganeti.cli.option import Option, Values
from ganeti.cli.report import Refused
from ganeti.cli.standard import DRY_RUN, PRINT_JOBID, PRIORITY, SUBMIT
from ganeti.client.gnt_cluster import settings
from ganeti.opcodes.cluster import OpClusterSetParams

_ONLY_HERE = ("force", "max_running_jobs", "max_tracked_jobs", "instance_communication_network",
              "add_uids", "remove_uids", "modify_etc_hosts")


def _collectors(values: Values) -> dict[str, Any]:
    """Which collectors run, and how often."""
    active = {}
    for name, value in values.enabled_data_collectors.items():
        if value not in (True, False, "True", "False", "true", "false", "yes", "no"):
            raise errors.OpPrereqError(f"Collector {name}: '{value}' is neither True nor False",
                                       errors.ECODE_INVAL)
        active[name] = value in (True, "True", "true", "yes")
    intervals = {}
    for name, value in values.data_collector_interval.items():
        try:
            intervals[name] = int(float(value) * 1_000_000)
        except (TypeError, ValueError):
            raise errors.OpPrereqError(f"Collector {name}: '{value}' is no number of seconds",
                                       errors.ECODE_INVAL) from None
    return {"enabled_data_collectors": active or None,
            "data_collector_interval": intervals or None}


def _reserved(word: str | None) -> list[str] | None:
    """Patterns of volumes; an empty word clears the list."""
    return None if word is None else [part for part in word.split(",") if part]


def modify(values: Values, args: list[str]) -> int:
    """Change the settings of the cluster."""
    given = settings.read(values)
    given.update({name: getattr(values, name) for name in (
        "max_running_jobs", "max_tracked_jobs", "instance_communication_network",
        "modify_etc_hosts")})
    given.update(_collectors(values))
    given["add_uids"] = params.ranges(values.add_uids)
    given["remove_uids"] = params.ranges(values.remove_uids)
    given["reserved_lvs"] = _reserved(values.reserved_lvs)
    if all(value is None for value in given.values()):
        raise Refused("Please give at least one of the parameters.")
    op = OpClusterSetParams(force=values.force, **given)
    luxi = jobs.client()
    result = jobs.submit_or_send(op, values, luxi)
    if isinstance(result, dict) and result.get("jobs"):
        results = jobs.follow_submitted(result, values, luxi, "")
        return 0 if all(ok for ok, _result in results) else 1
    return 0


MODIFY = Command(
    modify, options=[
        *settings.shared_options(),
        *[opcode_options.option(OpClusterSetParams, name) for name in _ONLY_HERE],
        Option("--reserved-lvs", dest="reserved_lvs", metavar="PATTERN,...",
               help="Patterns of volume names that are none of our business"),
        Option("--enabled-data-collectors", dest="enabled_data_collectors", type="keyval",
               default={}, metavar="NAME=True,...",
               help="Which collectors of the monitoring daemon run"),
        Option("--data-collector-interval", dest="data_collector_interval", type="keyval",
               default={}, metavar="NAME=SECONDS,...",
               help="How often collectors of the monitoring daemon run"),
        *policy.CLUSTER_OPTIONS, DRY_RUN, PRIORITY, SUBMIT, PRINT_JOBID],
    help="Change the settings of the cluster",
    example="gnt-cluster modify --candidate-pool-size=5 -B maxmem=512")
