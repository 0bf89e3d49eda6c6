"""cfgupgrade, cfgshell, sanitize-config and query-config on files of several releases."""

import io as streams
import json
import pathlib
import re

import pytest

from ganeti import constants, objects, pathutils
from ganeti.config import downgrade, files, store, upgrade, verify
from ganeti.tools import cfgshell, cfgupgrade, sanitize_config
from test import noderoot

DATA = pathlib.Path(__file__).parents[2] / "data/config"
OLD = ["2.7", "2.12", "2.16", "3.0"]
NODE1 = "node1.example.org"


def sample(release):
    return json.loads((DATA / f"{release}.json").read_text())


@pytest.fixture
def node(tmp_path, monkeypatch):
    """A master's tree with a 3.0 configuration."""
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    data = pathlib.Path(pathutils.DATA_DIR)
    pathlib.Path(pathutils.FILE_STORAGE_PATHS_FILE).unlink(missing_ok=True)
    data.mkdir(parents=True, exist_ok=True)
    (data / "ssconf_master_node").write_text(f"{NODE1}\n")
    monkeypatch.setenv("GANETI_HOSTNAME", NODE1)
    place(data, "3.0")
    return data


def place(data, release):
    path = data / "config.data"
    path.write_text((DATA / f"{release}.json").read_text())
    path.chmod(0o640)


def backups(data):
    return sorted(data.glob("config.data.backup-*"))


@pytest.mark.parametrize("release", OLD)
def test_every_form_is_understood_and_consistent(release):
    tree = sample(release)
    config = objects.ConfigData.from_dict(upgrade.upgrade(tree))
    assert tree == sample(release), "the input is left alone"
    instance = config.expand_instance("web.example.org")
    (disk,) = config.instance_disks(instance)
    assert config.master_node_name == NODE1
    assert disk.dev_type == "drbd" and len(disk.nodes) == 2 and len(disk.children) == 2
    assert config.filled_beparams(instance)["maxmem"] == 256
    assert verify.verify(config) == []


@pytest.mark.parametrize("release", OLD)
def test_an_upgrade_writes_it_and_keeps_the_former(node, release, capsys):
    place(node, release)
    before = (node / "config.data").read_bytes()
    assert cfgupgrade.main(["--force"]) == 0
    config = files.read(str(node / "config.data"))
    assert config.version == constants.CONFIG_VERSION
    (kept,) = backups(node)
    assert kept.read_bytes() == before and kept.stat().st_mode & 0o777 == 0o640
    assert f"was changed to {constants.CONFIG_VERSION}" in capsys.readouterr().out
    paths = pathlib.Path(pathutils.FILE_STORAGE_PATHS_FILE).read_text()
    assert "/srv/ganeti/file-storage\n" in paths
    assert cfgupgrade.main(["--force"]) == 0
    assert "nothing is to be done" in capsys.readouterr().out and len(backups(node)) == 1


def test_a_dry_run_writes_nothing(node, capsys):
    before = (node / "config.data").read_bytes()
    assert cfgupgrade.main(["--force", "--dry-run", "-v"]) == 0
    assert "would be changed" in capsys.readouterr().out
    assert (node / "config.data").read_bytes() == before and not backups(node)
    assert not pathlib.Path(pathutils.FILE_STORAGE_PATHS_FILE).exists()


def test_there_and_back(node):
    assert cfgupgrade.main(["--force"]) == 0
    assert cfgupgrade.main(["--force", "--downgrade"]) == 0
    tree = json.loads((node / "config.data").read_text())
    assert tree["version"] == 3000000
    assert tree["cluster"]["hvparams"]["xen-pvm"]["xen_cmd"] == "xl"
    assert len(backups(node)) == 2
    former = sample("3.0")
    for kind in ("nodes", "instances", "disks", "networks", "filters"):
        assert tree[kind].keys() == former[kind].keys()
    assert cfgupgrade.main(["--force", "--downgrade"]) == 1, "one minor only"


def test_what_the_older_release_lacks_is_named():
    tree = upgrade.upgrade(sample("3.0"))
    (instance,) = tree["instances"].values()
    instance["nics"][0]["nicparams"] = {"mode": "ext", "link": ""}
    instance["hvparams"] = {"scsi_controller_type": "dc390"}
    with pytest.raises(Exception, match="mode 'ext' .*web.*dc390"):
        downgrade.downgrade(tree)
    instance["nics"][0]["nicparams"] = instance["hvparams"] = {}
    tree["cluster"]["diskparams"]["rbd"] = {"pool": "rbd", "user-id": "admin"}
    assert downgrade.downgrade(tree)["cluster"]["diskparams"]["rbd"] == {"pool": "rbd"}


def test_images_have_to_be_converted_before_the_step_back():
    tree = upgrade.upgrade(sample("3.0"))
    (instance,), (disk,) = tree["instances"].values(), tree["disks"].values()
    disk |= {"dev_type": "sharedfile", "logical_id": ["qcow2", "/srv/x/disk0"], "children": []}
    with pytest.raises(Exception, match=f"file driver qcow2 .instance {instance['name']}"):
        downgrade.downgrade(tree)
    disk["logical_id"][0] = "loop"
    assert downgrade.downgrade(tree)["disks"] == tree["disks"]


@pytest.mark.parametrize("words, text", [
    ([], "use --force"),
    (["--force", "--path=/nonexistent"], "--ignore-hostname"),
    (["--force", "--ignore-hostname", "--path=/nonexistent"], "can not be read"),
])
def test_refusals(node, words, text, capsys):
    assert cfgupgrade.main(words) == 1
    err = capsys.readouterr().err
    assert text in err and "Traceback" not in err and err.count("\n") == 1


def test_only_the_master_upgrades(node, monkeypatch, capsys):
    monkeypatch.setenv("GANETI_HOSTNAME", "node2.example.org")
    assert cfgupgrade.main(["--force"]) == 1
    assert "the master is node1" in capsys.readouterr().err
    assert cfgupgrade.main(["--force", "--ignore-hostname"]) == 0


def test_rules_are_checked_unless_told_otherwise(node, capsys):
    tree = sample("3.0")
    tree["nodes"]["bbbbbbbb-0000-4000-8000-000000000002"]["primary_ip"] = "192.0.2.11"
    (node / "config.data").write_text(json.dumps(tree))
    assert cfgupgrade.main(["--force", "--dry-run"]) == 1
    assert "192.0.2.11" in capsys.readouterr().err
    assert cfgupgrade.main(["--force", "--dry-run", "--no-verify"]) == 0


def test_a_master_daemon_that_upgrades_by_itself_keeps_the_former(node):
    before = (node / "config.data").read_bytes()
    cfg = store.ConfigStore.load(str(node / "config.data"))
    assert cfg.snapshot.version == constants.CONFIG_VERSION
    (kept,) = backups(node)
    assert kept.read_bytes() == before
    cfg.start()
    cfg.rewrite()
    cfg.stop()
    store.ConfigStore.load(str(node / "config.data"))
    assert len(backups(node)) == 1


def sanitized(node, *words):
    place(node, "3.0")
    assert cfgupgrade.main(["--force"]) == 0
    target = node / "out.json"
    assert sanitize_config.main([*words, str(target)]) == 0
    text = target.read_text()
    return text, objects.ConfigData.from_dict(json.loads(text))


def test_sanitized_copies_tell_nothing_and_still_fit(node):
    text, config = sanitized(node)
    for secret in ("5ecret", "AAAA", "AA:BB", "example.org", "192.0.2.", "debian", '"yes"',
                   '"lan"'):
        assert secret not in text, secret
    assert "xenvg" in text and "aa:00:00:11:22:33" in text
    assert verify.verify(config) == [], "addresses still lie in their networks"
    assert config.cluster.cluster_name == "cluster.example.com"
    (instance,) = config.instances.values()
    assert re.fullmatch(r"os\d\+default", instance.os)
    (rule,) = config.filters.values()
    assert re.search(r"work on node\d.example.com", rule.reason_trail[0][1])


def test_what_is_sanitized_can_be_chosen(node, capsys):
    text, _ = sanitized(node, "--sanitize-names=no", "--sanitize-ips=no", "--sanitize-os-names=no",
                        "--sanitize-lvs=yes", "-v")
    assert "web.example.org" in text and "192.0.2.100" in text and "debian+default" in text
    assert "web.disk0_data" not in text and "5ecret" not in text
    assert "web.disk0_data -> lv" in capsys.readouterr().err
    text, _ = sanitized(node, "--base-domain=test", "--no-randomization")
    assert '"node1.test"' in text and text == sanitized(
        node, "--base-domain=test", "--no-randomization")[0]


def shell(monkeypatch, capsys, node, *lines):
    monkeypatch.setattr("sys.stdin", streams.StringIO("\n".join(lines) + "\n"))
    assert cfgshell.main([str(node / "config.data")]) == 0
    return capsys.readouterr().out


def test_the_shell_looks_and_repairs(node, monkeypatch, capsys):
    cfgupgrade.main(["--force"])
    capsys.readouterr()
    out = shell(monkeypatch, capsys, node, "cd nodes/node1.example.org", "pwd", "cat primary_ip",
                "cd", "ls", "cd /cluster/mac_prefix", "nonsense", "cat nodes/nobody", "verify")
    assert '"192.0.2.11"' in out and "/nodes/node1.example.org\n" in out and "instances/" in out
    for text in ("is a value", "no command 'nonsense'", "There is no /nodes/nobody"):
        assert text in out
    assert "No problems" in out
    serial = files.read(str(node / "config.data")).serial_no
    out = shell(monkeypatch, capsys, node, 'set nodes/node2.example.org/primary_ip "192.0.2.77"',
                "quit", "save", "quit")
    assert "not saved" in out and "the former one is" in out
    config = files.read(str(node / "config.data"))
    assert config.expand_node("node2").primary_ip == "192.0.2.77"
    assert config.serial_no == serial + 1, "candidates take the newer one"


def test_the_shell_refuses_what_is_no_configuration(node, monkeypatch, capsys):
    cfgupgrade.main(["--force"])
    before = (node / "config.data").read_bytes()
    out = shell(monkeypatch, capsys, node, "rm cluster/cluster_name", "save", "set nodes/x {",
                "set instances", "rm filters/0", "quit -f")
    assert out.count("Error:") == 4
    assert (node / "config.data").read_bytes() == before
