"""One mirror on one node, on a DRBD in memory: what assembling mends, what it refuses."""

from __future__ import annotations

import os

import pytest

from ganeti import constants, errors, objects
from ganeti.backend import blockdev, mirrors
from ganeti.storage import registry
from ganeti.storage.drbd import kernel
from test.fakedrbd import Mirrors, here
from test.fakedrbd9 import Mirrors9

PARAMS = constants.DISK_TABLES[constants.DT_DRBD8].defaults()
HERE = {"local-ip": "192.0.2.1", "remote-ip": "192.0.2.2", "local-minor": 3, "remote-minor": 0,
        "local-node-id": 1}


def make(size=1, port=11000, dynamic=HERE, **params) -> objects.Disk:
    children = [objects.Disk(uuid=part, dev_type="plain", size=1, logical_id=["xenvg", part],
                             nodes=["a", "b"], params={"stripes": 1}) for part in ("data", "meta")]
    return objects.Disk(uuid="u", dev_type="drbd", size=size, iv_name="disk/0", nodes=["a", "b"],
                        logical_id=["a", "b", port, 0, 3, "xyzzy"], children=children,
                        params={**PARAMS, **params}, dynamic_params=dynamic)


@pytest.fixture(params=[Mirrors, Mirrors9], ids=["8.4", "9"])
def drbd(monkeypatch, tmp_path, request) -> Mirrors:
    from ganeti import pathutils
    monkeypatch.setattr(pathutils, "DATA_DIR", str(tmp_path))
    return request.param().install(monkeypatch)


@pytest.fixture
def device(drbd):
    disk = make()
    for child in disk.children:
        registry.device(child).create(1)
    found = registry.device(disk)
    found.create(1)
    drbd.commands.clear()
    return found


def actions(drbd: Mirrors) -> list[str]:
    """What was done, without the looks at the state that only version 9 needs commands for."""
    return [words[1] if words[0] == "drbdsetup" else words[-1] for _node, words in drbd.commands
            if words[1] != "status"]


CONNECT = {8: ["connect", "disk-options"],
           9: ["new-peer", "new-path", "connect", "peer-device-options"]}


def test_assembling_does_what_is_missing_and_may_be_repeated(drbd, device):
    assert not device.attach() and device.present()
    drbd.commands.clear()
    device.assemble()
    assert actions(drbd) == ["new-resource", "new-minor", "apply-al", "attach",
                             *CONNECT[drbd.MAJOR]]
    drbd.commands.clear()
    device.assemble()
    assert actions(drbd) == ["show", "disk-options", "net-options", CONNECT[drbd.MAJOR][-1]]
    device.remove_children()
    drbd.commands.clear()
    device.assemble()
    assert "attach" in actions(drbd) and "create-md" not in actions(drbd)
    device.disconnect_net()
    drbd.commands.clear()
    device.assemble()
    assert "connect" in actions(drbd) and "attach" not in actions(drbd)


def test_changed_parameters_reach_a_disk_in_use(drbd, device):
    device.assemble()
    drbd.commands.clear()
    again = registry.device(make(**{"resync-rate": 5000, "disk-barriers": "bf", "protocol": "A"}))
    again.assemble()
    options = [words for _node, words in drbd.commands if words[1].endswith("options")]
    assert options[0][3:] == ["--disk-barrier=no", "--disk-flushes=no", "--disk-drain=yes",
                              "--md-flushes=yes"]
    assert options[1][4:] == ["--protocol", "A"]
    assert options[2][-2:] == ["--resync-rate=5000", "--c-plan-ahead=0"]
    assert drbd.minors[here(), 3].protocol == "A"


def test_another_peer_address_is_a_new_connection(drbd, device):
    device.assemble()
    registry.device(make(dynamic={**HERE, "remote-ip": "192.0.2.9"})).assemble()
    assert drbd.minors[here(), 3].ends == ("ipv4:192.0.2.1:11000", "ipv4:192.0.2.9:11000")


def test_a_minor_over_a_foreign_volume_is_taken_down_first(drbd, device, tmp_path):
    device.assemble()
    drbd.minors[here(), 3].data = "/dev/xenvg/other"
    drbd.commands.clear()
    device.assemble()
    assert actions(drbd)[:2] == ["show", "down"]
    assert drbd.minors[here(), 3].data.endswith("/data")


def test_alone_it_looks_for_nobody(drbd, device):
    registry.device(make(port=None)).assemble()
    assert "connect" not in actions(drbd)
    assert mirrors.drbd_needs_activation([make()]) == ["u"], "it stands alone"


def test_a_minor_in_use_is_not_taken_by_a_new_disk(drbd, device):
    device.assemble()
    with pytest.raises(errors.BlockDeviceError, match="minor 3 is in use"):
        device.create(1)


def test_an_incomplete_copy_is_no_primary_unless_it_is_new(drbd, device):
    device.assemble()
    with pytest.raises(errors.BlockDeviceError, match="Need access to UpToDate data"):
        device.open()
    device.open(force=True)
    device.open()
    assert device.state().primary
    device.close()
    device.close()
    assert not device.state().primary


def test_status_words(drbd, device):
    with pytest.raises(errors.BlockDeviceError, match="not active.*activate-disks"):
        device.sync_status()
    assert blockdev.blockdev_find(make()) is None
    device.assemble()
    assert device.sync_status() == {
        "dev_path": device.path, "major": 147, "minor": 3, "sync_percent": None,
        "estimated_time": None, "is_degraded": True, "ldisk_status": constants.LDS_FAULTY}
    device.open(force=True)
    status = device.sync_status()
    assert status["is_degraded"] and status["ldisk_status"] == constants.LDS_OKAY


def test_copies_of_active_and_inactive_disks(drbd, device):
    [[good, found]] = mirrors.drbd_copies([make()])
    assert good and found["connection"] == "Unconfigured"
    assert found["generation"].startswith("0000000000000004:")
    device.assemble()
    device.open(force=True)
    [[good, found]] = mirrors.drbd_copies([make()])
    assert good and (found["role"], found["disk"]) == ("Primary", "UpToDate")
    device.disconnect_net()
    [[good, found]] = mirrors.drbd_copies([make()])
    assert good and found["connection"] == "StandAlone", "told also of one that looks for nobody"
    os.unlink(os.path.join(here(), "volumes", "xenvg", "meta"))
    device.shutdown()
    [[good, text]] = mirrors.drbd_copies([make()])
    assert not good and "not present" in text


def test_a_copy_in_use_is_not_given_up(drbd, device):
    device.assemble()
    device.open(force=True)
    with pytest.raises(errors.BlockDeviceError, match="in use on this node"):
        mirrors.drbd_discard([make()])


def test_other_kinds_of_disks_are_refused(drbd):
    with pytest.raises(errors.BlockDeviceError, match="not mirrored between nodes"):
        mirrors.drbd_attach_net([make().children[0]], False)


@pytest.mark.parametrize(("change", "text"), [
    ({"dynamic_params": {}}, "not mirrored on this node"),
    ({"logical_id": ["a", "b"]}, "Wrong description"),
    ({"children": []}, None)])
def test_wrong_descriptions(drbd, change, text):
    disk = make().replace(**change)
    if text is None:
        with pytest.raises(errors.BlockDeviceError, match="no volumes"):
            registry.device(disk).create(1)
        return
    with pytest.raises(errors.BlockDeviceError, match=text):
        registry.device(disk)


@pytest.mark.skipif(os.path.exists(constants.DRBD_STATUS_FILE), reason="DRBD is loaded here")
def test_without_the_module_the_node_says_how_to_load_it():
    with pytest.raises(errors.BlockDeviceError, match="modprobe drbd"):
        kernel.version()
    assert not kernel.loaded()
    with pytest.raises(errors.BlockDeviceError, match="not loaded"):
        mirrors.drbd_helper()
