"""gnt-cluster master-failover."""

from __future__ import annotations

from ganeti import constants
from ganeti.cli import prompt
from ganeti.cli.command import Command
from ganeti.cli.option import Option, Values
from ganeti.cli.report import to_stderr
from ganeti.cli.standard import PLAIN_YES_DO_IT


def master_failover(values: Values, args: list[str]) -> int:
    """Make this node the master."""
    if values.no_voting and not values.yes_do_it and not prompt.confirm(
            "Without the votes of the other nodes nothing shows whether another node is the "
            "master. Two masters at the same time destroy the cluster's consistency. Continue?"):
        return constants.EXIT_CONFIRMATION
    import logging

    from ganeti.masterd import failover
    # what goes wrong on the way is told as warnings; the libraries' own log entries are for -d
    logging.getLogger().addHandler(logging.NullHandler())
    failover.fail_over(to_stderr, no_voting=values.no_voting,
                       ignore_offline=values.ignore_offline_nodes,
                       accept_older_data=values.accept_older_data)
    return 0


MASTER_FAILOVER = Command(
    master_failover, options=[
        Option("--no-voting", dest="no_voting", action="store_true", default=False,
               help="Do not ask the other nodes who the master is"),
        PLAIN_YES_DO_IT,
        Option("--ignore-offline-nodes", dest="ignore_offline_nodes", type="bool", default=True,
               metavar="yes|no", help="Nodes that are marked offline have no vote"),
        Option("--accept-older-data", dest="accept_older_data", action="store_true", default=False,
               help="Go on although another candidate has newer data, which are lost")],
    help="Make this master candidate the master", example="gnt-cluster master-failover")
