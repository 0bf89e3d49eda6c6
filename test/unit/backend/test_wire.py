"""From the master's configuration over the wire's JSON to the node's functions and back."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti import backend, constants, errors, objects, pathutils, serializer
from ganeti.rpc import defs

from .conftest import make_disk

NODE = "n1-uuid"


@pytest.fixture
def config() -> objects.ConfigData:
    """A cluster of one node with an instance that has a disk and a NIC in a network."""
    group = objects.NodeGroup(uuid="g-uuid", name="default", alloc_policy="preferred")
    node = objects.Node(uuid=NODE, name="node1.example.org", group=group.uuid,
                        primary_ip="192.0.2.1", secondary_ip="192.0.2.1")
    cluster = objects.Cluster(
        uuid="c-uuid", cluster_name="cluster.example.org", master_node=NODE,
        master_ip="192.0.2.9", master_netdev="lo", master_netmask=32, mac_prefix="aa:00:00",
        highest_used_port=11000, rsahostkeypub="", file_storage_dir="/srv/ganeti/file-storage",
        shared_file_storage_dir="", gluster_storage_dir="",
        enabled_hypervisors=[constants.HT_FAKE],
        enabled_disk_templates=[constants.DT_FILE],
        hvparams={constants.HT_FAKE: constants.HV_TABLES[constants.HT_FAKE].defaults()},
        beparams={"default": constants.BE_TABLE.defaults()},
        nicparams={"default": {"mode": "bridged", "link": "br0", "vlan": ""}},
        ndparams=constants.ND_TABLE.defaults(), diskparams={}, ipolicy={},
        osparams={"tiny": {"size": "small"}})
    network = objects.Network(uuid="net-uuid", name="net1", network="192.0.2.0/24",
                              reservations="0" * 256, ext_reservations="0" * 256)
    disk = make_disk(uuid="d-uuid", nodes=[NODE])
    nic = objects.Nic(uuid="nic-uuid", mac="aa:00:00:00:00:01", network=network.uuid,
                      nicparams={})
    instance = objects.Instance(
        uuid="i-uuid", name="inst1.example.org", primary_node=NODE, os="tiny",
        hypervisor=constants.HT_FAKE, admin_state="up", disks=[disk.uuid], nics=[nic],
        beparams={"maxmem": 256, "minmem": 256}, osparams_private={"password": "xyzzy"})
    return objects.ConfigData(
        version=constants.CONFIG_VERSION, cluster=cluster, nodes={NODE: node},
        nodegroups={group.uuid: group}, networks={network.uuid: network},
        disks={disk.uuid: disk}, instances={instance.uuid: instance})


@pytest.fixture
def call(config):
    """Call a function of the backend as the master does, over real JSON."""
    def run(name: str, *values: Any) -> Any:
        row = defs.get(name)
        body = serializer.dump(row.encode(values, config, NODE))
        function = backend.resolve(name)
        assert function is not None
        return serializer.load(serializer.dump(function(*row.decode(serializer.load(body)))))
    return run


@pytest.fixture
def instance(config) -> objects.Instance:
    return config.instances["i-uuid"]


@pytest.fixture
def disk(config) -> objects.Disk:
    return config.disks["d-uuid"]


def test_an_instance_lives_its_life(call, instance, disk):
    call("file_storage_dir_create", "/srv/ganeti/file-storage/inst1.example.org")
    assert call("blockdev_create", (disk, instance), 4, instance.name, True, "text", False
                ) == list(disk.logical_id)
    path, link, uri = call("blockdev_assemble", (disk, instance), instance, True, 0)
    assert path == disk.logical_id[1]
    call("instance_start", (instance, {}, {}), False, [["user", "why", 1]])
    info = call("all_instances_info", [constants.HT_FAKE], {constants.HT_FAKE: {}})
    assert info[instance.name]["memory"] == 256
    call("instance_migratable", instance)
    guest = call("migration_info", instance)
    call("instance_migrate", "cluster.example.org", instance, "192.0.2.2", True)
    assert call("instance_get_migration_status", instance)["status"] == "completed"
    call("instance_finalize_migration_src", instance, True, True)
    call("accept_instance", instance, guest, "192.0.2.1")
    call("instance_finalize_migration_dst", instance, guest, True)
    call("instance_reboot", instance, "hard", 5, None)
    call("instance_balloon_memory", instance, 128)
    assert call("instance_info", instance.name, instance.hypervisor, {})["memory"] == 128
    plugged = call("hotplug_device", instance, "hotmod", "disk", (disk, instance),
                   [link, uri], 0)
    assert plugged["hvinfo"]
    [console] = call("instance_console_info", [instance]).values()
    assert console["kind"] == constants.CONS_MESSAGE
    call("instance_shutdown", instance, 5, None)
    assert call("instance_list", [constants.HT_FAKE], {}) == []
    call("blockdev_close", instance.name, ([disk], instance))
    call("blockdev_shutdown", (disk, instance))
    call("blockdev_remove", (disk, instance))
    call("file_storage_dir_remove", "/srv/ganeti/file-storage/inst1.example.org")


def test_private_parameters_reach_the_script_and_only_the_script(call, instance, disk, script,
                                                                 caplog):
    caplog.set_level("DEBUG")
    path = f"{pathutils.OS_SEARCH_PATH[0]}/tiny"
    for name in ("create", "import", "export", "rename", "verify"):
        script(f"{path}/{name}", 'test "$OSP_PASSWORD" = xyzzy && test "$OSP_SIZE" = small')
    for name, text in (("ganeti_api_version", "20\n"),
                       ("parameters.list", "password p\nsize s\n")):
        with open(f"{path}/{name}", "w", encoding="ascii") as fobj:
            fobj.write(text)
    call("file_storage_dir_create", "/srv/ganeti/file-storage/inst1.example.org")
    call("blockdev_create", (disk, instance), 4, instance.name, True, "", False)
    call("instance_os_add", (instance, {}), False, 0)
    assert "Running create" in caplog.text
    assert "xyzzy" not in caplog.text
    with pytest.raises(errors.OpExecError):
        call("instance_run_rename", instance, "old", 0)
    assert call("os_diagnose")[0][0] == "tiny"
    assert call("os_validate", True, "tiny", ["parameters"],
                {"password": "xyzzy", "size": "small"}, False) is True


def test_disks_are_looked_at_and_changed(call, instance, disk):
    call("file_storage_dir_create", "/srv/ganeti/file-storage/inst1.example.org")
    assert call("blockdev_find", (disk, instance)) is None
    call("blockdev_create", (disk, instance), 4, instance.name, True, "", False)
    assert call("blockdev_find", (disk, instance))["is_degraded"] is False
    assert call("blockdev_getdimensions", [(disk, instance)]) == [[4 << 20, None]]
    assert call("blockdev_getmirrorstatus_multi", {NODE: [(disk, instance)]})[0][0] is True
    call("blockdev_grow", (disk, instance), 4, False, True, False)
    call("blockdev_wipe", (disk, instance), 4, 4)
    assert call("blockdev_getdimensions", [(disk, instance)]) == [[8 << 20, None]]
    call("blockdev_rename", [((disk, instance), [disk.logical_id[0],
                                                  disk.logical_id[1] + ".other"])])
    assert call("blockdev_find", (disk, instance)) is None


def test_questions_about_the_node(call):
    boot_id, storage, hypervisors = call(
        "node_info", [["file", "/srv/ganeti/file-storage", []]], [["fake", {}]])
    assert boot_id
    assert storage[0]["storage_free"] > 0
    assert hypervisors[0]["cpu_total"] > 0
    assert call("node_verify", {constants.NV_VERSION: None}, "cluster", {}) == {
        constants.NV_VERSION: [constants.PROTOCOL_VERSION, constants.RELEASE_VERSION]}
    assert call("hooks_runner", "node-add", "post", {}) == []
    assert call("export_list") == []
    assert isinstance(call("vg_list"), dict)
