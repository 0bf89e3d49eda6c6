"""gnt-network connect and disconnect."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors
from ganeti.cli import jobs, opcode_options
from ganeti.cli.command import GROUP, NETWORK, Command, many, one
from ganeti.cli.option import Option, Values
from ganeti.cli.standard import PRIORITY
from ganeti.opcodes.network import OpNetworkConnect, OpNetworkDisconnect


def _groups(luxi: Any, names: list[str]) -> list[str]:
    """The groups named, or all."""
    return names or [row[0] for row in luxi.query_groups([], ["name"])]


def _run(batch: jobs.Batch) -> int:
    return 0 if all(ok for ok, _result in batch.run()) else 1


def connect(values: Values, args: list[str]) -> int:
    """Make a network available in groups."""
    given = dict(values.nicparams)
    mode = given.pop(constants.NIC_MODE, None)
    link = given.pop(constants.NIC_LINK, None)
    vlan = given.pop(constants.NIC_VLAN, "")
    if given or not mode or not link:
        raise errors.OpPrereqError(
            "Tell how interfaces are connected there, as in -N mode=bridged,link=br0"
            + (f" (unknown: {', '.join(sorted(given))})" if given else ""), errors.ECODE_INVAL)
    luxi = jobs.client()
    batch = jobs.Batch(values, luxi)
    for group in _groups(luxi, args[1:]):
        batch.add(group, OpNetworkConnect(
            group_name=group, network_name=args[0], network_mode=mode, network_link=link,
            network_vlan=vlan, conflicts_check=values.conflicts_check))
    return _run(batch)


def disconnect(values: Values, args: list[str]) -> int:
    """Take a network away from groups."""
    luxi = jobs.client()
    batch = jobs.Batch(values, luxi)
    for group in _groups(luxi, args[1:]):
        batch.add(group, OpNetworkDisconnect(group_name=group, network_name=args[0]))
    return _run(batch)


CONNECT = Command(
    connect, args=[one(NETWORK), many(GROUP)], options=[
        opcode_options.option(OpNetworkConnect, "conflicts_check"), PRIORITY,
        Option("-N", "--nic-parameters", dest="nicparams", type="keyval", default={},
               metavar="mode=MODE,link=LINK", help="How interfaces are connected there")],
    help="Make a network available in node groups (in all, if none is named)",
    example="gnt-network connect -N mode=bridged,link=br0 lan1 default")
DISCONNECT = Command(
    disconnect, args=[one(NETWORK), many(GROUP)], options=[PRIORITY],
    help="Take a network away from node groups (from all, if none is named)",
    example="gnt-network disconnect lan1 default")
