"""gnt-cluster destroy."""

from __future__ import annotations

from ganeti.cli import jobs
from ganeti.cli.command import Command
from ganeti.cli.option import Values
from ganeti.cli.report import Refused, to_stderr
from ganeti.cli.standard import YES_DO_IT
from ganeti.opcodes.cluster import OpClusterDestroy


def destroy(values: Values, args: list[str]) -> int:
    """End the cluster's life."""
    if not values.yes_do_it:
        raise Refused("Destroying a cluster is irreversible. If you really want destroy this "
                      "cluster, supply the --yes-do-it option.")
    from ganeti.masterd import bootstrap
    jobs.submit_or_send(OpClusterDestroy(), values)
    bootstrap.finish_destroy(to_stderr)
    return 0


DESTROY = Command(destroy, options=[YES_DO_IT],
                  help="End the life of a cluster that has no more nodes and instances",
                  example="gnt-cluster destroy --yes-do-it")
