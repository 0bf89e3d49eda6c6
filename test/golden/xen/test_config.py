"""The exact configuration files of many parameter combinations: a diff shows what a change does.

After a wanted change: UPDATE_GOLDEN=1 pytest test/golden/xen, and look at the diff. What `xl`
itself makes of these files is in as-xl-reads-them.json (see test_reading).
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from ganeti import constants, objects, pathutils
from ganeti.hypervisor import registry
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.xen.driver import XenHypervisor
from test import noderoot
from test.golden.xen.cases import CASES

HERE = Path(__file__).parent
#: In a case, but no hypervisor parameter
OTHERS = {"disks", "nics", "vcpus", "memory", "disk_mode", "ip", "nic_name", "port",
          "user_shutdown"}
BRIDGED = {"mode": "bridged", "link": "xen-br0", "vlan": ""}
LINKS = "/var/run/ganeti/instance-disks/inst1.example.org"


def driver(name: str) -> XenHypervisor:
    kind = constants.HT_XEN_HVM if name.startswith("hvm") else constants.HT_XEN_PVM
    found = registry.get_class(kind)()
    assert isinstance(found, XenHypervisor)
    return found


def make(name: str) -> tuple[objects.Instance, list[BlockDevice]]:
    case, kind = CASES[name], driver(name).name
    hvp = constants.HV_TABLES[kind].defaults()
    hvp |= {key: value for key, value in case.items() if key not in OTHERS}
    nics = [objects.Nic(uuid=f"nic-{number}", mac=f"aa:00:00:00:00:{number:02x}",
                        ip=case.get("ip"), name=case.get("nic_name"), nicparams=params or BRIDGED)
            for number, params in enumerate(case.get("nics", [{}]))]
    instance = objects.Instance(
        name="inst1.example.org", uuid=str(uuid.UUID(int=1)), primary_node="n1", hypervisor=kind,
        hvparams=hvp, nics=nics, network_port=case.get("port", 11003),
        beparams={constants.BE_MAXMEM: case.get("memory", 128),
                  constants.BE_VCPUS: case.get("vcpus", 1)})
    devices = [device(number, wanted, case.get("disk_mode", "rw"))
               for number, wanted in enumerate(case.get("disks", ["plain"]))]
    return instance, devices


def device(number: int, wanted: str, mode: str) -> BlockDevice:
    kind, _, how = wanted.partition("-")
    if kind not in ("plain", "file"):
        disk = objects.Disk(dev_type=wanted.partition(":")[0], logical_id=["x", "y"], mode=mode,
                            uuid=f"disk-{number}", size=1)
        return BlockDevice(disk, f"{LINKS}:{number}", wanted)
    disk = objects.Disk(dev_type=kind, logical_id=[how or "xenvg", "/srv/x"], mode=mode,
                        uuid=f"disk-{number}", size=1)
    return BlockDevice(disk, f"{LINKS}:{number}")


@pytest.fixture(autouse=True)
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    Path(pathutils.CONF_DIR, "vnc-cluster-password").write_text("geheim\nand a second line\n")
    callspec = getattr(request.node, "callspec", None)
    case = CASES[callspec.params["name"]] if callspec else {}
    if case.get("user_shutdown"):
        Path(pathutils.ssconf_file(constants.SS_ENABLED_USER_SHUTDOWN)).write_text("True\n")


@pytest.mark.parametrize("name", CASES)
def test_configuration(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pathutils, "PKGLIBDIR", "/usr/lib/ganeti")
    monkeypatch.setattr(pathutils, "XEN_VIF_GANETI", "/usr/lib/ganeti/vif-ganeti")
    monkeypatch.setattr(pathutils, "XEN_VIF_METAD_SETUP", "/usr/lib/ganeti/vif-ganeti-metad")
    instance, devices = make(name)
    type(driver(name)).check_syntax(instance.hvparams)
    written = driver(name).configuration(instance, devices)
    kept = HERE / f"config/{name}.cfg"
    if os.environ.get("UPDATE_GOLDEN"):
        kept.write_text(written)
    assert written == kept.read_text()


def test_every_parameter_has_a_case() -> None:
    for kind, prefix in ((constants.HT_XEN_PVM, "pv"), (constants.HT_XEN_HVM, "hvm")):
        varied: set[str] = set()
        for name, case in CASES.items():
            if name.startswith(prefix):
                varied |= {key for key, value in case.items() if key not in OTHERS
                           and value != constants.HV_TABLES[kind][key].default}
        elsewhere = {"migration_port", "migration_mode"}
        shared = {"vif_script", "cpu_weight", "vnc_password_file"}
        missing: set[Any] = (set(constants.HV_TABLES[kind].names) - varied - elsewhere
                             - (shared if prefix == "hvm" else {"kernel_path"}))
        assert not missing


def test_no_kept_file_is_without_its_case() -> None:
    assert {path.stem for path in (HERE / "config").iterdir()} == set(CASES)
