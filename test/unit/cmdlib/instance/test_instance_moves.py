"""Migration, fail-over and what is left when they are cut off."""

from __future__ import annotations

import pytest

from ganeti import constants, errors
from ganeti.cmdlib.instance import migration

NAME = "inst1.example.org"
SOURCE, TARGET = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def guest(cluster):
    """An instance that runs on the first node."""
    return cluster.add(nics=[{"ip": "10.0.0.1"}])


def primary(cluster) -> str:
    return cluster.config.nodes[cluster.instance(NAME).primary_node].name


def migrate(cluster, **params):
    values = {"instance_name": NAME, "target_node": "node2.example.org", **params}
    return cluster.run("INSTANCE_MIGRATE", **values)


def guest_state(cluster, number: int) -> bytes:
    """The fake guest's own file, which tells its boots and its start."""
    path = f"{cluster.nodes.roots[cluster.address(number)]}/var/run/ganeti/" \
           f"ganeti-fake-hypervisor/{NAME}"
    with open(path, "rb") as fobj:
        return fobj.read()


def test_running_guest_moves_without_restart(cluster, guest):
    before = guest_state(cluster, 1)
    assert migrate(cluster) is None
    assert cluster.runs_on(NAME) == [2]
    assert guest_state(cluster, 2) == before
    assert primary(cluster) == "node2.example.org"
    assert cluster.log[-1] == "* done"


def test_locks_of_migration(cluster, guest):
    migrate(cluster)
    nodes = sorted(cluster.config.node_by_name(f"node{n}.example.org").uuid for n in (1, 2))
    assert cluster.held["INSTANCE"] == [NAME]
    assert cluster.held["NODE"] == cluster.held["NODE_RES"] == nodes


def test_traffic_goes_to_the_secondary_address(cluster, guest, monkeypatch):
    seen = []
    from ganeti.hypervisor.fake import FakeHypervisor
    former = FakeHypervisor.migrate
    monkeypatch.setattr(FakeHypervisor, "migrate",
                        lambda self, *args: (seen.append(args[2]), former(self, *args))[1])
    migrate(cluster)
    assert seen == ["198.51.100.2"]


def test_configuration_names_the_target_before_anything_is_finished(cluster, guest):
    seen = []
    cluster.nodes.before["instance_finalize_migration_dst"] = lambda: seen.append(
        (primary(cluster), cluster.cfg.durable_version == cluster.config.serial_no))
    migrate(cluster)
    assert seen == [("node2.example.org", True)]


@pytest.mark.parametrize("call", ["accept_instance", "instance_migrate", "blockdev_assemble"])
def test_failure_before_the_guest_has_left(cluster, guest, call):
    cluster.nodes.failures[("*", call)] = "no way"
    with pytest.raises(errors.OpExecError, match="no way.*node1.example.org"):
        migrate(cluster)
    assert cluster.runs_on(NAME) == [1]
    assert primary(cluster) == "node1.example.org"
    assert ("192.0.2.2", "instance_finalize_migration_dst") in cluster.nodes.calls


def test_migration_that_the_hypervisor_gives_up(cluster):
    cluster.add(nics=[{"ip": "10.0.0.1"}], tags=["fake:fail-migration"])
    with pytest.raises(errors.OpExecError, match="migration failed; it stays on node node1"):
        migrate(cluster)
    assert cluster.runs_on(NAME) == [1]
    assert cluster.nodes.names(SOURCE)[-1] == "instance_finalize_migration_src"


def test_source_that_falls_silent_is_not_aborted(cluster, guest):
    cluster.nodes.failures[(SOURCE, "instance_get_migration_status")] = "connection reset"
    with pytest.raises(errors.OpExecError, match="--cleanup"):
        migrate(cluster)
    assert "instance_finalize_migration_src" not in cluster.nodes.names()
    assert "instance_finalize_migration_dst" not in cluster.nodes.names()


def test_short_silence_of_the_source_is_borne(cluster, guest, monkeypatch):
    monkeypatch.setattr(migration, "PATIENCE", 30)
    asked = []

    def fail_twice() -> None:
        asked.append(1)
        key = (SOURCE, "instance_get_migration_status")
        if len(asked) < 3:
            cluster.nodes.failures[key] = "connection reset"
        else:
            cluster.nodes.failures.pop(key, None)

    cluster.nodes.before["instance_get_migration_status"] = fail_twice
    migrate(cluster)
    assert len(asked) == 3 and cluster.runs_on(NAME) == [2]


def test_failed_finish_tells_how_to_go_on_and_cleanup_does_it(cluster, guest):
    cluster.nodes.failures[(SOURCE, "instance_finalize_migration_src")] = "oops"
    with pytest.raises(errors.OpExecError, match="runs on node node2.*migrate --cleanup"):
        migrate(cluster)
    assert primary(cluster) == "node2.example.org"
    cluster.nodes.failures.clear()
    with cluster.on(1):
        from ganeti.hypervisor import fake
        fake.FakeHypervisor()._remove_guest(NAME)
    cluster.run("INSTANCE_MIGRATE", instance_name=NAME, cleanup=True)
    assert cluster.runs_on(NAME) == [2] and primary(cluster) == "node2.example.org"


def test_cleanup_finds_the_guest_where_it_is(cluster, guest):
    """As after a master daemon that died between the arrival and the commit."""
    with cluster.on(1):
        from ganeti.hypervisor import fake
        state = fake.FakeHypervisor().read_guest(NAME)
        fake.FakeHypervisor()._remove_guest(NAME)
    with cluster.on(3):
        fake.FakeHypervisor()._write_guest(NAME, state)
    cluster.run("INSTANCE_MIGRATE", instance_name=NAME, cleanup=True)
    assert primary(cluster) == "node3.example.org"
    assert cluster.runs_on(NAME) == [3]


def test_cleanup_with_the_guest_at_home_changes_nothing(cluster, guest):
    cluster.run("INSTANCE_MIGRATE", instance_name=NAME, cleanup=True)
    assert primary(cluster) == "node1.example.org" and cluster.runs_on(NAME) == [1]


@pytest.mark.parametrize(("status", "lives_on"), [("completed", 2), ("failed", 1)])
def test_cleanup_with_the_guest_on_both_asks_the_sender(cluster, guest, monkeypatch, status,
                                                        lives_on):
    from ganeti import pathutils
    from ganeti.hypervisor import base, fake
    with cluster.on(1):
        state = fake.FakeHypervisor().read_guest(NAME)
    with cluster.on(2):
        fake.FakeHypervisor()._write_guest(NAME, state)

    def answer(self, instance):
        sender = "/node1" in pathutils.RUN_DIR
        return base.MigrationStatus(status if sender else "completed",
                                    transferred_ram=1.0 if sender else None,
                                    total_ram=1.0 if sender else None)

    monkeypatch.setattr(fake.FakeHypervisor, "migration_status", answer)
    cluster.run("INSTANCE_MIGRATE", instance_name=NAME, cleanup=True)
    assert cluster.runs_on(NAME) == [lives_on]
    assert primary(cluster) == f"node{lives_on}.example.org"


def test_cleanup_without_any_guest_says_so(cluster, guest):
    with cluster.on(1):
        from ganeti.hypervisor import fake
        fake.FakeHypervisor()._remove_guest(NAME)
    with pytest.raises(errors.OpExecError, match="runs on no node.*gnt-instance startup"):
        cluster.run("INSTANCE_MIGRATE", instance_name=NAME, cleanup=True)


def test_stopped_instance_is_only_failed_over(cluster, guest):
    cluster.run("INSTANCE_SHUTDOWN", instance_name=NAME)
    with pytest.raises(errors.OpPrereqError, match="does not run; use 'gnt-instance failover'"):
        migrate(cluster)
    migrate(cluster, allow_failover=True)
    assert primary(cluster) == "node2.example.org"
    assert cluster.runs_on(NAME) == []
    assert cluster.instance(NAME).disks_active is False


def test_always_failover_is_respected(cluster):
    cluster.add(nics=[{"ip": "10.0.0.1"}], beparams={"always_failover": True})
    migrate(cluster)
    assert "instance_migrate" not in cluster.nodes.names()
    assert cluster.runs_on(NAME) == [2]


@pytest.mark.parametrize(("params", "text"), [
    ({"target_node": "node1.example.org"}, "primary node of instance .* already"),
    ({"target_node": "nodeX"}, "not known"),
    ({"target_node": None}, "no default iallocator"),
    ({"iallocator": "hail"}, "not both"),
    ({"live": True, "mode": "live"}, "Only one of"),
])
def test_bad_targets(cluster, guest, params, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        migrate(cluster, **params)


def test_data_on_one_node_can_not_be_migrated(cluster):
    cluster.add(nics=[{"ip": "10.0.0.1"}], disk_template="file")
    with pytest.raises(errors.OpPrereqError, match="'gnt-instance move'"):
        migrate(cluster)


def test_guest_shrinks_to_fit(cluster, monkeypatch):
    from ganeti.cmdlib.checks import memory
    cluster.add(nics=[{"ip": "10.0.0.1"}], beparams={"minmem": 128, "maxmem": 512})
    monkeypatch.setattr(memory, "free", lambda *_args: 256)
    with pytest.raises(errors.OpPrereqError, match="only 256 MiB free"):
        migrate(cluster, allow_runtime_changes=False)
    migrate(cluster)
    assert b'"memory": 256' in guest_state(cluster, 2).replace(b'":', b'": ').replace(b":  ", b": ")


def test_no_room_on_the_target(cluster, guest, monkeypatch):
    from ganeti.cmdlib.checks import memory
    monkeypatch.setattr(memory, "free", lambda *_args: 100)
    with pytest.raises(errors.OpPrereqError, match="needed 128 MiB, available 100") as caught:
        migrate(cluster)
    assert caught.value.args[1] == errors.ECODE_NORES


@pytest.mark.parametrize(("versions", "params", "text"), [
    (([7, 2], [6, 0]), {}, "--ignore-hvversions"),
    (([7, 2], [6, 0]), {"ignore_hvversions": True}, None),
    (([6, 0], [7, 2]), {}, None),
])
def test_hypervisor_versions(cluster, guest, monkeypatch, versions, params, text):
    from ganeti.cmdlib.checks import memory
    former = memory.hypervisor_info

    def info(lu, uuid, name):
        found = former(lu, uuid, name)
        found["hv_version"] = versions[0 if uuid == lu.source else 1]
        return found

    monkeypatch.setattr(memory, "hypervisor_info", info)
    if text is None:
        migrate(cluster, **params)
        assert any("versions differ" in line for line in cluster.log)
    else:
        with pytest.raises(errors.OpPrereqError, match=text):
            migrate(cluster, **params)


def test_allocator_chooses_and_other_locks_are_given_back(cluster, guest, allocator):
    kept = []
    cluster.nodes.before["accept_instance"] = lambda: kept.append(
        {name for level in (3, 4) for name in cluster.locks.held(2, _level(level))[0]})
    migrate(cluster, target_node=None, iallocator=allocator)
    assert primary(cluster) == "node3.example.org"
    assert kept == [{cluster.config.node_by_name(f"node{n}.example.org").uuid for n in (1, 3)}]


def _level(number):
    from ganeti.locking.levels import Level
    return Level(number)


# Fail-over.


def failover(cluster, **params):
    values = {"instance_name": NAME, "target_node": "node2.example.org", **params}
    return cluster.run("INSTANCE_FAILOVER", **values)


def test_failover_starts_on_the_target(cluster, guest):
    failover(cluster)
    assert cluster.runs_on(NAME) == [2] and primary(cluster) == "node2.example.org"


def test_failover_keeps_a_stopped_instance_stopped(cluster, guest):
    cluster.run("INSTANCE_SHUTDOWN", instance_name=NAME)
    failover(cluster)
    assert cluster.runs_on(NAME) == [] and primary(cluster) == "node2.example.org"


def test_failover_with_a_stuck_guest_stops_before_anything_changes(cluster, guest):
    cluster.nodes.failures[(SOURCE, "instance_shutdown")] = "stuck"
    with pytest.raises(errors.OpExecError, match="stuck"):
        failover(cluster)
    assert primary(cluster) == "node1.example.org" and cluster.runs_on(NAME) == [1]


def test_failover_from_a_dead_node(cluster, guest):
    node = cluster.config.node_by_name("node1.example.org")
    with cluster.cfg.edit() as draft:
        draft.update(cluster.config.cluster, master_node=cluster.config.node_by_name(
            "node3.example.org").uuid)
        draft.update(node, offline=True, master_candidate=False)
    failover(cluster)
    assert primary(cluster) == "node2.example.org"
    assert 2 in cluster.runs_on(NAME)
    assert any("make sure that the node is really down" in line for line in cluster.log)


def test_failover_hooks_know_both_nodes(cluster, guest, tmp_path):
    from test_instance_create import add_hook
    seen = tmp_path / "seen"
    add_hook(cluster, "instance-failover-post.d", f"env > {seen}")
    failover(cluster, ignore_consistency=True, shutdown_timeout=7)
    env = dict(line.partition("=")[::2] for line in seen.read_text().splitlines())
    assert env["GANETI_OLD_PRIMARY"] == "node1.example.org"
    assert env["GANETI_NEW_PRIMARY"] == "node2.example.org"
    assert env["GANETI_INSTANCE_PRIMARY"] == "node1.example.org"
    assert env["GANETI_POST_INSTANCE_PRIMARY"] == "node2.example.org"
    assert env["GANETI_IGNORE_CONSISTENCY"] == "True"
    assert env["GANETI_SHUTDOWN_TIMEOUT"] == "7"
    assert env["GANETI_FAILOVER_CLEANUP"] == "False"


# Whole nodes.


def test_every_primary_of_a_node_is_migrated(cluster, guest):
    result = cluster.run("NODE_MIGRATE", node_name="node1", target_node="node2", mode="live")
    assert result == {constants.JOB_IDS_KEY: [[True, 1000]]}
    ((op,),) = cluster.submitted
    assert (op.OP_ID, op.instance_name, op.target_node, op.mode) == (
        "OP_INSTANCE_MIGRATE", NAME, "node2.example.org", "live")


def test_evacuation_asks_the_allocator(cluster, guest, allocator):
    cluster.run("NODE_EVACUATE", node_name="node1", mode="primary-only", iallocator=allocator)
    ((op,),) = cluster.submitted
    assert (op.OP_ID, op.instance_name) == ("OP_INSTANCE_MIGRATE", NAME)


def test_evacuation_of_an_empty_node_needs_nobody(cluster, guest, allocator):
    assert cluster.run("NODE_EVACUATE", node_name="node2", mode="all", iallocator=allocator) == {
        constants.JOB_IDS_KEY: []}


@pytest.mark.parametrize(("params", "text"), [
    ({"mode": "all", "remote_node": "node2"}, "secondary instances"),
    ({"mode": "secondary-only", "remote_node": "node1"}, "to itself"),
    ({"mode": "all"}, "no default iallocator"),
])
def test_bad_evacuations(cluster, guest, params, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        cluster.run("NODE_EVACUATE", node_name="node1", **params)


def test_group_change_without_room_is_refused(cluster, guest, allocator):
    from ganeti import objects
    with cluster.cfg.edit() as draft:
        draft.add(objects.NodeGroup(uuid="eeeeeeee-0000-4000-8000-000000000001", name="other"))
    with pytest.raises(errors.OpPrereqError, match="inst1.example.org: no room"):
        cluster.run("INSTANCE_CHANGE_GROUP", instance_name=NAME, iallocator=allocator,
                    target_groups=["other"])
    with pytest.raises(errors.OpPrereqError, match="in node group default already"):
        cluster.run("INSTANCE_CHANGE_GROUP", instance_name=NAME, iallocator=allocator,
                    target_groups=["default"])


def test_only_mirrors_can_be_replaced(cluster, guest):
    with pytest.raises(errors.OpPrereqError, match="no mirrors"):
        cluster.run("INSTANCE_REPLACE_DISKS", instance_name=NAME, mode="replace_auto")
