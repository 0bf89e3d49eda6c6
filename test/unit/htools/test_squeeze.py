"""Standby nodes: how few suffice, and what is never done for it."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganeti.htools import commands, squeeze, state, tags
from ganeti.htools.load import prepare, text
from ganeti.htools.prog import hsqueeze
from test.bench import clusters

SHARED = """g|u|preferred|
h|v|preferred|

n1|16384|512|15872|1000|1000|8|M|u|1||N
n2|16384|512|14848|1000|1000|8|N|u|1||N
n3|16384|512|15872|1000|1000|8|N|u|1||N
n4|16384|512|15872|1000|1000|8|Y|u|1|htools:standby:auto|N
n5|16384|512|15872|1000|1000|8|N|v|1||N
n6|16384|512|15872|1000|1000|8|N|v|1||N

i1|1024|100|1|running|Y|n2||ext||1


"""


@pytest.fixture
def shared(tmp_path):
    path = tmp_path / "shared"
    path.write_text(SHARED)
    return str(path)


def load(content):
    cluster = text.parse(content)
    prepare.prepare(cluster)
    return state.State(cluster, tags.meaning(cluster))


def names(whole, nodes):
    return [whole.cluster.nodes[node].name for node in nodes]


def test_the_emptiest_nodes_go_and_each_group_keeps_one():
    whole = load(SHARED)
    plan = squeeze.plan(whole, 2.0, 2.0)
    assert plan.action == squeeze.OFFLINE
    assert sorted(names(whole, plan.nodes)) == ["n2", "n3", "n6"]
    assert plan.state.placements(0) == ["n1"] and not whole.offline[1]


def test_a_node_that_holds_disks_or_is_the_master_stays():
    whole = load(SHARED.replace("|n2||ext|", "|n2|n3|drbd|"))
    assert names(whole, squeeze.removable(whole)) == ["n5", "n6"]


def test_as_much_room_stays_as_is_asked_for():
    whole = load(SHARED)
    # 31 virtual CPUs are free on a node without instances, 30 with one
    assert squeeze.has_room(whole, 30.9) and not squeeze.has_room(whole, 31)
    assert squeeze.plan(whole, 31, 31).action == squeeze.ONLINE
    assert squeeze.plan(whole, 30, 30).action == squeeze.OFFLINE
    assert squeeze.plan(load(SHARED.replace("||ext|", "||plain|")), 30, 30.9).nodes


def test_nodes_come_back_one_by_one_until_there_is_room():
    whole = load(SHARED)
    plan = squeeze.plan(whole, 60, 2)
    assert names(whole, plan.nodes) == ["n4"] and plan.short
    assert not plan.state.cluster.nodes[3].offline and whole.cluster.nodes[3].offline


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_no_instance_is_left_on_a_node_that_goes(seed):
    cluster = clusters.strange(seed)
    prepare.prepare(cluster)
    whole = state.State(cluster, tags.meaning(cluster))
    before = whole.pri.copy(), whole.sec.copy(), whole.offline.copy()
    plan = squeeze.plan(whole, 0.0, 0.0)
    assert all(np.array_equal(old, new) for old, new in zip(
        before, (whole.pri, whole.sec, whole.offline), strict=True))
    if plan.action == squeeze.OFFLINE and plan.nodes:
        assert not np.isin(plan.state.pri, plan.nodes).any()
        assert not np.isin(plan.state.sec, plan.nodes).any()
        assert not any(cluster.nodes[node].master for node in plan.nodes)


def test_files_and_json(shared, tmp_path, capsys):
    assert hsqueeze.main(["-t", shared, "--json", f"-C{tmp_path / 'go.sh'}",
                          "-S", str(tmp_path / "x")]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["action"] == "offline" and record["moves"] == [
        {"instance": "i1", "commands": ["gnt-instance migrate -f -n n1 i1"]}]
    script = (tmp_path / "go.sh").read_text()
    assert script.startswith(commands.SCRIPT_HEAD)
    assert script.index("migrate") < script.index(f"gnt-node add-tags n2 {tags.STANDBY_AUTO}")
    assert script.index("add-tags n3") < script.index("gnt-node power -f off n2")
    after = text.load(str(tmp_path / "x.squeezed"))
    assert [node.offline for node in after.nodes] == [False, True, True, True, False, True]
    assert text.load(str(tmp_path / "x.original")).nodes[3].offline


def test_the_list_alone_for_scripts(shared, capsys):
    assert hsqueeze.main(["-t", shared, "--no-headers"]) == 0
    assert sorted(capsys.readouterr().out.split()) == ["n2", "n3", "n6"]
    assert hsqueeze.main(["-t", shared, "--no-headers", "--target-resources=40",
                          "--minimal-resources=1"]) == 0
    assert capsys.readouterr().out == ""
    assert hsqueeze.main(["-t", shared, "-X"]) == 1
