"""Judges of the files that have to be equal on many nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ganeti import constants, objects, pathutils
from ganeti.cmdlib import ancillary
from ganeti.cmdlib.cluster.verify.report import Problem
from ganeti.cmdlib.cluster.verify.view import GroupView

Problems = Iterator[Problem]


def checksums_present(view: GroupView) -> Problems:
    """A node that gives no checksums at all can not be compared."""
    for answer in view.arrived():
        if not answer.get(constants.NV_FILELIST):
            yield Problem(answer.node.name, "gave no checksums of its files")


def files_equal(view: GroupView) -> Problems:
    """Each file lies, with one content, exactly on the nodes that should hold it."""
    sums = _checksums(view)
    for item in sorted(view.files, key=lambda item: item.path):
        yield from _judge_file(item, sums[item.path])


def _checksums(view: GroupView) -> dict[str, dict[str, list[objects.Node]]]:
    """Path -> checksum ("" where the file is missing) -> the nodes that answered so."""
    result: dict[str, dict[str, list[objects.Node]]] = {
        item.path: defaultdict(list) for item in view.files}
    for answer in view.answers.values():
        sums = answer.get(constants.NV_FILELIST)
        if not sums:
            continue
        seen = {pathutils.logical(path): digest for path, digest in sums.items()}
        for path, nodes in result.items():
            nodes[seen.get(path, "")].append(answer.node)
    return result


def _judge_file(item: ancillary.AncillaryFile, sums: dict[str, list[objects.Node]]) -> Problems:
    wanted = {digest: sorted(node.name for node in nodes if item.place.includes(node))
              for digest, nodes in sums.items()}
    wanted = {digest: names for digest, names in wanted.items() if names}
    missing = wanted.pop("", [])
    if missing and not (item.optional and not wanted):
        yield Problem("", f"file {item.path} is missing from node(s) {', '.join(missing)}")
    if item.place is ancillary.Place.CANDIDATES:
        surplus = sorted(node.name for digest, nodes in sums.items() if digest
                         for node in nodes if not item.place.includes(node))
        if surplus:
            yield Problem("", f"file {item.path} should not exist on node(s) "
                              f"{', '.join(surplus)}, only on {item.place.value}")
    if len(wanted) > 1:
        parts = [f"variant {number} on {', '.join(names)}"
                 for number, (_, names) in enumerate(sorted(wanted.items()), 1)]
        yield Problem("", f"file {item.path} has {len(wanted)} different contents: "
                          + "; ".join(parts))
