"""gnt-cluster version, getmaster and master-ping."""

from __future__ import annotations

from ganeti.cli import jobs
from ganeti.cli.command import Command
from ganeti.cli.option import Values
from ganeti.cli.report import Refused, to_stdout


def version(values: Values, args: list[str]) -> int:
    """Print the versions of the software and its interfaces."""
    known = jobs.client().query_cluster_info()
    for title, key in (("Software version", "software_version"),
                       ("Internode protocol", "protocol_version"),
                       ("Configuration format", "config_version"),
                       ("OS api version", "os_api_version"),
                       ("Export interface", "export_version"),
                       ("VCS version", "vcs_version")):
        to_stdout(f"{title}: {known[key]}")
    return 0


def getmaster(values: Values, args: list[str]) -> int:
    """Print the name of the master."""
    from ganeti import errors, ssconf
    from ganeti.constants import exits
    try:
        to_stdout(ssconf.SimpleStore().master_node())
    except errors.ConfigurationError as err:
        raise Refused(f"This node is not part of a cluster: {err}",
                      exits.EXIT_NOTCLUSTER) from err
    return 0


def master_ping(values: Values, args: list[str]) -> int:
    """Does the master daemon answer?"""
    from ganeti import errors
    try:
        jobs.client().query_cluster_info()
    except errors.GenericError:
        return 1
    return 0


VERSION = Command(version, help="Show the versions of the software and its interfaces",
                  example="gnt-cluster version")
GETMASTER = Command(getmaster, help="Show the name of the master node",
                    example="gnt-cluster getmaster")
MASTER_PING = Command(master_ping, help="Tell by the exit status whether the master answers",
                      example="gnt-cluster master-ping && echo alive")
