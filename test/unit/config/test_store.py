"""Edits: all or nothing, checked, written before they count."""

import os
import stat
import threading

import pytest

from ganeti import errors
from ganeti.config import files, instances, nodes, store
from ganeti.utils import io
from test.unit.config.conftest import (
    GROUP,
    NET,
    disk_uuid,
    instance_uuid,
    make_config,
    make_disk,
    make_instance,
    node_uuid,
)


def add_instance(cfg, number=1, disks=(), **values):
    with cfg.edit() as draft:
        return instances.add(draft, make_instance(number, **values), disks)


def test_a_commit_is_on_disk_when_it_counts_as_durable(cfg, path):
    before = cfg.snapshot
    add_instance(cfg, 1, [make_disk(1)])
    cfg.wait_durable()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    stored = files.read(path)
    assert stored.instances[instance_uuid(1)].disks == [disk_uuid(1)]
    assert stored.serial_no == before.serial_no + 1
    assert before.instances == {}


def test_serial_numbers_and_times_follow_changes(cfg):
    old = cfg.snapshot
    with cfg.edit() as draft:
        draft.update(old.nodes[node_uuid(2)], drained=True, master_candidate=False)
    new = cfg.snapshot
    assert new.nodes[node_uuid(2)].serial_no == old.nodes[node_uuid(2)].serial_no + 1
    assert new.nodes[node_uuid(2)].mtime > old.nodes[node_uuid(2)].mtime
    assert new.nodes[node_uuid(1)] is old.nodes[node_uuid(1)]
    assert new.cluster.serial_no == old.cluster.serial_no + 1
    with cfg.edit() as draft:
        draft.update(new.nodes[node_uuid(2)], drained=True)
    assert cfg.snapshot.nodes[node_uuid(2)].serial_no == new.nodes[node_uuid(2)].serial_no


def test_an_exception_in_the_block_changes_nothing(cfg):
    before = cfg.snapshot
    with pytest.raises(ZeroDivisionError):
        with cfg.edit() as draft:
            draft.add(make_instance(1))
            raise ZeroDivisionError
    assert cfg.snapshot is before
    add_instance(cfg)


def test_updates_build_on_the_pending_state(cfg):
    add_instance(cfg)
    stale = cfg.snapshot.instances[instance_uuid(1)]
    with cfg.edit() as draft:
        draft.update(stale, admin_state="up")
        draft.update(stale, disks_active=True)
        assert draft.config.instances[instance_uuid(1)].admin_state == "up"
    found = cfg.snapshot.instances[instance_uuid(1)]
    assert (found.admin_state, found.disks_active) == ("up", True)


@pytest.mark.parametrize("values, text", [
    ({"name": "inst1.example.org"}, "instance name inst1.example.org"),
    ({"nics": make_instance(1).nics}, "MAC address aa:00:00:00:00:01"),
    ({"network_port": 11000}, "port 11000"),
    ({"primary_node": "nowhere"}, "primary node nowhere does not exist"),
    ({"disks": ["missing"]}, "disk missing does not exist"),
    ({"admin_state": "asleep"}, "unknown admin state 'asleep'"),
])
def test_what_breaks_a_rule_is_refused(cfg, values, text):
    add_instance(cfg, 1, network_port=11000)
    before = cfg.snapshot
    with pytest.raises(errors.ConfigurationError, match=text):
        with cfg.edit() as draft:
            draft.add(make_instance(2, **values))
    assert cfg.snapshot is before
    add_instance(cfg, 2)


def test_volumes_and_minors_are_unique(cfg):
    def drbd(number, first, second):
        return make_disk(number, dev_type="drbd", nodes=[node_uuid(1), node_uuid(2)], logical_id=[
            node_uuid(1), node_uuid(2), 11000 + number, first, second, "secret"])

    add_instance(cfg, 1, [make_disk(1)])
    with pytest.raises(errors.ConfigurationError, match="plain volume vg/disk1 is used by"):
        add_instance(cfg, 2, [make_disk(2, logical_id=["vg", "disk1"])])
    add_instance(cfg, 3, [drbd(3, 0, 5)])
    with pytest.raises(errors.ConfigurationError, match="minor 5 on node node2.example.org"):
        add_instance(cfg, 4, [drbd(4, 1, 5)])
    assert cfg.reserve.minors.generate(7, [node_uuid(1), node_uuid(2)]) == [1, 0]


def test_what_others_refer_to_can_not_be_removed(cfg):
    add_instance(cfg, 1, [make_disk(1)])
    config = cfg.snapshot
    for item, text in ((config.nodes[node_uuid(1)], "primary node"),
                       (config.nodegroups[GROUP], "its node group"),
                       (config.disks[disk_uuid(1)], "its disk")):
        with pytest.raises(errors.ConfigurationError, match=text):
            with cfg.edit() as draft:
                draft.remove(item)
    with cfg.edit() as draft:
        instances.remove(draft, config.instances[instance_uuid(1)])
    assert not cfg.snapshot.instances and not cfg.snapshot.disks


def test_old_faults_do_not_block_other_changes(path):
    config = make_config()
    broken = config.nodes[node_uuid(2)].replace(group="gone")
    cfg = store.ConfigStore(config.with_changes([broken]), path)
    with cfg.edit() as draft:
        draft.update(draft.config.nodes[node_uuid(2)], drained=True, master_candidate=False)
    assert cfg.snapshot.nodes[node_uuid(2)].drained


def test_address_pools_follow_the_interfaces(cfg):
    nic = make_instance(1).nics[0].replace(network=NET, ip="10.0.0.3")
    add_instance(cfg, 1, nics=[nic])
    assert cfg.snapshot.networks[NET].reservations == "00010000"
    with cfg.edit() as draft:
        draft.update(make_instance(1), nics=[nic.replace(ip="10.0.0.4")])
    assert cfg.snapshot.networks[NET].reservations == "00001000"
    with cfg.edit() as draft:
        draft.remove(make_instance(1))
    assert cfg.snapshot.networks[NET].reservations == "00000000"


def test_ports_go_out_of_the_pool_and_come_back(cfg):
    first, second = cfg.reserve.ports.generate(1), cfg.reserve.ports.generate(1)
    assert (first, second) == (11000, 11001)
    add_instance(cfg, 1, network_port=second)
    cluster = cfg.snapshot.cluster
    assert (cluster.highest_used_port, cluster.tcpudp_port_pool) == (11001, [11000])
    cfg.reserve.release(1)
    with cfg.edit() as draft:
        draft.remove(make_instance(1))
    assert cfg.snapshot.cluster.tcpudp_port_pool == [11000, 11001]
    assert cfg.reserve.ports.generate(2) == 11000


def test_reservations_keep_other_jobs_away_until_they_are_released(cfg):
    cfg.reserve.names.take(1, "web")
    cfg.reserve.names.take(1, "web")
    with pytest.raises(errors.ReservationError, match="instance name web is reserved by job 1"):
        cfg.reserve.names.take(2, "web")
    cfg.reserve.release(1)
    cfg.reserve.names.take(2, "web")
    add_instance(cfg, 1)
    with pytest.raises(errors.ReservationError, match="already used by instance inst1"):
        cfg.reserve.names.take(2, "inst1.example.org")


def test_generated_addresses_differ_and_pools_end(cfg):
    macs = {cfg.reserve.macs.generate(1) for _ in range(50)}
    assert len(macs) == 50 and all(mac.startswith("aa:00:00:") for mac in macs)
    got = [cfg.reserve.ips.generate(1, NET) for _ in range(5)]
    assert got == [f"10.0.0.{n}" for n in range(2, 7)]
    with pytest.raises(errors.AddressPoolError, match="no free address left"):
        cfg.reserve.ips.generate(1, NET)
    with pytest.raises(errors.ReservationError, match="externally reserved"):
        cfg.reserve.ips.take(2, NET, "10.0.0.1")
    with pytest.raises(errors.AddressPoolError, match="does not belong"):
        cfg.reserve.ips.take(2, NET, "10.0.1.1")


@pytest.fixture(params=["whole files", "a journal"])
def long_or_short(request, monkeypatch):
    """Both ways of writing."""
    if request.param == "a journal":
        monkeypatch.setattr(files, "SHORT", 0)
        monkeypatch.setattr(store, "SETTLE_SECONDS", 0.02)


def test_many_commits_share_few_writes(cfg, monkeypatch, long_or_short):
    writes = []
    real = files.ConfigFile.write
    monkeypatch.setattr(files.ConfigFile, "write", lambda *args, **values: (
        writes.append(1), real(*args, **values))[1])

    def job(number):
        add_instance(cfg, number)
        cfg.wait_durable()

    threads = [threading.Thread(target=job, args=(n,)) for n in range(1, 41)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(cfg.snapshot.instances) == 40
    assert len(writes) < 40
    assert len(files.read(cfg._path).instances) == 40
    cfg.stop()
    assert files.decode(io.read_bytes(cfg._path), "file").serial_no == cfg.snapshot.serial_no
    assert not os.path.exists(cfg._path + ".journal")


def test_a_full_disk_refuses_the_change(cfg, monkeypatch, long_or_short):
    add_instance(cfg, 1)
    before = cfg.snapshot

    def refuse(*_args, **_values):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(io, "write_all", refuse)
        with pytest.raises(errors.OpExecError, match="No space left.*change was not made"):
            add_instance(cfg, 2)
        with pytest.raises(errors.OpExecError, match="No space left"):
            add_instance(cfg, 3)
    assert cfg.snapshot is before
    assert cfg.reserve.macs.take(7, "aa:00:00:00:00:02") is None
    add_instance(cfg, 3)
    assert sorted(files.read(cfg._path).instances) == [instance_uuid(1), instance_uuid(3)]


def test_all_edits_of_a_refused_group_are_refused(cfg, monkeypatch):
    """Also one whose block was being edited while the disk refused what it builds upon."""
    entered, refused = threading.Event(), threading.Event()
    outcome = []

    def refuse(_self, _data, **_values):
        entered.wait(10)
        raise OSError(28, "No space left on device")

    def first():
        try:
            add_instance(cfg, 1)
        except errors.OpExecError as err:
            outcome.append(str(err))
        refused.set()

    with monkeypatch.context() as patched:
        patched.setattr(files.ConfigFile, "write", refuse)
        thread = threading.Thread(target=first)
        thread.start()
        while instance_uuid(1) not in cfg._tip.instances:
            refused.wait(0.01)
        with pytest.raises(errors.OpExecError, match="was not made"):
            with cfg.edit() as draft:
                entered.set()
                refused.wait(10)
                instances.add(draft, make_instance(2), ())
        thread.join()
    assert len(outcome) == 1 and cfg.snapshot.instances == {}
    add_instance(cfg, 1)
    assert list(files.read(cfg._path).instances) == [instance_uuid(1)]


def test_a_rewrite_tells_of_a_full_disk_and_goes_on_trying(cfg, monkeypatch):
    monkeypatch.setattr(store, "RETRY_SECONDS", 0.01)
    with monkeypatch.context() as patched:
        patched.setattr(io, "write_all", lambda *_args: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(errors.OpExecError, match="full"):
            cfg.rewrite()
    for _ in range(500):
        if os.path.exists(cfg._path):
            break
        threading.Event().wait(0.01)
    assert files.read(cfg._path).serial_no == cfg.snapshot.serial_no


def test_the_candidate_pool_is_filled(cfg):
    with cfg.edit() as draft:
        draft.update(draft.cluster, candidate_pool_size=2)
        draft.update(draft.config.nodes[node_uuid(3)], master_candidate=False)
        draft.update(draft.config.nodes[node_uuid(2)], master_candidate=False, offline=True)
    assert [node.name for node in nodes.promotions(cfg.snapshot)] == ["node3.example.org"]
    assert nodes.pool_state(cfg.snapshot) == (1, 2, 2)
    with cfg.edit() as draft:
        assert len(nodes.fill_pool(draft)) == 1
    assert cfg.snapshot.nodes[node_uuid(3)].master_candidate
    assert nodes.promotions(cfg.snapshot) == []


def test_listeners_see_both_versions(cfg):
    seen = []
    cfg.listen(lambda old, new: seen.append((old.serial_no, new.serial_no)))
    add_instance(cfg)
    with cfg.edit():
        pass
    assert seen == [(1, 2)]
