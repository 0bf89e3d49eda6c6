"""Files that have to be equal, and OS definitions that have to agree."""

from __future__ import annotations

import pytest

from ganeti import constants, pathutils
from ganeti.cmdlib import ancillary
from ganeti.cmdlib.cluster.verify import answers, judge_files, judge_os, view
from test import masterside

EVERYWHERE = ancillary.AncillaryFile("/var/lib/ganeti/hmac.key")
OPTIONAL = ancillary.AncillaryFile("/var/lib/ganeti/rapi/users", optional=True)
CANDIDATES = ancillary.AncillaryFile("/var/lib/ganeti/config.data", ancillary.Place.CANDIDATES)


def files_view(sums, items):
    """Nodes 1 and 2 are candidates, node 3 is not; `sums` gives the files of each."""
    config = masterside.make_config(nodes=[
        masterside.make_node(1), masterside.make_node(2),
        masterside.make_node(3, master_candidate=False)])
    found = {node.uuid: answers.parse(node, [], {constants.NV_FILELIST: {
        pathutils.virtual(path): digest for path, digest in files.items()}})
        for node, files in zip(config.nodes.values(), sums, strict=True)}
    return view.GroupView(config, config.nodegroups[masterside.GROUP], found, files=items)


@pytest.mark.parametrize(("item", "sums", "expected"), [
    (EVERYWHERE, ("a", "a", "a"), None),
    (EVERYWHERE, ("a", None, "a"), "is missing from node(s) node2.example.com"),
    (EVERYWHERE, (None, None, None),
     "missing from node(s) node1.example.com, node2.example.com, node3.example.com"),
    (EVERYWHERE, ("a", "b", "a"),
     "2 different contents: variant 1 on node1.example.com, node3.example.com; "
     "variant 2 on node2.example.com"),
    (OPTIONAL, (None, None, None), None),
    (OPTIONAL, ("a", None, "a"), "is missing from node(s) node2.example.com"),
    (CANDIDATES, ("a", "a", None), None),
    (CANDIDATES, ("a", "a", "a"), "should not exist on node(s) node3.example.com"),
    (CANDIDATES, ("a", "b", None), "2 different contents"),
])
def test_files(item, sums, expected):
    files = [{EVERYWHERE.path: "x", item.path: digest} if digest else
             ({} if item is EVERYWHERE else {EVERYWHERE.path: "x"}) for digest in sums]
    if item is EVERYWHERE:
        files = [{item.path: digest} if digest else {"/other": "y"} for digest in sums]
    problems = list(judge_files.files_equal(files_view(files, [item])))
    if expected is None:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.item == "" and expected in problem.text and item.path in problem.text


def test_a_node_without_checksums_is_named():
    problems = list(judge_files.checksums_present(files_view(
        [{"/a": "1"}, {}, {"/a": "1"}], [EVERYWHERE])))
    assert [problem.item for problem in problems] == ["node2.example.com"]


def definition(name="debian", path="/srv/ganeti/os/debian", ok=True, text="", variants=(),
               params=(), versions=(20,), trusted=True):
    return [name, path, ok, text, list(variants), [list(p) for p in params], list(versions),
            trusted]


def os_problems(*lists):
    config = masterside.make_config()
    found = {node.uuid: answers.parse(node, [], {constants.NV_OSLIST: rows})
             for node, rows in zip(config.nodes.values(), lists, strict=True)}
    seen = view.GroupView(config, config.nodegroups[masterside.GROUP], found)
    return [(problem.item, problem.text) for problem in judge_os.os_definitions(seen)]


def test_equal_definitions_are_fine():
    assert os_problems(*[[definition(variants=["a"], params=[("dhcp", "Use DHCP")])]] * 3) == []


@pytest.mark.parametrize(("rows", "text"), [
    ([], "lacks OSes that node1.example.com has: debian"),
    ([definition(), definition("extra")], "has OSes that node1.example.com lacks: extra"),
    ([definition(versions=[15, 20])], "API versions differ from node1.example.com: 15, 20 here"),
    ([definition(variants=["v"])], "variants differ"),
    ([definition(params=[("p", "doc")])], "parameters differ"),
    ([definition(trusted=False)], "trust differ"),
    ([definition(ok=False, text="no create")], "is not valid: no create"),
    ([definition(), definition(path="/usr/share/ganeti/os/debian")], "exists more than once"),
    ("the search path is gone", "cannot list OS definitions: the search path is gone"),
])
def test_differing_definitions_are_named(rows, text):
    problems = os_problems([definition()], rows, [definition()])
    assert [item for item, _ in problems] == ["node2.example.com"]
    assert text in problems[0][1]


def test_the_list_of_files_is_logical_and_without_repetition(node_root):
    config = masterside.make_config(modify_etc_hosts=True, use_external_mip_script=True)
    items = ancillary.files(config)
    paths = [item.path for item in items]
    assert len(paths) == len(set(paths))
    assert not [path for path in paths if path.startswith(str(node_root))]
    assert {"/etc/hosts", "/var/lib/ganeti/config.data", "/var/lib/ganeti/ssconf_master_node",
            "/etc/ganeti/scripts/master-ip-setup"} <= set(paths)
    assert not any(item.copied for item in items if "config.data" in item.path)
    secrets = {item.path for item in items if item.copied}
    assert {"/var/lib/ganeti/hmac.key", "/var/lib/ganeti/rapi.pem"} <= secrets
