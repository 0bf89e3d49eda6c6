"""Edits: all or nothing, checked, written before they count."""

import os
import stat
import threading

import pytest

from ganeti import errors
from ganeti.config import files, instances, nodes, store
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


def test_many_commits_share_few_writes(cfg, monkeypatch):
    writes = []
    real = files.write
    monkeypatch.setattr(files, "write", lambda path, data: (writes.append(1), real(path, data)))

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


def test_a_full_disk_is_told_and_the_write_is_made_good(cfg, monkeypatch):
    real = files.write

    def refuse(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write", refuse)
    add_instance(cfg, 1)
    with pytest.raises(errors.OpExecError, match="can not be written.*No space left"):
        cfg.wait_durable()
    monkeypatch.setattr(files, "write", real)
    deadline = threading.Event()
    for _ in range(100):
        if cfg.durable_version == cfg.snapshot.serial_no:
            break
        deadline.wait(0.05)
    assert files.read(cfg._path).instances


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
