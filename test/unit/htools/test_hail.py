"""The allocator: placements that fit, the reasons when none does, and every kind of request."""

import copy
import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ganeti.htools import alloc, hail, model, redundancy, score, state, tags
from ganeti.htools.load import prepare
from ganeti.htools.prog import hail as program
from test.bench import clusters
from test.unit.htools import documents

NORMAL = hail.Settings()


@pytest.fixture
def document():
    return documents.document(clusters.realistic(6, per_node=4))


def ask(document, request, settings=NORMAL):
    return hail.answer({**document, "request": request}, settings)


def test_a_mirrored_instance_gets_two_nodes(document):
    reply = ask(document, documents.allocate())
    assert reply["success"] and len(set(reply["result"])) == 2
    assert reply["info"].startswith("Request successful: Selected group: group0, Group group0"
                                    " (preferred): score: ")


def test_the_reason_why_nothing_fits(document):
    reply = ask(document, documents.allocate(memory=999999))
    assert reply == {"success": False, "result": [], "info": (
        "Request failed: Group group0 (preferred): No valid allocation solutions,"
        " failure reasons: FailMem: 30")}


def test_networks_and_groups_are_respected(document):
    reply = ask(document, documents.allocate(nics=[{"network": "n1"}]))
    assert "not connected to a network required by instance new1" in reply["info"]
    assert "nowhere" in ask(document, documents.allocate(group_name="nowhere"))["info"]
    document["nodegroups"]["uuid-0"]["alloc_policy"] = "unallocable"
    assert not ask(document, documents.allocate())["success"]


def test_only_the_named_nodes(document):
    names = sorted(document["nodes"])[:2]
    request = {**documents.allocate(), "restrict-to-nodes": names}
    assert sorted(ask(document, request)["result"]) == names
    limited = hail.Settings(restrict_to=names)
    assert sorted(ask(document, documents.allocate(), limited)["result"]) == names


def test_the_preferred_group_wins_over_a_better_score():
    document = documents.document(clusters.realistic(6, per_node=2, groups=2))
    for wanted, other in (("uuid-0", "uuid-1"), ("uuid-1", "uuid-0")):
        document["nodegroups"][wanted]["alloc_policy"] = "preferred"
        document["nodegroups"][other]["alloc_policy"] = "last_resort"
        nodes = ask(document, documents.allocate())["result"]
        assert {document["nodes"][name]["group"] for name in nodes} == {wanted}


def test_several_at_once_see_each_other(document):
    wanted = [documents.allocate(name=f"new{number}") for number in range(3)]
    reply = ask(document, {"type": "multi-allocate", "instances": [
        *wanted, documents.allocate(name="big", memory=999999)]})
    placed, failed = reply["result"]
    assert [name for name, _nodes in placed] == ["new0", "new1", "new2"] and failed == ["big"]
    assert len({tuple(nodes) for _name, nodes in placed}) > 1


def first(document, template="drbd"):
    return next((name, inst["nodes"]) for name, inst in document["instances"].items()
                if inst["disk_template"] == template)


def test_relocating_gives_another_secondary(document):
    name, nodes = first(document)
    reply = ask(document, {"type": "relocate", "name": name, "disk_space_total": 1,
                           "required_nodes": 1, "relocate_from": nodes[1:]})
    assert reply["success"] and reply["result"][0] not in nodes


@pytest.mark.parametrize("mode, operations", [
    ("primary-only", ["OP_INSTANCE_MIGRATE"]),
    ("secondary-only", ["OP_INSTANCE_REPLACE_DISKS"]),
    ("all", ["OP_INSTANCE_REPLACE_DISKS", "OP_INSTANCE_MIGRATE", "OP_INSTANCE_REPLACE_DISKS"])])
def test_evacuating(document, mode, operations):
    name, nodes = first(document)
    reply = ask(document, {"type": "node-evacuate", "instances": [name], "evac_mode": mode})
    moved, failed, jobs = reply["result"]
    assert not failed and moved[0][:2] == [name, "group0"]
    assert [[opcode["OP_ID"] for opcode in job] for job in jobs] == [operations]
    new = moved[0][2]
    if mode == "primary-only":
        assert new == nodes[::-1]
    elif mode == "secondary-only":
        assert new[0] == nodes[0] and new[1] not in nodes
    else:
        assert not set(new) & set(nodes)


def test_what_can_not_move_is_told_and_stops_nothing(document):
    name, _nodes = first(document)
    document["instances"][name]["disk_template"] = "plain"
    document["instances"][name]["nodes"] = document["instances"][name]["nodes"][:1]
    other, _nodes = first(document)
    moved, failed, _jobs = ask(document, {
        "type": "node-evacuate", "instances": [name, other], "evac_mode": "all"})["result"]
    assert failed == [[name, "Instances of template plain can not be moved"]]
    assert [entry[0] for entry in moved] == [other]


def test_changing_the_group():
    document = documents.document(clusters.realistic(8, per_node=2, groups=2))
    name, nodes = first(document)
    here = document["nodes"][nodes[0]]["group"]
    moved, failed, _jobs = ask(document, {"type": "change-group", "instances": [name],
                                          "target_groups": []})["result"]
    assert not failed
    assert {document["nodes"][node]["group"] for node in moved[0][2]} == {"uuid-0", "uuid-1"} - {
        here}


def test_a_secondary_for_a_plain_instance(document):
    name, nodes = first(document)
    document["instances"][name] |= {"disk_template": "plain", "nodes": nodes[:1]}
    reply = ask(document, {"type": "allocate-secondary", "name": name})
    assert reply["success"] and reply["result"] not in nodes[:1]
    other, _nodes = first(document)
    assert not ask(document, {"type": "allocate-secondary", "name": other})["success"]


@pytest.mark.parametrize("request_", [
    {}, {"type": "dance"}, {"type": "allocate"}, {"type": "relocate", "name": "nobody",
                                                  "relocate_from": []},
    {"type": "node-evacuate", "instances": [], "evac_mode": "some"},
    {"type": "multi-allocate", "instances": [{"name": "x"}]}])
def test_requests_without_sense_are_refused(document, request_):
    with pytest.raises(model.LoadError):
        ask(document, request_)


def test_damaged_pictures_are_refused(document):
    for key in ("nodes", "nodegroups", "instances", "cluster_tags"):
        damaged = copy.deepcopy(document)
        del damaged[key]
        with pytest.raises(model.LoadError):
            ask(damaged, documents.allocate())


def test_parameters_of_the_cluster():
    assert hail.Settings.from_params({"no-capacity-checks": ""}) == hail.Settings(
        capacity_checks=False)
    assert hail.Settings.from_params({"ignore-soft-errors": None}) == hail.Settings(True)
    assert hail.Settings.from_params({"mond": "yes"}) is None
    assert hail.Settings.from_params({"static-kvm-node-memory": "x"}) is None


@pytest.mark.parametrize("template", ["drbd", "plain", "ext"])
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
@example(361)
@example(312)
@example(203)
@example(712)
def test_nothing_is_overcommitted_and_the_score_is_the_score(template, seed):
    cluster = clusters.strange(seed)
    prepare.prepare(cluster)
    whole = state.State(cluster, tags.meaning(cluster))
    nodes = whole.nodes_of_group(cluster.groups[0])
    record = model.Instance("fresh", 2048, 20000, 2, "running", True, "", "", template,
                            ("service:a", "power:a"), 1, (1,), (20000,))
    inst = whole.add(record, state.NONE)
    before = whole.fail_n1.copy()
    found = alloc.Places(whole, nodes, inst).best(capacity=True, policy=cluster.policy)
    if not found.found:
        return
    whole.put(inst, found.pri, found.sec)
    assert score.score(whole, nodes) == pytest.approx(found.score, abs=1e-9)
    for node in {found.pri, found.sec} - {state.NONE}:
        assert whole.raw[state.MEM, node] > 0
        assert whole.raw[state.CPU, node] <= whole.hi_cpu[node]
        assert template == "ext" or whole.raw[state.DSK, node] > 0
        assert before[node] or not whole.fail_n1[node]
    assert not redundancy.failing(whole, nodes)


def test_the_program(document, tmp_path, capsys):
    path = tmp_path / "request"
    path.write_text(json.dumps({**document, "request": documents.allocate()}))
    assert program.main([str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["success"]
    assert program.main([str(tmp_path / "none")]) == 1
    path.write_text("{")
    assert program.main([str(path)]) == 1
    assert "Error: " in capsys.readouterr().err
    assert program.main([]) == 1
    assert program.main(["--nonsense"]) == 2


def evacuate(document, mode, *offline):
    """Evacuate the first mirrored instance while some of its nodes are dead."""
    name, nodes = first(document)
    for role in offline:
        document["nodes"][nodes[role]]["offline"] = True
    moved, failed, jobs = ask(document, {
        "type": "node-evacuate", "instances": [name], "evac_mode": mode})["result"]
    operations = [opcode["OP_ID"].removeprefix("OP_INSTANCE_") for job in jobs for opcode in job]
    return moved and moved[0][2], failed and failed[0][1], operations


def test_a_dead_primary_is_left_for_the_secondary(document):
    nodes = first(document)[1]
    assert evacuate(document, "primary-only", 0) == (nodes[::-1], [], ["MIGRATE"])


def test_from_a_dead_node_the_copy_goes_first(document):
    # recorded from the original
    found, failed, operations = evacuate(document, "all", 0)
    assert not failed and not set(found) & set(first(document)[1])
    assert operations == ["MIGRATE", "REPLACE_DISKS", "MIGRATE", "REPLACE_DISKS"]


@pytest.mark.parametrize("mode, offline, reason", [
    ("primary-only", (1,), "Its secondary node .* is offline"),
    ("all", (0, 1), "Its secondary node .* is offline"),
    ("secondary-only", (0,), "Its primary node .* is offline, there is nothing to copy from")])
def test_without_a_copy_nothing_is_promised(document, mode, offline, reason):
    found, failed, operations = evacuate(document, mode, *offline)
    assert not found and not operations and re.fullmatch(reason, failed)


def test_each_node_tells_why_it_will_not_do(document):
    name, nodes = first(document)
    for other in set(document["nodes"]) - set(nodes):
        document["nodes"][other]["free_disk"] = 100
    _found, failed, _operations = evacuate(document, "secondary-only")
    assert all(f"{other}: FailDisk" in failed for other in set(document["nodes"]) - set(nodes))


def test_with_a_dead_node_the_group_is_not_redundant(document):
    nodes = first(document)[1]
    document["nodes"][nodes[1]]["offline"] = True
    assert "FailN1: " in ask(document, documents.allocate())["info"]
    assert ask(document, documents.allocate(), hail.Settings(capacity_checks=False))["success"]
