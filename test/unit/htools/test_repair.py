"""Automatic repair: tags are read and written as the catalogue says, and decide what is done."""

import dataclasses

import pytest

from ganeti.htools import repair

P = repair.PREFIX
UUID = "7a37c9f4-ece2-4244-8da5-90be4ebfadf4"
SOUND = repair.Patient("i", "drbd", False, False)


@pytest.mark.parametrize("tag", [
    f"{P}pending:failover:{UUID}:1795417571:26", f"{P}pending:fix-storage:{UUID}:1:26+27",
    f"{P}result:reinstall:{UUID}:1795417636:enoperm:",
    f"{P}result:failover:{UUID}:1795417621:success:20"])
def test_notes_are_the_tags_of_the_original(tag):
    note = repair.read_note(tag)
    assert note is not None and note.tag == tag


@pytest.mark.parametrize("tag", [
    "other", P, f"{P}failover", f"{P}pending:what:{UUID}:1:2", f"{P}pending:failover:{UUID}:x:2",
    f"{P}pending:failover:{UUID}:1:", f"{P}pending:failover:{UUID}:1:a",
    f"{P}result:failover:{UUID}:1:perhaps:2", f"{P}result:failover:{UUID}:1"])
def test_other_tags_are_none(tag):
    assert repair.read_note(tag) is None


@pytest.mark.parametrize("instance, group, cluster, allowed, suspended", [
    ([], [], [], None, None),
    ([], [], ["failover"], "failover", None),
    ([], ["reinstall"], ["failover"], "reinstall", None),
    (["fix-storage"], ["reinstall"], ["failover"], "fix-storage", None),
    ([], ["reinstall", "migrate"], [], "migrate", None),
    (["suspend"], [], ["failover"], None, repair.FOR_EVER),
    (["suspend", "failover"], [], [], None, repair.FOR_EVER),
    (["failover"], ["suspend"], [], "failover", None),
    (["suspend:999"], [], ["failover"], "failover", None),
    (["suspend:2000"], [], ["failover"], None, 2000),
    (["suspend:1x", "bogus"], [], ["failover"], "failover", None)])
def test_the_nearest_tags_decide(instance, group, cluster, allowed, suspended):
    levels = [[P + word for word in words] for words in (instance, group, cluster)]
    assert repair.permission(levels, 1000) == repair.Permission(allowed, suspended)


def test_a_type_allows_all_milder_ones():
    assert [kind for kind in repair.TYPES if repair.Permission("failover").allows(kind)] == [
        "fix-storage", "migrate", "failover"]
    assert not repair.Permission().allows("fix-storage")


@pytest.mark.parametrize("template, pri, sec, kind, operations", [
    ("drbd", True, True, "reinstall", ["OP_INSTANCE_RECREATE_DISKS", "OP_INSTANCE_REINSTALL"]),
    ("drbd", True, False, "failover", ["OP_INSTANCE_FAILOVER"]),
    ("drbd", False, True, "fix-storage", ["OP_INSTANCE_REPLACE_DISKS"]),
    ("plain", True, False, "reinstall", ["OP_INSTANCE_RECREATE_DISKS", "OP_INSTANCE_REINSTALL"]),
    ("rbd", True, False, "failover", ["OP_INSTANCE_FAILOVER"])])
def test_what_offline_nodes_call_for(template, pri, sec, kind, operations):
    found = repair.find(repair.Patient("i", template, pri, sec))
    assert found is not None
    assert (found[0], [op["OP_ID"] for op in found[1]]) == (kind, operations)
    assert all(op["instance_name"] == "i" for op in found[1])
    assert repair.find(repair.Patient("i", template, False, False)) is None


def test_states_come_from_the_last_note():
    def state(*words):
        return dataclasses.replace(SOUND, tags=tuple(P + word for word in words)).state()
    assert state() == state(f"result:failover:{UUID}:1:success:2") == repair.HEALTHY
    failed = f"result:failover:{UUID}:5:failure:2"
    assert state(failed) == state(failed, f"result:failover:{UUID}:4:success:2") == repair.FAILURE
    assert state(failed, f"pending:failover:{UUID}:3:9") == repair.PENDING
    assert state(f"result:reinstall:{UUID}:1:enoperm:") == repair.NEEDED


@pytest.mark.parametrize("statuses, result", [
    (["success"], "success"), (["success", "running"], None), (["success", "error"], "failure"),
    (["canceled"], "failure"), ([None], "failure"), ([None, "queued"], None)])
def test_a_repair_is_as_good_as_its_jobs(statuses, result):
    assert repair.outcome(statuses) == result
