"""gnt-cluster rename, redist-conf, and the cluster's address."""

from __future__ import annotations

from ganeti import constants
from ganeti.cli import jobs, opcode_options, prompt
from ganeti.cli.command import HOST, Command, one
from ganeti.cli.option import Option, Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import CONFIRM, DRY_RUN, FORCE
from ganeti.opcodes.cluster import (
    OpClusterActivateMasterIp,
    OpClusterDeactivateMasterIp,
    OpClusterRedistConf,
    OpClusterRename,
)


def rename(values: Values, args: list[str]) -> int:
    """Give the cluster another name and address."""
    luxi = jobs.client()
    (name,) = luxi.query_config_values(["cluster_name"])
    if not values.force and not prompt.confirm(
            f"This will rename the cluster {name} to {args[0]}. If you are connected over the "
            "cluster's address, the connection will break. Continue?"):
        return constants.EXIT_CONFIRMATION
    new = jobs.submit_or_send(OpClusterRename(name=args[0]), values, luxi)
    if new:
        to_stdout(f"Cluster renamed from '{name}' to '{new}'")
    return 0


class _DrainedQueue:
    """A client that submits even when the queue takes no jobs."""

    def __init__(self, luxi: object) -> None:
        self._luxi = luxi

    def submit_job(self, ops: object) -> object:
        return self._luxi.submit_job_to_drained_queue(ops)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self._luxi, name)


def redist_conf(values: Values, args: list[str]) -> int:
    """Send configuration and shared files to all nodes."""
    luxi = jobs.client()
    jobs.submit_or_send(OpClusterRedistConf(), values,
                        _DrainedQueue(luxi) if values.yes_do_it else luxi)
    return 0


def activate_master_ip(values: Values, args: list[str]) -> int:
    """Put the cluster's address on the master."""
    jobs.submit_or_send(OpClusterActivateMasterIp(), values)
    return 0


def deactivate_master_ip(values: Values, args: list[str]) -> int:
    """Take the cluster's address off the master."""
    if not values.confirm and not prompt.confirm(
            "This will take the cluster's address off the master; connections over it, RAPI "
            "among them, will break. Continue?"):
        return constants.EXIT_CONFIRMATION
    jobs.submit_or_send(OpClusterDeactivateMasterIp(), values)
    return 0


RENAME = Command(rename, args=[one(HOST, "name")], options=[FORCE, DRY_RUN],
                 help="Give the cluster another name and address",
                 example="gnt-cluster rename cluster2.example.org")
REDIST_CONF = Command(
    redist_conf, options=[
        *opcode_options.options_of(OpClusterRedistConf),
        Option("--yes-do-it", dest="yes_do_it", action="store_true", default=False,
               help="Do it even when the job queue is drained")],
    help="Send configuration and shared files to all nodes", example="gnt-cluster redist-conf")
ACTIVATE_MASTER_IP = Command(activate_master_ip, help="Put the cluster's address on the master",
                             example="gnt-cluster activate-master-ip")
DEACTIVATE_MASTER_IP = Command(
    deactivate_master_ip, options=[CONFIRM], help="Take the cluster's address off the master",
    example="gnt-cluster deactivate-master-ip --yes")
