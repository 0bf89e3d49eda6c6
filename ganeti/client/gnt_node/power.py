"""gnt-node powercycle, power and health: what works on the machine itself."""

from __future__ import annotations

from typing import Any

from ganeti import constants
from ganeti.cli import jobs, opcode_options, prompt, table
from ganeti.cli.command import CHOICE, NODE, Arg, Command, many, one
from ganeti.cli.option import Values
from ganeti.cli.report import Refused, to_stderr, to_stdout
from ganeti.cli.standard import CONFIRM, PRINT_JOBID, PRIORITY, SUBMIT, TABLE_OPTIONS
from ganeti.opcodes.node import OpNodePowercycle, OpNodeSetParams, OpOobCommand

_COMMANDS = {"on": constants.OOB_POWER_ON, "off": constants.OOB_POWER_OFF,
             "cycle": constants.OOB_POWER_CYCLE, "status": constants.OOB_POWER_STATUS}


def powercycle(values: Values, args: list[str]) -> int:
    """Reset a node hard."""
    if not values.confirm and not prompt.confirm(
            f"Are you sure you want to hard powercycle node {args[0]}?"):
        return constants.EXIT_CONFIRMATION
    result = jobs.submit_or_send(
        OpNodePowercycle(node_name=args[0], force=values.force), values)
    if result:
        to_stdout(str(result))
    return 0


def power(values: Values, args: list[str]) -> int:
    """Switch nodes, or tell whether they are on."""
    command, nodes = _COMMANDS[args[0]], args[1:]
    luxi = jobs.client()
    if not nodes:
        if command == constants.OOB_POWER_OFF:
            raise Refused("Switching off takes the names of the nodes")
        nodes = [row[0] for row in luxi.query_nodes([], ["name"])]
    switching = command in (constants.OOB_POWER_OFF, constants.OOB_POWER_CYCLE)
    if switching and not values.force and not prompt.confirm_many(nodes, "nodes",
                                                                  f"power {args[0]}"):
        return constants.EXIT_CONFIRMATION
    if command == constants.OOB_POWER_OFF:
        _take_offline(values, luxi, nodes)
    op = OpOobCommand(node_names=nodes, command=command, timeout=values.timeout,
                      ignore_status=values.ignore_status, power_delay=values.power_delay)
    rows, failed = _rows(jobs.submit_or_send(op, values, luxi), lambda data: [
        "powered" if data.get(constants.OOB_POWER_STATUS_POWERED) else "unpowered"]
        if isinstance(data, dict) else [str(data or "")])
    if command == constants.OOB_POWER_STATUS or failed:
        _print(rows, values)
    return 1 if failed else 0


def _take_offline(values: Values, luxi: Any, nodes: list[str]) -> None:
    """A node that is switched off is out of service."""
    batch = jobs.Batch(values, luxi)
    for name in nodes:
        batch.add(name, OpNodeSetParams(node_name=name, offline=True,
                                        auto_promote=values.auto_promote))
    if not all(ok for ok, _result in batch.run()):
        raise Refused("Not all nodes could be marked offline; none is switched off")


def health(values: Values, args: list[str]) -> int:
    """Show what the out-of-band helper tells about the state of nodes."""
    op = OpOobCommand(node_names=args, command=constants.OOB_HEALTH, timeout=values.timeout)
    rows, failed = _rows(jobs.submit_or_send(op, values), lambda data: [
        f"{item}={status}" for item, status in data or []])
    _print(rows, values)
    return 1 if failed else 0


def _rows(result: list[Any], write: Any) -> tuple[list[list[str]], bool]:
    """Lines of a table: the node's name on its first line only."""
    rows, failed = [], False
    for (_name_status, name), (status, data) in result:
        if status == constants.RS_UNAVAIL:
            continue
        if status != constants.RS_NORMAL:
            to_stderr(f"{name}: {table.abnormal(status, True)} {data or ''}")
            failed = True
            texts = [table.abnormal(status, True)]
        else:
            texts = write(data) or [""]
        rows += [[name if index == 0 else "", text] for index, text in enumerate(texts)]
    return rows, failed


def _print(rows: list[list[str]], values: Values) -> None:
    columns = [table.Column("Node"), table.Column("Status")]
    for line in table.lines(columns, rows, header=not values.no_headers,
                            separator=values.separator):
        to_stdout(line)


POWERCYCLE = Command(
    powercycle, args=[one(NODE)],
    options=[*opcode_options.options_of(OpNodePowercycle), CONFIRM],
    help="Reset a node hard", example="gnt-node powercycle --yes node2.example.org")
POWER = Command(
    power, args=[Arg(CHOICE, choices=tuple(_COMMANDS)), many(NODE)],
    options=[SUBMIT, PRINT_JOBID, opcode_options.option(OpNodeSetParams, "auto_promote"),
             PRIORITY, opcode_options.option(OpOobCommand, "ignore_status"),
             opcode_options.option(OpNodeSetParams, "force"), *TABLE_OPTIONS,
             opcode_options.option(OpOobCommand, "timeout"),
             opcode_options.option(OpOobCommand, "power_delay")],
    help="Switch nodes on or off, or show whether they are on",
    example="gnt-node power status node2.example.org")
HEALTH = Command(
    health, args=[many(NODE)],
    options=[*TABLE_OPTIONS, PRIORITY, opcode_options.option(OpOobCommand, "timeout")],
    help="Show the health of nodes as their out-of-band helper tells it",
    example="gnt-node health")
