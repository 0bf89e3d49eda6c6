"""What scripts of storage providers are told, how their answers are read, who is to blame."""

from __future__ import annotations

import os
import pathlib

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import blockdev, extstorage
from ganeti.hypervisor import registry as hypervisors
from ganeti.storage import ext, registry
from test import noderoot

ALL_SCRIPTS = (*constants.ES_SCRIPTS_REQUIRED, *constants.ES_SCRIPTS_OPTIONAL)
#: Writes its variables, without those that every shell sets, and its arguments
SPY = """#!/bin/sh
{ echo "$(basename $0) $*"; env | grep -E '^(VOL|EXTP|PATH|HOME)' | sort; } >>%s/said
"""


@pytest.fixture(autouse=True)
def node(tmp_path, monkeypatch):
    noderoot.move_node_to(str(tmp_path / "node1"), monkeypatch)


@pytest.fixture
def provider(tmp_path) -> pathlib.Path:
    """A provider whose scripts note how they were called."""
    path = pathlib.Path(pathutils.ES_SEARCH_PATH[1]) / "spy"
    path.mkdir(parents=True)
    for name in ALL_SCRIPTS:
        (path / name).write_text(SPY % tmp_path)
        (path / name).chmod(0o755)
    (path / "attach").write_text(SPY % tmp_path + "echo\necho kvm:nbd://h/x\n")
    (path / "parameters.list").write_text("pool Where volumes live\n\nspeed\n")
    return path


def disk(**changes) -> objects.Disk:
    return objects.Disk(uuid="d-uuid", dev_type=constants.DT_EXT, size=8, name="data",
                        logical_id=["spy", "u.ext.disk0"],
                        params={"access": "userspace", "pool": "gold"}).replace(**changes)


def said(tmp_path: pathlib.Path) -> list[str]:
    """The notes of the scripts since the last look."""
    file = tmp_path / "said"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


COMMON = ["EXTP_ACCESS=userspace", "EXTP_POOL=gold", "PATH=/sbin:/bin:/usr/sbin:/usr/bin",
          "VOL_CNAME=data", "VOL_NAME=u.ext.disk0"]


def test_scripts_are_told_exactly_what_the_interface_says(provider, tmp_path):
    device = registry.device(disk())
    device.create(8)
    assert said(tmp_path) == ["verify parameters", *COMMON, "VOL_UUID=d-uuid",
                              "create ", *COMMON, "VOL_SIZE=8", "VOL_UUID=d-uuid"]
    assert device.attach()
    assert said(tmp_path) == ["attach ", *COMMON, "VOL_UUID=d-uuid"]
    device.grow(4, dry_run=True)
    assert said(tmp_path) == []
    device.grow(4)
    assert said(tmp_path) == ["grow ", *COMMON[:4], "VOL_NAME=u.ext.disk0", "VOL_NEW_SIZE=12",
                              "VOL_SIZE=8", "VOL_UUID=d-uuid"]
    device.set_info("originstname+web 1/ä")
    assert "VOL_METADATA=originstname+web_1__" in said(tmp_path)
    device.open(exclusive=False)
    assert "VOL_OPEN_EXCLUSIVE=False" in said(tmp_path)
    device.close()
    assert said(tmp_path)[0] == "close "
    assert device.snapshot("frozen", 9) == ["spy", "frozen"]
    assert {"VOL_SNAPSHOT_NAME=frozen", "VOL_SNAPSHOT_SIZE=9"} <= set(said(tmp_path))
    device.remove()
    assert [line for line in said(tmp_path) if line.endswith(" ")] == ["detach ", "remove "]


def test_a_disk_without_name_has_no_variable_of_it(provider, tmp_path):
    registry.device(disk(name=None)).create(8)
    assert not [line for line in said(tmp_path) if line.startswith("VOL_CNAME")]


def test_output_is_kept_in_a_log_a_script(provider):
    registry.device(disk()).create(8)
    names = os.listdir(pathutils.LOG_ES_DIR)
    assert sorted(name.rsplit("-", 1)[0] for name in names) == [
        "create-spy-u.ext.disk0", "verify-spy-u.ext.disk0"]


def test_a_failing_script_is_quoted_with_its_log(provider):
    (provider / "create").write_text("#!/bin/sh\necho the array is full >&2\nexit 3\n")
    with pytest.raises(errors.BlockDeviceError, match="exit status 3") as failure:
        registry.device(disk()).create(8)
    assert "the array is full" in str(failure.value)
    assert pathutils.LOG_ES_DIR in str(failure.value)


def test_why_a_volume_could_not_be_attached_is_told(provider):
    (provider / "attach").write_text("#!/bin/sh\necho no path to the target >&2\nexit 1\n")
    with pytest.raises(errors.BlockDeviceError, match="no path to the target"):
        blockdev.require(disk())
    assert blockdev.blockdev_find(disk()) is None


def test_an_unreachable_volume_is_not_taken_for_a_removed_one(provider, tmp_path):
    (provider / "attach").write_text("#!/bin/sh\nexit 1\n")
    blockdev.blockdev_remove(disk())
    assert said(tmp_path)[0] == "remove "
    (provider / "remove").write_text("#!/bin/sh\necho the array does not answer; exit 1\n")
    with pytest.raises(errors.BlockDeviceError, match="the array does not answer"):
        blockdev.blockdev_remove(disk())


def test_parameters_that_a_provider_does_not_list_are_refused(provider, tmp_path):
    with pytest.raises(errors.BlockDeviceError, match="no parameter sped; it has pool, speed"):
        registry.device(disk(params={"sped": "1"})).create(8)
    assert said(tmp_path) == []


def test_optional_scripts_may_be_missing(provider, tmp_path):
    for name in constants.ES_SCRIPTS_OPTIONAL:
        (provider / name).unlink()
    device = registry.device(disk())
    device.open()
    device.close()
    assert said(tmp_path) == []
    with pytest.raises(errors.BlockDeviceError, match="has no script snapshot"):
        device.snapshot("s", 1)


@pytest.mark.parametrize("text,answer", [
    ("/dev/x\n", ("/dev/x", {})), ("", (None, {})), ("\nkvm:nbd://h:1/X y\n", (
        None, {"kvm": "nbd://h:1/X y"})),
    ("/dev/x\nKVM:rbd:p/i\n\nxen-pvm:a", ("/dev/x", {"kvm": "rbd:p/i", "xen-pvm": "a"}))])
def test_answers_of_attach(text, answer):
    assert ext.parse_attach(text) == answer


def test_a_garbled_answer_of_attach_is_quoted(provider):
    (provider / "attach").write_text("#!/bin/sh\necho /dev/null\necho attached!\n")
    with pytest.raises(errors.BlockDeviceError, match="'attached!'"):
        registry.device(disk()).attach()
    (provider / "attach").write_text("#!/bin/sh\necho /dev/null\n")
    with pytest.raises(errors.BlockDeviceError, match="neither a block device nor a file"):
        registry.device(disk()).attach()


def test_addresses_are_for_user_space_and_for_their_hypervisor(provider, monkeypatch):
    device = registry.device(disk())
    assert device.uri(constants.HT_KVM) == "nbd://h/x"
    with pytest.raises(errors.BlockDeviceError, match="no address .* xen-pvm; .* for kvm"):
        device.uri(constants.HT_XEN_PVM)
    mapped = registry.device(disk(params={"access": "kernelspace"}))
    assert mapped.uri(constants.HT_KVM) is None
    with pytest.raises(errors.BlockDeviceError, match="access=userspace"):
        mapped.assemble()
    monkeypatch.setattr(hypervisors.get_class(constants.HT_KVM), "opens_addresses", False)
    with pytest.raises(errors.BlockDeviceError, match="access has to be kernelspace"):
        blockdev.address(registry.device(disk()), constants.HT_KVM)


def test_diagnosis_names_what_is_wrong(provider, tmp_path):
    logical = pathutils.logical(str(provider))
    parameters = [["pool", "Where volumes live"], ["speed", ""]]
    assert extstorage.extstorage_diagnose() == [["spy", logical, True, "", parameters]]
    (provider / "grow").unlink()
    (provider / "detach").chmod(0o644)
    ((name, path, good, text, _parameters),) = extstorage.extstorage_diagnose()
    assert (name, path, good) == ("spy", logical, False)
    assert text == "required script grow is missing; detach is not an executable file"
    with pytest.raises(errors.BlockDeviceError, match="grow is missing"):
        registry.device(disk()).create(1)
    with pytest.raises(errors.BlockDeviceError, match="no storage provider 'other'"):
        registry.device(disk(logical_id=["other", "v"])).attach()
    with pytest.raises(errors.BlockDeviceError, match="is no name"):
        registry.device(disk(logical_id=["../spy", "v"])).attach()
