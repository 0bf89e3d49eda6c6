"""gnt-cluster command and copyfile: the same on many nodes, over SSH."""

from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Callable
from typing import Any

from ganeti import constants, errors, ssconf
from ganeti.cli import jobs
from ganeti.cli.command import COMMAND as COMMAND_ARG
from ganeti.cli.command import FILE, Command, many, one
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import Refused, show_output, to_stderr
from ganeti.cli.standard import NODE_GROUP, NODES, SHOW_MACHINE_NAMES
from ganeti.utils import ssh

_AT_ONCE = 32


def _nodes(values: Values, luxi: Any) -> list[tuple[str, str]]:
    """Name and replication address of the chosen nodes that are online, the master last."""
    condition = ["|", *[["=", "name", name] for name in values.nodes]] if values.nodes else None
    if values.nodegroup:
        group = ["|", ["=", "group", values.nodegroup], ["=", "group.uuid", values.nodegroup]]
        condition = group if condition is None else ["&", condition, group]
    rows = luxi.query("node", ["name", "sip", "offline", "master"], condition)["data"]
    found = [[cell[1] for cell in row] for row in rows]
    offline = [name for name, _sip, is_offline, _master in found if is_offline]
    if offline:
        to_stderr(f"Note: skipping offline node(s): {', '.join(offline)}")
    online = sorted((row for row in found if not row[2]), key=lambda row: bool(row[3]))
    return [(name, sip) for name, sip, _offline, _master in online]


def _everywhere(nodes: list[tuple[str, str]],
                action: Callable[[str, str], Any]) -> list[tuple[str, Any]]:
    """Do something on all nodes at once; an error stands in for the result."""
    def safely(node: tuple[str, str]) -> Any:
        try:
            return action(*node)
        except errors.GenericError as err:
            return err

    with concurrent.futures.ThreadPoolExecutor(min(_AT_ONCE, len(nodes) or 1)) as pool:
        return list(zip([name for name, _sip in nodes], pool.map(safely, nodes), strict=True))


def command(values: Values, args: list[str]) -> int:
    """Run a shell command on nodes."""
    line = " ".join(args)
    nodes = _nodes(values, jobs.client())
    for name, result in _everywhere(nodes, lambda name, _sip: ssh.run(name, line)):
        wrong = isinstance(result, Exception) or result.exit_code != 0
        if wrong or not values.failure_only:
            _show(name, result, values.show_machine_names)
    return constants.EXIT_SUCCESS  # how the command ended is in the output, node by node


def _show(name: str, result: Any, with_name: bool) -> None:
    if isinstance(result, Exception):
        output, status = errors.text(result), None
    else:
        output, status = result.stdout + result.stderr, result.exit_code
    show_output(name, output,
                "return code = unknown" if status is None else f"return code = {status}",
                with_name)


def copyfile(values: Values, args: list[str]) -> int:
    """Copy a file of the master to nodes."""
    path = os.path.abspath(args[0])
    if not os.path.exists(path):
        raise errors.OpPrereqError(f"There is no file '{args[0]}'", errors.ECODE_INVAL)
    if not os.path.isfile(path):
        raise errors.OpPrereqError(f"'{args[0]}' is no ordinary file", errors.ECODE_INVAL)
    luxi = jobs.client()
    (cluster,) = luxi.query_config_values(["cluster_name"])
    store = ssconf.SimpleStore()
    master = store.master_node()
    nodes = [node for node in _nodes(values, luxi) if node[0] != master]
    if not nodes and (values.nodes or values.nodegroup):
        raise Refused("The file is on the master already, and no other node was chosen")
    ports = store.mapping(constants.SS_SSH_PORTS)
    addresses = store.primary_ips()

    def copy(name: str, sip: str) -> None:
        address = sip if values.use_replication_network else addresses.get(name)
        port = int(ports.get(name) or constants.SSH_DEFAULT_PORT)
        with ssh.node_session(name, cluster, address=address, port=port) as session:
            session.copy_file(path, path)

    failed = 0
    for name, result in _everywhere(nodes, copy):
        if isinstance(result, Exception):
            failed += 1
            to_stderr(f"Copy of file {path} to node {name} failed: {errors.text(result)}")
    return 1 if failed else 0


COMMAND = Command(
    command, args=[many(COMMAND_ARG, 1)], options=[
        NODES, NODE_GROUP, SHOW_MACHINE_NAMES,
        Option("--failure-only", dest="failure_only", action=STORE_TRUE, default=False,
               help="Show only nodes where it failed")],
    help="Run a shell command on nodes", example="gnt-cluster command uptime")
COPYFILE = Command(
    copyfile, args=[one(FILE)], options=[
        NODES,
        Option("--use-replication-network", dest="use_replication_network", action=STORE_TRUE,
               default=False, help="Go over the secondary addresses"),
        NODE_GROUP],
    help="Copy a file of the master to nodes", example="gnt-cluster copyfile /etc/motd")
