"""gnt-node list-drbd, answered by confd on the master candidates."""

from __future__ import annotations

from ganeti import constants, errors, pathutils, ssconf
from ganeti.cli import table
from ganeti.cli.command import NODE, Command, one
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import TABLE_OPTIONS
from ganeti.utils import io, text

_TITLES = ("Node", "Minor", "Instance", "Disk", "Role", "PeerNode")


def list_drbd(values: Values, args: list[str]) -> int:
    """Print which DRBD minors a node uses, and for which instances."""
    from ganeti.confd import client

    store = ssconf.SimpleStore()
    known = [line.split()[0] for line in store.lines(constants.SS_NODE_LIST) if line]
    name = text.match_name(args[0], known)
    if name is None:
        raise errors.OpPrereqError(f"Node '{args[0]}' is not known", errors.ECODE_NOENT)
    asker = client.ConfdClient(io.read_file(pathutils.CONFD_HMAC_KEY),
                               store.lines(constants.SS_MASTER_CANDIDATES_IPS))
    reply = asker.ask(constants.CONFD_REQ_NODE_DRBD, name).reply
    if not reply.ok:
        raise errors.ConfdClientError(f"confd does not tell the mirrors of {name}: {reply.answer}")
    columns = [table.Column(title, str, title == "Minor") for title in _TITLES]
    rows = [[column.write(cell) for column, cell in zip(columns, row, strict=True)]
            for row in reply.answer]
    for line in table.lines(columns, rows, header=not values.no_headers,
                            separator=values.separator):
        to_stdout(line)
    return 0


LIST_DRBD = Command(
    list_drbd, args=[one(NODE)], options=list(TABLE_OPTIONS),
    help="List the DRBD minors in use on a node",
    example="gnt-node list-drbd node1.example.org")
