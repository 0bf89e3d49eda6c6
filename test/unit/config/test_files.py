"""What is accepted as a configuration file, and what is said about the rest."""

import os

import pytest

from ganeti import constants, errors, serializer
from ganeti.config import distribute, files, upgrade, verify
from ganeti.utils import io, patch, patchedfile
from test.unit.config.conftest import GROUP, make_config, make_disk, make_instance, node_uuid


@pytest.fixture
def stored(path):
    files.write(path, make_config().encode())
    return path


def rewrite(path, data):
    with open(path, "wb") as stream:
        stream.write(data)


def test_what_is_written_is_read_back(stored):
    assert files.read(stored).to_dict() == make_config().to_dict()


def test_a_truncated_file_is_refused(stored):
    with open(stored, "rb") as stream:
        data = stream.read()
    for size in (1, len(data) // 2, len(data) - 10):
        rewrite(stored, data[:size])
        with pytest.raises(errors.ConfigurationError, match=f"truncated.*byte {size}"):
            files.read(stored)
    rewrite(stored, b"")
    with pytest.raises(errors.ConfigurationError, match="is empty"):
        files.read(stored)


@pytest.mark.parametrize("data, text", [
    (b"\x7fELF\x00\xff\xfe", "is not text|is damaged"),
    (b'{"a": 1}', "not a cluster configuration"),
    (b"[1, 2]", "not a cluster configuration"),
    (b'{"version": "x", "cluster": {}}', "'version' is not a number"),
    (b'{"version": 1, "cluster": {}} trailing', "is damaged"),
])
def test_foreign_files_are_refused(stored, data, text):
    rewrite(stored, data)
    with pytest.raises(errors.ConfigurationError, match=text):
        files.read(stored)


def test_other_versions_are_told_apart(stored):
    tree = make_config().to_dict()
    rewrite(stored, serializer.dump({**tree, "version": 2160000}))
    with pytest.raises(errors.ConfigVersionMismatch) as caught:
        files.read(stored)
    assert caught.value.args == (constants.CONFIG_VERSION, 2160000)
    rewrite(stored, serializer.dump({**tree, "version": 3000000}))
    assert files.read(stored).version == constants.CONFIG_VERSION


def test_a_damaged_object_is_named(stored):
    tree = serializer.load(make_config().encode())
    tree["nodes"][node_uuid(2)]["offline"] = "perhaps"
    rewrite(stored, serializer.dump(tree))
    with pytest.raises(errors.ConfigurationError, match=rf"nodes\[{node_uuid(2)}\].offline"):
        files.read(stored)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o666])
def test_files_that_others_can_reach_are_refused(stored, mode):
    os.chmod(stored, mode)
    with pytest.raises(errors.ConfigurationError, match=f"has mode {mode:04o}.*chmod 0640"):
        files.read(stored)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_of_others_are_refused(stored):
    os.chown(stored, 12345, -1)
    with pytest.raises(errors.ConfigurationError, match="belongs to user 12345"):
        files.read(stored)


def test_a_missing_file_says_what_that_means(tmp_path):
    with pytest.raises(errors.ConfigurationError, match="does not exist: this node is not"):
        files.read(str(tmp_path / "none"))


def test_ssconf_has_every_key_in_the_form_of_the_catalogue():
    config = make_config().with_changes([make_instance(1), make_disk(1)])
    cluster = config.cluster.replace(candidate_certs={node_uuid(1): "AA:BB"}, uid_pool=[[1, 5],
                                                                                      [9, 9]],
                                     tags=["b", "a"])
    node = config.nodes[node_uuid(2)].replace(offline=True, master_candidate=False)
    values = distribute.ssconf_values(config.with_changes([cluster, node]))
    assert set(values) == set(constants.VALID_SS_KEYS)
    assert values["master_candidates"] == "node1.example.org\nnode3.example.org"
    assert values["master_candidates_certs"] == f"{node_uuid(1)}=AA:BB"
    assert values["node_primary_ips"].splitlines()[1] == "node2.example.org 192.0.2.2"
    assert values["node_vm_capable"].splitlines()[0] == "node1.example.org=True"
    assert values["nodegroups"] == f"{GROUP} default"
    assert values["offline_nodes"] == "node2.example.org"
    assert values["uid_pool"] == "1-5\n9"
    assert values["cluster_tags"] == "a\nb"
    assert values["ssh_ports"].splitlines()[0] == "node1.example.org=22"
    assert values["master_node"] == "node1.example.org"


def test_verify_names_what_is_wrong():
    config = make_config()
    assert verify.verify(config) == []
    broken = config.with_changes([
        config.cluster.replace(master_node="gone"),
        config.nodes[node_uuid(2)].replace(offline=True, primary_ip="192.0.2.1"),
        make_instance(1, disks=["x", "x"]), make_instance(2, nics=make_instance(1).nics),
        make_instance(3, nics=[make_instance(3).nics[0].replace(mac="zz")])])
    problems = "\n".join(verify.verify(broken))
    for text in ("master node gone does not exist", "contradicting roles",
                 "node address 192.0.2.1 is used by node node1", "it has a disk twice",
                 "MAC address aa:00:00:00:00:01 is used by instance inst1",
                 "invalid MAC address 'zz'"):
        assert text in problems


OLD = {
    "version": 2070000, "serial_no": 5,
    "cluster": {
        "serial_no": 1, "uuid": "c", "cluster_name": "old.example.org", "mac_prefix": "aa:00:00",
        "master_node": "n1", "master_ip": "192.0.2.9", "master_netdev": "eth0",
        "master_netmask": "24", "enabled_hypervisors": ["kvm"], "default_iallocator": None,
        "hvparams": {"kvm": {"kernel_path": "/boot/x"}}, "beparams": {"default": {"memory": 512}},
        "rsahostkeypub": "", "highest_used_port": 11005, "tcpudp_port_pool": []},
    "nodes": {name: {"name": name, "primary_ip": ip, "secondary_ip": ip, "uuid": f"u-{name}",
                     "serial_no": 1, "group": "g", "master_candidate": True}
              for name, ip in (("n1", "192.0.2.1"), ("n2", "192.0.2.2"))},
    "nodegroups": {"g": {"uuid": "g", "name": "default", "members": ["n1", "n2"], "serial_no": 1,
                         "alloc_policy": "preferred"}},
    "networks": {},
    "instances": {"web": {
        "name": "web", "uuid": "i", "serial_no": 1, "primary_node": "n1", "os": "x",
        "hypervisor": "kvm", "hvparams": {}, "beparams": {"memory": 256}, "admin_state": "up",
        "disk_template": "drbd",
        "nics": [{"mac": "aa:00:00:11:22:33", "ip": None, "nicparams": {}}],
        "disks": [{"dev_type": "drbd8", "logical_id": ["n1", "n2", 11000, 0, 0, "s"], "size": 10,
                   "iv_name": "disk/0", "physical_id": None, "mode": "rw",
                   "children": [{"dev_type": "lvm", "logical_id": ["vg", "d"], "size": 10},
                                {"dev_type": "lvm", "logical_id": ["vg", "m"], "size": 128}]}]}},
}


def test_a_2_7_configuration_can_be_read_after_the_upgrade():
    from ganeti import objects
    config = objects.ConfigData.from_dict(upgrade.upgrade(OLD))
    instance = config.expand_instance("web")
    (disk,) = config.instance_disks(instance)
    assert config.master_node_name == "n1"
    assert disk.dev_type == "drbd" and disk.nodes == ["u-n1", "u-n2"]
    assert disk.logical_id[:3] == ["u-n1", "u-n2", 11000]
    assert [child.dev_type for child in disk.children] == ["plain", "plain"]
    assert config.secondary_nodes(instance) == ["u-n2"]
    assert config.filled_beparams(instance)["maxmem"] == 256
    assert config.filled_beparams()["minmem"] == 512
    assert config.cluster.hvparams["kvm"]["kernel_path"] == "/boot/x"
    assert verify.verify(config) == []
    assert OLD["version"] == 2070000, "the input is left alone"


def test_very_old_and_future_configurations_are_refused():
    with pytest.raises(errors.ConfigurationError, match="too old"):
        upgrade.upgrade({**OLD, "version": 2060000})
    with pytest.raises(errors.ConfigVersionMismatch):
        upgrade.upgrade({**OLD, "version": 4000000})


def test_changes_in_the_journal_count(stored):
    """As after a crash: the file itself is older than what was acknowledged."""
    config = make_config()
    newer = config.with_changes(serial_no=config.serial_no + 1)
    kept = patchedfile.PatchedFile(stored)
    kept.append(kept.head, patch.make(config.encode(), newer.encode(), 1 << 16))
    assert files.read(stored).serial_no == newer.serial_no
    os.chmod(stored + ".journal", 0o644)
    with pytest.raises(errors.ConfigurationError, match="journal has mode 0644"):
        files.read(stored)
    os.chmod(stored + ".journal", 0o640)
    former = files.replace(stored, config.encode())
    assert io.read_bytes(former) == newer.encode()
    assert files.read(stored).serial_no == config.serial_no
    assert not os.path.exists(stored + ".journal")


def test_the_journal_of_another_configuration_is_refused(stored):
    config = make_config()
    newer = config.with_changes(serial_no=config.serial_no + 1)
    kept = patchedfile.PatchedFile(stored)
    kept.append(kept.head, patch.make(config.encode(), newer.encode(), 1 << 16))
    io.write_file(stored, config.with_changes(serial_no=77).encode(), mode=0o640)
    with pytest.raises(errors.ConfigurationError, match="changes of another.*or remove"):
        files.read(stored)
