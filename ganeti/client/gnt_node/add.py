"""gnt-node add."""

from __future__ import annotations

import getpass
from typing import Any

from ganeti import errors
from ganeti.cli import jobs, opcode_options, params, prompt
from ganeti.cli.command import HOST, Command, one
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import Refused, to_stdout
from ganeti.cli.standard import NO_SSH_KEY_CHECK, PRIORITY, VERBOSE
from ganeti.constants import exits
from ganeti.opcodes.node import OpNodeAdd
from ganeti.utils import net


def add(values: Values, args: list[str]) -> int:
    """Prepare a machine over SSH, and take it into the cluster."""
    luxi = jobs.client()
    name = _full_name(args[0])
    known = _known(luxi, name)
    if values.readd and known is None:
        raise Refused(f"Node {name} is not in the cluster; leave out --readd")
    if not values.readd and known is not None:
        raise Refused(f"Node {name} is in the cluster already (as {known}); "
                      "use --readd to take it in again")
    if values.readd and values.group:
        raise Refused("A node that is taken in again stays in its group")
    op = opcode_options.build(
        OpNodeAdd, values, node_name=name, ndparams=params.node(values.ndparams),
        hv_state=params.hv_state(values.hv_state),
        disk_state=params.disk_state(values.disk_state))
    if values.node_setup:
        _set_up(values, luxi, name)
    jobs.submit_or_send(op, values, luxi)
    return 0


def _full_name(word: str) -> str:
    """The name as it resolves; the machine has to be reached under it anyway."""
    name, _address = net.lookup(net.normalize_name(word))
    return name


def _known(luxi: Any, name: str) -> str | None:
    """The name under which the cluster knows the machine."""
    rows = luxi.query("node", ["name"], None)["data"]
    return name if any(row[0][1] == name for row in rows) else None


def _set_up(values: Values, luxi: Any, name: str) -> None:
    from ganeti.masterd import bootstrap
    join = bootstrap.NodeJoin(
        name, group=values.group, ssh_key_check=values.ssh_key_check,
        force_join=values.force_join, verbose=values.verbose, debug=bool(values.debug),
        ask=prompt.confirm, password=getpass.getpass)
    try:
        bootstrap.setup_node(luxi, join, to_stdout)
    except (errors.OpExecError, errors.NodeSetupError) as err:
        raise Refused(f"Failure: node setup of {name}: {errors.text(err)}",
                      exits.EXIT_NODESETUP_ERROR) from err


ADD = Command(
    add, args=[one(HOST, "node")],
    options=[*opcode_options.options_of(OpNodeAdd, submit=False, dry_run=False, priority=False),
             NO_SSH_KEY_CHECK,
             Option("--force-join", dest="force_join", action=STORE_TRUE, default=False,
                    help="Take the machine out of another cluster first"),
             VERBOSE, PRIORITY],
    help="Prepare a machine over SSH and add it to the cluster",
    example="gnt-node add -s 192.0.2.2 node2.example.org")
