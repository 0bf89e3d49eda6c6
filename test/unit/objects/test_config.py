"""The tree: lookups, the next version, and the bytes of the file."""

import time

import pytest

from ganeti import constants, errors, objects, serializer
from test import model


@pytest.fixture
def config():
    return model.config(4)


def test_bytes_read_back_to_the_same_tree(config):
    read = objects.ConfigData.from_dict(serializer.load(config.encode()))
    assert read.to_dict() == config.to_dict()
    assert read.encode() == config.encode()


def test_a_change_leaves_the_old_version_alone(config):
    web1 = config.instance_by_name("web1.example.org")
    changed = config.with_changes([web1.replace(admin_state="down")], serial_no=2)
    assert config.instance(web1.uuid).admin_state == "up"
    assert changed.instance(web1.uuid).admin_state == "down"
    assert changed.serial_no == 2


def test_untouched_containers_and_answers_are_shared(config):
    node_names = config.cached("names", ("nodes",), dict)
    web1 = config.instance_by_name("web1.example.org")
    changed = config.with_changes([web1.replace(admin_state="down")])
    assert changed.nodes is config.nodes
    assert changed.cached("names", ("nodes",), list) is node_names
    assert changed.instance_by_name("web1.example.org").admin_state == "down"


def test_encoding_after_a_change_is_right(config):
    config.encode()
    web1 = config.instance_by_name("web1.example.org")
    changed = config.with_changes([web1.replace(admin_state="down")],
                                  [config.instance_by_name("web2.example.org")])
    assert serializer.load(changed.encode()) == changed.to_dict()
    assert len(changed.instances) == 3


def test_cluster_is_put_like_any_object(config):
    config.encode()
    changed = config.with_changes([config.cluster.replace(candidate_pool_size=3)])
    assert serializer.load(changed.encode())["cluster"]["candidate_pool_size"] == 3


def test_a_nested_object_can_not_be_put(config):
    with pytest.raises(TypeError, match="no container"):
        config.with_changes([objects.Nic(mac="aa:00:00:00:00:01")])


def test_one_commit_among_4000_instances_stays_in_its_budget():
    config = model.config(4000)
    config.encode()
    web1 = config.instance_by_name("web1.example.org")
    best = 1.0
    for serial in range(5):
        start = time.perf_counter()
        config = config.with_changes([web1.replace(serial_no=serial)], serial_no=serial)
        config.encode()
        best = min(best, time.perf_counter() - start)
    assert best < 0.020, f"{best * 1000:.1f} ms"


def test_names_and_uuids_and_short_names_are_found(config):
    node = config.node_by_name("node1.example.org")
    for word in ("node1.example.org", node.uuid, "node1", "NODE1"):
        assert config.expand_node(word) is node
    assert config.node_by_name("node1") is None


@pytest.mark.parametrize("word", ["node9", "", "node", "example.org"])
def test_an_unknown_name_is_refused(config, word):
    with pytest.raises(errors.OpPrereqError) as caught:
        config.expand_node(word)
    assert caught.value.args == (f"Node '{word}' not known", errors.ECODE_NOENT)


def test_group_names_are_not_shortened(config):
    with pytest.raises(errors.OpPrereqError):
        config.expand_group("def")


def test_a_lost_reference_names_itself(config):
    with pytest.raises(errors.ConfigurationError, match="no node nowhere"):
        config.node("nowhere")


def test_primary_and_secondary_nodes(config):
    web1 = config.instance_by_name("web1.example.org")
    disk = config.instance_disks(web1)[0]
    assert config.instance_nodes(web1) == disk.nodes
    assert config.secondary_nodes(web1) == disk.nodes[1:]
    assert web1 in config.primaries(disk.nodes[0])
    assert web1 in config.secondaries(disk.nodes[1])
    assert web1 not in config.secondaries(disk.nodes[0])
    assert config.disk_owner(disk.uuid) is web1


def test_disk_template_is_what_disks_have_in_common(config):
    web1, web2 = (config.instance_by_name(f"web{n}.example.org") for n in (1, 2))
    assert config.disk_template(web1) == constants.DT_DRBD8
    both = web1.replace(disks=[*web1.disks, *web2.disks])
    assert config.disk_template(both) == constants.DT_MIXED
    assert config.disk_template(web1.replace(disks=[])) == constants.DT_DISKLESS


def test_nearer_levels_beat_farther_ones(config):
    cluster = config.cluster.replace(
        hvparams={"fake": {"migration_mode": "non-live"}},
        os_hvp={"debian+default": {"kvm": {"acpi": False}}},
        beparams={"default": {"vcpus": 2, "maxmem": 256}},
        osparams={"debian": {"a": "1", "b": "1"}, "debian+default": {"b": "2"}},
        ndparams={"ssh_port": 23, "spindle_count": 3},
        diskparams={"drbd": {"metavg": "meta", "protocol": "A"}})
    group = config.expand_group("default").replace(ndparams={"ssh_port": 24},
                                                   diskparams={"drbd": {"protocol": "B"}})
    node = config.expand_node("node1").replace(ndparams={"spindle_count": 4})
    config = config.with_changes([cluster, group, node])
    web1 = config.expand_instance("web1").replace(beparams={"vcpus": 4}, osparams={"c": "3"})
    filled = config.filled_beparams(web1)
    assert (filled["vcpus"], filled["maxmem"], filled["minmem"]) == (4, 256, 128)
    assert config.filled_hvparams(web1)["migration_mode"] == "non-live"
    assert config.filled_hvparams("kvm", "debian+default")["acpi"] is False
    assert config.filled_hvparams("kvm", "other")["acpi"] is True
    assert config.filled_osparams(web1) == {"a": "1", "b": "2", "c": "3"}
    params = config.filled_ndparams(node)
    assert (params["ssh_port"], params["spindle_count"]) == (24, 4)
    disk = config.filled_diskparams("drbd", group)
    assert (disk["metavg"], disk["protocol"]) == ("meta", "B")


def test_policy_of_a_group_replaces_parts(config):
    group = config.expand_group("default").replace(ipolicy={"vcpu-ratio": 8.0})
    filled = config.filled_ipolicy(group)
    assert filled["vcpu-ratio"] == 8.0
    assert filled["std"] == constants.IPOLICY_DEFAULTS["std"]


@pytest.mark.parametrize(("change", "message"), [
    (lambda data: data.pop("cluster"), "'cluster' is missing"),
    (lambda data: data.update(version="3"), "'version' is missing or not a number"),
    (lambda data: data.update(nodes=[]), "'nodes' is not an object"),
    (lambda data: data["nodes"].update(x={"name": 1}), r"nodes\[x\].name: expected str"),
    (lambda data: data["nodes"].update(x=5), r"nodes\[x\]: expected an object, got int"),
    (lambda data: next(iter(data["nodes"].values())).update(uuid="y"), "uuid is another one: y"),
])
def test_a_damaged_file_is_refused_with_the_place(config, change, message):
    data = serializer.load(config.encode())
    change(data)
    with pytest.raises(errors.ConfigurationError, match=message):
        objects.ConfigData.from_dict(data)
