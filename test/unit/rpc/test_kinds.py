"""What travels in the arguments of node RPCs: from the master's configuration to objects again."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti import constants, errors, objects, pathutils, serializer
from ganeti.rpc import defs, kinds
from test import masterside

N1, N2, N3 = (masterside.new_uuid(number) for number in (1, 2, 3))


@pytest.fixture
def config():
    drbd = masterside.make_drbd("web")
    plain = objects.Disk(uuid="d-plain", dev_type=constants.DT_FILE, size=10,
                         logical_id=["loop", "/srv/x"], nodes=[N1])
    network = objects.Network(uuid="net1", name="lan", network="192.0.2.0/24", mac_prefix=None,
                              reservations="0" * 256, ext_reservations="0" * 256)
    nic = objects.Nic(uuid="nic1", mac="aa:00:00:00:00:01", network="net1")
    instance = masterside.make_instance(
        "web", disks=[drbd.uuid, plain.uuid], nics=[nic], beparams={"maxmem": 777},
        osparams={"os": "public"}, osparams_private={"pw": "hunter2"})
    nodes = [masterside.make_node(1, secondary_ip="198.51.100.1"),
             masterside.make_node(2, secondary_ip="198.51.100.2"), masterside.make_node(3)]
    return masterside.make_config(nodes=nodes, instances=[instance], disks=[drbd, plain],
                                  networks=[network])


@pytest.fixture
def instance(config):
    return next(iter(config.instances.values()))


def over_the_wire(kind, value, config, node):
    text = serializer.dump(kind.encode(value, kinds.Target(config, node)), private=True)
    return kind.decode(json.loads(text))


def test_an_instance_arrives_with_everything_filled_in(config, instance):
    got = over_the_wire(kinds.INSTANCE, instance, config, N1)
    assert isinstance(got, objects.Instance)
    assert got.beparams["maxmem"] == 777
    assert set(constants.BE_TABLE.names) <= set(got.beparams)
    assert set(constants.HV_TABLES[instance.hypervisor].names) <= set(got.hvparams)
    assert list(got.secondary_nodes) == [N2]
    assert [disk.dev_type for disk in got.disks_info] == [constants.DT_DRBD8, constants.DT_FILE]
    assert got.nics[0].netinfo["name"] == "lan"
    assert constants.NIC_MODE in got.nics[0].nicparams


@pytest.mark.parametrize(("node", "local", "remote", "minors"), [
    (N1, "198.51.100.1", "198.51.100.2", (0, 0)), (N2, "198.51.100.2", "198.51.100.1", (0, 0))])
def test_each_end_of_a_mirror_is_told_its_own_addresses(config, instance, node, local, remote,
                                                        minors):
    disk = over_the_wire(kinds.INSTANCE, instance, config, node).disks_info[0]
    assert disk.dynamic_params["local-ip"] == local
    assert disk.dynamic_params["remote-ip"] == remote
    assert (disk.dynamic_params["local-minor"], disk.dynamic_params["remote-minor"]) == minors


def test_other_nodes_are_told_nothing_of_a_mirror(config, instance):
    disk = over_the_wire(kinds.INSTANCE, instance, config, N3).disks_info[0]
    assert disk.dynamic_params == {}


def test_secrets_travel_to_the_os_scripts_only(config, instance):
    for kind in (kinds.INSTANCE, kinds.INSTANCE_HVP_BEP):
        assert b"hunter2" not in serializer.dump(
            kind.encode(instance, kinds.Target(config, N1)), private=True)
    got = over_the_wire(kinds.INSTANCE_OSP, (instance, {"more": serializer.Private("s3")}),
                        config, N1)
    assert got.osparams == {"os": "public", "pw": "hunter2", "more": "s3"}


def test_overrides_for_one_start(config, instance):
    name = sorted(constants.HV_TABLES[instance.hypervisor].names)[0]
    got = over_the_wire(kinds.INSTANCE_HVP_BEP, (instance, {name: True}, {"maxmem": 1}), config,
                        N1)
    assert got.hvparams[name] is True
    assert got.beparams["maxmem"] == 1


def test_lists_of_disks(config, instance):
    disks = config.instance_disks(instance)
    got = over_the_wire(kinds.DISKS, (disks, instance), config, N1)
    assert [disk.uuid for disk in got] == [disk.uuid for disk in disks]
    assert got == over_the_wire(kinds.MULTI_DISKS, [(disk, instance) for disk in disks], config,
                                N1)
    by_node = {N1: [(disks[0], instance)], N2: []}
    assert len(over_the_wire(kinds.NODE_DISKS, by_node, config, N1)) == 1
    assert over_the_wire(kinds.NODE_DISKS, by_node, config, N3) == []
    renamed = over_the_wire(kinds.RENAMES, [((disks[1], instance), ["loop", "/srv/y"])], config,
                            N1)
    assert renamed[0][0].uuid == disks[1].uuid
    assert renamed[0][1] == ("loop", "/srv/y")
    assert over_the_wire(kinds.SNAPSHOTS, [False, disks[1]], config, N1)[0] is None


def test_devices_are_told_apart(config, instance):
    assert isinstance(over_the_wire(kinds.DEVICE, instance.nics[0], config, N1), objects.Nic)
    disk = config.instance_disks(instance)[1]
    assert isinstance(over_the_wire(kinds.DEVICE, (disk, instance), config, N1), objects.Disk)


def test_console_requests_go_to_the_primary_node(config, instance):
    assert over_the_wire(kinds.CONSOLES, [instance], config, N2) == {}
    got = over_the_wire(kinds.CONSOLES, [instance], config, N1)["web"]
    assert got["node"].name == "node1.example.com"
    assert got["instance"].name == "web"


def test_ends_of_transfers(config, instance):
    disk = config.instance_disks(instance)[1]
    kind, (got, index) = over_the_wire(
        kinds.TRANSFER_END, [constants.IEIO_SCRIPT, [(disk, instance), 3]], config, N1)
    assert (kind, got.uuid, index) == (constants.IEIO_SCRIPT, disk.uuid, 3)
    with pytest.raises(ValueError, match="unknown kind"):
        kinds.TRANSFER_END.decode(["nonsense", []])


@given(st.binary(max_size=3000) | st.text(max_size=700))
def test_texts_are_compressed_from_512_bytes_on(data):
    packed = kinds.compress(data)
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    assert kinds.uncompress(packed) == raw
    assert packed[0] == 1 or len(raw) < 512


@pytest.mark.parametrize("garbage", [None, [], [0], [1, "%%"], [1, "AAAA"], [7, "x"], [0, 5],
                                     [1, "eJw="], "text"])
def test_garbage_is_no_compressed_text(garbage):
    with pytest.raises((ValueError, TypeError)):
        kinds.uncompress(garbage)


def test_a_small_body_does_not_unfold_to_gigabytes(monkeypatch):
    monkeypatch.setattr(kinds, "MAX_UNCOMPRESSED", 10000)
    with pytest.raises(ValueError, match="more than 10000"):
        kinds.uncompress(kinds.compress("x" * 20000))


def test_a_file_travels_with_owner_mode_and_time(tmp_path, config):
    path = tmp_path / "known_hosts"
    path.write_bytes(b"\xff\x00 binary")
    path.chmod(0o640)
    os.utime(path, (1000, 2000))
    got = over_the_wire(kinds.FILE_DETAILS, str(path), config, N1)
    assert (got.data, got.mode, got.mtime) == (b"\xff\x00 binary", 0o640, 2000)
    assert got.path == pathutils.virtual(str(path))
    with pytest.raises(errors.OpExecError, match="Cannot read"):
        kinds.FILE_DETAILS.encode(str(tmp_path / "none"), kinds.Target(config, N1))


def test_the_table_is_the_catalogue_plus_what_the_queue_and_a_fail_over_need():
    names = [call.name for subject in defs.SUBJECTS for call in subject.CALLS]
    assert len(names) == len(set(names)) == 117
    table = {name: defs.get(name) for name in names}
    assert table["jobqueue_apply"].multi
    assert table["instance_os_add"].lane == "slow"
    assert table["version"].lane == "quick"
    assert table["test_delay"].read_timeout([7]) == 12
    for call in table.values():
        assert call.result, call.name
        assert not (call.raw_body and len(call.args) != 1), call.name


def test_wrong_arguments_are_named():
    call = defs.get("blockdev_find")
    with pytest.raises(errors.ParameterError, match="expected 1 arguments, got 2"):
        call.decode([1, 2])
    with pytest.raises(errors.ParameterError, match="'disk' is not a valid disk"):
        call.decode([{"uuid": 5}])
    with pytest.raises(errors.ProgrammerError, match="'disk' is missing"):
        call.bind([], {})
    with pytest.raises(errors.ProgrammerError, match="unknown \\['other'\\]"):
        call.bind([1], {"other": 2})
    with pytest.raises(errors.ProgrammerError, match="no node RPC 'nonsense'"):
        defs.get("nonsense")
