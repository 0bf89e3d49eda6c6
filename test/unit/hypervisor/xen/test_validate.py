"""Parameters are checked against each other and against what the node says."""

from __future__ import annotations

import pytest

from ganeti import constants, errors
from ganeti.hypervisor import registry
from ganeti.hypervisor.xen import disks, parse, validate
from test.unit.hypervisor.xen.test_parse import recorded

PVM, HVM = constants.HT_XEN_PVM, constants.HT_XEN_HVM


def params(name: str, **changes: object) -> dict[str, object]:
    return {**constants.HV_TABLES[name].defaults(), **changes}


@pytest.mark.parametrize(("name", "changes", "text"), [
    (PVM, {"use_bootloader": True}, "bootloader_path"),
    (PVM, {"bootloader_args": "a 'b"}, "No closing quotation"),
    (PVM, {"kernel_args": "a\nb"}, "kernel_args"),
    (PVM, {"blockdev_prefix": "vd"}, "hd, sd and xvd"),
    (PVM, {"domain_type": "hvm"}, "domain_type"),
    (HVM, {"blockdev_prefix": ""}, "blockdev_prefix"),
    (HVM, {"soundhw": "ac97; rm"}, "soundhw"),
    (HVM, {"disk_type": "ioemu", "blockdev_prefix": "xvd"}, "never emulated"),
    (HVM, {"pci_pass": "03:00.1;nonsense"}, "'nonsense' is no PCI address"),
])
def test_what_does_not_go_together_is_refused(name, changes, text):
    with pytest.raises(errors.OpPrereqError, match=text) as caught:
        registry.get_class(name).check_syntax(params(name, **changes))
    assert caught.value.args[1] == errors.ECODE_INVAL


def test_several_pci_devices():
    assert validate.pci_addresses(" 0000:03:00.1;04:00.0,permissive=1; ") == [
        "0000:03:00.1", "04:00.0,permissive=1"]
    assert validate.pci_addresses("") == []


@pytest.fixture
def info():
    return parse.info(recorded("info.txt"))


def test_a_good_node_has_no_trouble(info):
    assert validate.trouble(params(PVM), "pv", info) == []


def test_hardware_virtualisation_is_asked_for(info):
    assert validate.trouble(params(PVM), "pvh", info) == []
    old = {**info, "xen_caps": "xen-3.0-x86_64"}
    assert validate.trouble(params(PVM), "pv", old) == []
    for kind in ("hvm", "pvh"):
        [text] = validate.trouble(params(PVM), kind, old)
        assert "firmware" in text


def test_processors_that_the_node_lacks(info):
    [text] = validate.trouble(params(PVM, cpu_mask="0:1-3:all"), "pv", info)
    assert text.endswith("no processor 1")


def test_scripts_have_to_be_executable(info, tmp_path):
    script = tmp_path / "vif"
    script.write_text("#!/bin/sh\n")
    [text] = validate.trouble(params(PVM, vif_script=str(script)), "pv", info)
    assert "not executable" in text


def test_the_password_has_to_be_there(info, tmp_path):
    for content in (None, "\n"):
        path = tmp_path / "password"
        if content is not None:
            path.write_text(content)
        [text] = validate.trouble(params(HVM, vnc_password_file=str(path)), "hvm", info)
        assert "password" in text


def test_letters_of_disks():
    assert [disks.letters(index) for index in (0, 25, 26, 51, 52, 701, 702)] == [
        "a", "z", "aa", "az", "ba", "zz", "aaa"]


def test_emulated_disks_have_four_places():
    disks.check_emulated(disks.names("hd", 4))
    with pytest.raises(errors.HypervisorError, match="room for 4"):
        disks.check_emulated(disks.names("hd", 5))
    with pytest.raises(errors.HypervisorError, match="CD-ROM"):
        disks.cdrom("/iso", disks.names("hd", 4))
