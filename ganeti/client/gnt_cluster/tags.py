"""The tags of the cluster, and the search in all tags."""

from __future__ import annotations

from ganeti.cli import jobs, tagging
from ganeti.cli.command import UNKNOWN, Command, one
from ganeti.cli.option import Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import PRIORITY

LIST_TAGS, ADD_TAGS, REMOVE_TAGS = tagging.commands("cluster", "", "gnt-cluster")


def search(values: Values, args: list[str]) -> int:
    """Print the tags that a pattern matches, and where they are."""
    from ganeti.opcodes.tags import OpTagsSearch
    found = jobs.submit_or_send(OpTagsSearch(pattern=args[0]), values)
    for path, tag in sorted(found):
        to_stdout(f"{path} {tag}")
    return 0 if found else 1


SEARCH_TAGS = Command(search, args=[one(UNKNOWN, "pattern")], options=[PRIORITY],
                      help="Search all tags by a regular expression",
                      example="gnt-cluster search-tags '^env:'")
