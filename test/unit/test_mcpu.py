"""The processor: phases in order, locks, hooks, results; on a cluster in one process."""

import os

import pytest

from ganeti import constants, errors, ht, opcodes, pathutils, serializer
from ganeti.cmdlib import base, registry
from ganeti.locking import levels
from ganeti.masterd import hooks
from test import incluster


@pytest.fixture
def cluster(tmp_path):
    made = incluster.InCluster(str(tmp_path))
    yield made
    made.close()


class Unit(base.LogicalUnit):
    """Notes the phases; a test replaces what it wants."""

    OP = opcodes.OpTestDummy
    HOOKS = base.Hooks("test-dummy", constants.HTYPE_CLUSTER)
    seen: list

    def expand(self):
        self.seen.append("expand")

    def locks(self, level):
        self.seen.append(level.name)
        if level is levels.Level.NODE:
            return base.LockRequest(base.ALL, shared=True)
        return None

    def check_prereq(self):
        self.seen.append("check")
        assert self.owns_all(levels.Level.NODE)
        assert self.owned(levels.Level.NODE) == set(self.config.nodes)

    def hooks_env(self):
        return {"COLOUR": "red" if "exec" not in self.seen else "green", "NOTHING": None}

    def hooks_nodes(self):
        return [incluster.node_uuid(1)], [incluster.node_uuid(1), incluster.node_uuid(2)]

    def exec(self):
        self.seen.append("exec")
        return


@pytest.fixture
def unit(monkeypatch):
    monkeypatch.setattr(Unit, "seen", [], raising=False)
    monkeypatch.setitem(registry._loaded, "OP_TEST_DUMMY", Unit)
    return Unit


def write_hook(cluster, number, phase, name, text, path="test-dummy"):
    with cluster.on(number):
        directory = f"{pathutils.HOOKS_BASE_DIR}/{path}-{phase}.d"
    os.makedirs(directory, exist_ok=True)
    script = os.path.join(directory, name)
    with open(script, "w") as stream:
        stream.write(f"#!/bin/sh\n{text}\n")
    os.chmod(script, 0o755)


def test_phases_come_in_their_order(cluster, unit):
    cluster.run("TEST_DUMMY")
    assert unit.seen == ["expand", "INSTANCE", "NODEGROUP", "NODE", "NODE_RES", "NETWORK",
                         "check", "exec"]
    assert cluster.held["CLUSTER"] == [levels.BGL]


def test_hooks_run_with_their_environment(cluster, unit, tmp_path):
    for phase in ("pre", "post"):
        for number in (1, 2):
            write_hook(cluster, number, phase, "show", f"env | sort > {tmp_path}/{phase}{number}")
    cluster.run("TEST_DUMMY")
    pre = dict(line.split("=", 1) for line in (tmp_path / "pre1").read_text().splitlines())
    post = dict(line.split("=", 1) for line in (tmp_path / "post2").read_text().splitlines())
    assert not (tmp_path / "pre2").exists()
    assert pre["GANETI_COLOUR"] == "red" and pre["GANETI_NOTHING"] == ""
    assert pre["GANETI_OP_CODE"] == "OP_TEST_DUMMY" and pre["GANETI_HOOKS_PHASE"] == "pre"
    assert pre["GANETI_HOOKS_PATH"] == "test-dummy" and pre["GANETI_HOOKS_VERSION"] == "2"
    assert pre["GANETI_OBJECT_TYPE"] == "CLUSTER"
    assert pre["GANETI_CLUSTER"] == "cluster.example.org"
    assert pre["GANETI_MASTER"] == "node1.example.org"
    assert pre["PATH"] == "/sbin:/bin:/usr/sbin:/usr/bin"
    assert not [name for name in pre if name.startswith("GANETI_POST_")]
    assert post["GANETI_COLOUR"] == "red" and post["GANETI_POST_COLOUR"] == "green"


def test_a_failing_pre_hook_ends_the_operation(cluster, unit):
    write_hook(cluster, 1, "pre", "guard", "echo not today; exit 1")
    with pytest.raises(errors.HooksAbort) as caught:
        cluster.run("TEST_DUMMY")
    ((node, script, output),) = caught.value.args[0]
    assert (node, script, output) == ("node1.example.org", "test-dummy-pre.d/guard", "not today\n")
    assert "exec" not in unit.seen


def test_unreachable_nodes_and_failing_post_hooks_are_warnings(cluster, unit):
    write_hook(cluster, 2, "post", "tell", "echo oops; exit 3")
    cluster.nodes.dead.add(cluster.address(1))
    cluster.run("TEST_DUMMY")
    log = "\n".join(cluster.log)
    assert "pre hooks could not be run on node node1" in log
    assert "Post hook test-dummy-post.d/tell failed on node node2.example.org: oops" in log
    assert unit.seen[-1] == "exec"


def test_a_dry_run_stops_after_the_pre_hooks(cluster, unit, tmp_path):
    write_hook(cluster, 1, "pre", "show", f"touch {tmp_path}/ran")
    assert cluster.run("TEST_DUMMY", dry_run=True) is None
    assert (tmp_path / "ran").exists() and "exec" not in unit.seen
    assert not any("post" in call for call in cluster.nodes.names())


def test_results_are_checked(cluster, unit, monkeypatch):
    monkeypatch.setattr(Unit, "exec", lambda self: 17)
    with pytest.raises(errors.OpResultError, match="TEST_DUMMY"):
        cluster.run("TEST_DUMMY")


def test_submitted_jobs_inherit_priority_and_reason(cluster, unit, monkeypatch):
    child = opcodes.OpTestDelay(duration=0)
    monkeypatch.setattr(Unit, "exec", lambda self: base.JobsResult([[child]], other=1))
    monkeypatch.setattr(Unit.OP, "RESULT", ht.Any)
    result = cluster.run("TEST_DUMMY", priority=-10, reason=[["gnt:user", "because", 1]],
                         debug_level=2)
    assert result == {"jobs": [[True, 1000]], "other": 1}
    ((op,),) = cluster.submitted
    assert op.priority == -10 and op.debug_level == 2
    assert "Submitted by TEST_DUMMY" in op.comment
    assert op.reason[0] == ["gnt:user", "because", 1]
    assert op.reason[1][0] == "gnt:opcode:op_test_dummy"


def test_an_exclusive_unit_takes_the_big_lock_alone(cluster, unit, monkeypatch):
    monkeypatch.setattr(Unit, "EXCLUSIVE", True)
    modes = []

    def exec_unit(self):
        modes.extend(row[1] for row in self.ctx.locks.report() if row[0] == "cluster/BGL")

    monkeypatch.setattr(Unit, "exec", exec_unit)
    cluster.run("TEST_DUMMY")
    assert modes == ["exclusive"]


def test_changes_are_durable_when_the_opcode_is_done(cluster, unit, monkeypatch):
    def exec_unit(self):
        self.cfg.reserve.names.take(self.job_id, "web")
        with self.cfg.edit(job=self.job_id) as draft:
            draft.update(draft.cluster, tags=["changed"])
        self.release(levels.Level.NODE, keep=[incluster.node_uuid(1)])
        assert self.owned(levels.Level.NODE) == {incluster.node_uuid(1)}

    monkeypatch.setattr(Unit, "exec", exec_unit)
    cluster.run("TEST_DUMMY")
    with open(cluster.cfg._path, "rb") as stream:
        assert serializer.load(stream.read())["cluster"]["tags"] == ["changed"]


def test_hooks_of_configuration_updates(cluster, tmp_path):
    write_hook(cluster, 1, "post", "tell", f"echo $GANETI_HOOKS_PATH > {tmp_path}/told",
               "config-update")
    hooks.run_config_update(cluster.rpc, cluster.config)
    assert (tmp_path / "told").read_text() == "config-update\n"


def test_every_registered_unit_exists_and_serves_its_opcode():
    for op_id in registry.LOGICAL_UNITS:
        unit_class = registry.unit_class(op_id)
        assert op_id == unit_class.OP.OP_ID
        assert issubclass(unit_class, base.LogicalUnit)


def test_an_opcode_without_unit_is_named():
    with pytest.raises(errors.OpPrereqError) as caught:
        registry.require("OP_MAKE_COFFEE")
    assert "OP_MAKE_COFFEE" in caught.value.args[0] and caught.value.args[1] == "wrong_state"
