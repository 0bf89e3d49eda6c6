"""gnt-debug iallocator."""

from __future__ import annotations

from ganeti import constants, errors
from ganeti.cli import jobs, opcode_options
from ganeti.cli.command import UNKNOWN, Command, many
from ganeti.cli.option import Option, Values
from ganeti.cli.report import to_stdout
from ganeti.opcodes.test import OpTestAllocator
from ganeti.utils import text


def _disks(word: str) -> list[dict[str, object]]:
    return [{constants.IDISK_SIZE: text.parse_unit(part), constants.IDISK_MODE: "rw"}
            for part in word.split(",") if part]


def _nics(word: str) -> list[dict[str, str | None]]:
    """MAC/IP/link, joined by commas; what is left out is left to the defaults."""
    result = []
    for part in word.split(",") if word else []:
        mac, ip, link = (*part.split("/"), "", "")[:3]
        result.append({"mac": mac or constants.VALUE_AUTO, "ip": ip or None,
                       "bridge": link or None})
    return result


def iallocator(values: Values, args: list[str]) -> int:
    """Show a request to an allocator, or its answer."""
    if values.direction == constants.IALLOCATOR_DIR_OUT and not values.iallocator:
        raise errors.OpPrereqError("To show an answer, the allocator must be named with -I",
                                   errors.ECODE_INVAL)
    op = opcode_options.build(
        OpTestAllocator, values, name=args[0], disks=_disks(values.disks),
        nics=_nics(values.nics), instances=args,
        tags=[tag for tag in (values.tags or "").split(",") if tag])
    to_stdout(str(jobs.submit_or_send(op, values)))
    return 0


_OWN = ("disks", "nics", "tags", "count", "memory")
IALLOCATOR = Command(
    iallocator, args=[many(UNKNOWN, 1, "instance")], options=[
        *opcode_options.options_of(OpTestAllocator, leave_out=_OWN, submit=False),
        Option("--memory", dest="memory", type="unit", default=128, metavar="SIZE",
               help="Memory of the instance"),
        Option("--disks", dest="disks", default="4096,4096", metavar="SIZES",
               help="Sizes of the disks, joined by commas"),
        Option("--nics", dest="nics", default="00:11:22:33:44:55", metavar="NICS",
               help="Interfaces as MAC/IP/link, joined by commas"),
        Option("--tags", dest="tags", metavar="TAGS", help="Tags of the instance"),
        Option("--count", dest="count", type="int", default=2, metavar="N",
               help="How many instances")],
    help="Show what an allocator is asked, or what it answers",
    example="gnt-debug iallocator -m allocate --memory=512m web1.example.org")
