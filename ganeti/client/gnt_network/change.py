"""gnt-network add, modify and remove."""

from __future__ import annotations

from typing import Any

from ganeti.cli import jobs, opcode_options, params
from ganeti.cli.command import NETWORK, Command, one
from ganeti.cli.option import Option, Values
from ganeti.cli.report import Refused
from ganeti.opcodes.network import OpNetworkAdd, OpNetworkRemove, OpNetworkSetParams

_SETTINGS = ("gateway", "network6", "gateway6", "mac_prefix")


def _addresses(word: str | None) -> list[str] | None:
    return params.words(word) or None


def _settings(values: Values) -> dict[str, Any]:
    """The settings that were given."""
    return {name: getattr(values, name) for name in _SETTINGS}


def add(values: Values, args: list[str]) -> int:
    """Add a network."""
    if not values.network:
        raise Refused("Give the network as address and length with --network")
    op = OpNetworkAdd(
        network_name=args[0], network=values.network, tags=params.words(values.tags) or [],
        add_reserved_ips=_addresses(values.add_reserved_ips),
        conflicts_check=values.conflicts_check, **_settings(values))
    jobs.submit_or_send(op, values)
    return 0


def modify(values: Values, args: list[str]) -> int:
    """Change the settings of a network."""
    given = _settings(values)
    given["add_reserved_ips"] = _addresses(values.add_reserved_ips)
    given["remove_reserved_ips"] = _addresses(values.remove_reserved_ips)
    if all(value is None for value in given.values()):
        raise Refused("Please give at least one of the parameters.")
    jobs.submit_or_send(OpNetworkSetParams(network_name=args[0], **given), values)
    return 0


def remove(values: Values, args: list[str]) -> int:
    """Remove a network that is connected nowhere."""
    jobs.submit_or_send(OpNetworkRemove(network_name=args[0], force=values.force), values)
    return 0


ADD = Command(
    add, args=[one(NETWORK)], options=[
        *opcode_options.options_of(OpNetworkAdd, leave_out=["tags"]),
        Option("--tags", dest="tags", metavar="TAG,...", help="Tags")],
    help="Add a network",
    example="gnt-network add --network=192.0.2.0/24 --gateway=192.0.2.1 lan1")
MODIFY = Command(modify, args=[one(NETWORK)],
                 options=opcode_options.options_of(OpNetworkSetParams),
                 help="Change a network",
                 example="gnt-network modify --gateway=192.0.2.254 lan1")
REMOVE = Command(remove, args=[one(NETWORK)], options=opcode_options.options_of(OpNetworkRemove),
                 help="Remove a network", example="gnt-network remove lan1")
