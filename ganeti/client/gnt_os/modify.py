"""gnt-os modify."""

from __future__ import annotations

from ganeti import constants
from ganeti.cli import jobs, params
from ganeti.cli.command import OS, Command, one
from ganeti.cli.option import Option, Values
from ganeti.cli.report import Refused
from ganeti.cli.standard import DRY_RUN, PRINT_JOBID, PRIORITY, SUBMIT
from ganeti.opcodes.cluster import OpClusterSetParams


def _listed(name: str, wanted: bool | None) -> list[list[str]] | None:
    if wanted is None:
        return None
    return [[constants.DDM_ADD if wanted else constants.DDM_REMOVE, name]]


def modify(values: Values, args: list[str]) -> int:
    """Change what the cluster sets for an OS definition."""
    name = args[0]
    hidden, blacklisted = _listed(name, values.hidden), _listed(name, values.blacklisted)
    if not (values.hvparams or values.osparams or values.osparams_private or hidden
            or blacklisted):
        raise Refused("Please give at least one of the parameters.")
    hvparams = params.by_hypervisor(values.hvparams)
    op = OpClusterSetParams(
        os_hvp={name: hvparams} if hvparams else None,
        osparams={name: values.osparams} if values.osparams else None,
        osparams_private_cluster=({name: values.osparams_private}
                                  if values.osparams_private else None),
        hidden_os=hidden, blacklisted_os=blacklisted)
    jobs.submit_or_send(op, values)
    return 0


MODIFY = Command(
    modify, args=[one(OS)], options=[
        Option("-H", "--hypervisor-parameters", dest="hvparams", action="append",
               type="identkeyval", default=[], metavar="HV:k=v,...",
               help="Hypervisor parameters for instances with this OS"),
        Option("-O", "--os-parameters", dest="osparams", type="keyval", default={},
               metavar="k=v,...", help="OS parameters for instances with this OS"),
        Option("--os-parameters-private", dest="osparams_private", type="keyprivateval",
               default={}, metavar="k=v,...", help="The same, hidden in output"),
        Option("--hidden", dest="hidden", type="bool", metavar="yes|no",
               help="Leave it out of lists"),
        Option("--blacklisted", dest="blacklisted", type="bool", metavar="yes|no",
               help="Forbid it for new instances"),
        DRY_RUN, PRIORITY, SUBMIT, PRINT_JOBID],
    help="Change what the cluster sets for an OS definition",
    example="gnt-os modify -O dhcp=yes debootstrap")
