"""The exact configuration files of many parameter combinations: a diff shows what a change does.

After a wanted change: UPDATE_GOLDEN=1 pytest test/golden/lxc, and look at the diff.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ganeti import constants, objects, pathutils
from ganeti.hypervisor.lxc import config, limits, network
from ganeti.hypervisor.lxc.cgroup import Hierarchy, Tree
from ganeti.hypervisor.lxc.disks import Further
from ganeti.hypervisor.lxc.driver import LxcHypervisor
from ganeti.hypervisor.lxc.paths import Files
from test.golden.lxc.cases import CASES

HERE = Path(__file__).parent
#: In a case, but no hypervisor parameter
OTHERS = {"version", "nics", "memory", "vcpus", "further", "swap", "quota", "root"}
_V1 = ("memory", "cpu", "cpuacct", "cpuset", "devices", "freezer")
_V2 = frozenset(["memory", "cpu", "cpuset", "io", "pids", "devices", "freezer", "cpuacct"])


def tree_of(case: dict[str, Any], directory: Path) -> Tree:
    """A node of version 1, 2, or (3) with both, where version 1 has everything."""
    for present, name in ((case.get("swap", True), "memory.memsw.limit_in_bytes"),
                          (case.get("quota", True), "cpu.cfs_quota_us")):
        if present:
            (directory / name).touch()
    v1 = [Hierarchy(1, frozenset([name]), str(directory)) for name in _V1]
    v2 = Hierarchy(2, _V2, str(directory))
    return Tree({1: v1, 2: [v2], 3: [v2, *v1]}[case.get("version", 1)])


def make(case: dict[str, Any]) -> objects.Instance:
    hvp = constants.HV_TABLES[constants.HT_LXC].defaults()
    hvp |= {key: value for key, value in case.items() if key not in OTHERS}
    nics = [objects.Nic(uuid=f"nic-{number}", mac=f"aa:00:00:00:00:{number:02x}",
                        name=params.get("name"),
                        nicparams={key: params[key] for key in ("mode", "link", "vlan")})
            for number, params in enumerate(case.get("nics", []))]
    return objects.Instance(
        name="inst1.example.org", uuid="i", primary_node="n1", hypervisor="lxc", hvparams=hvp,
        nics=nics, beparams={constants.BE_MAXMEM: case.get("memory", 128),
                             constants.BE_VCPUS: case.get("vcpus", 1)})


@pytest.mark.parametrize("name", CASES)
def test_configuration(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    run = tmp_path / "run/lxc"
    (tmp_path / "cmdline").write_text("quiet" + ("" if case.get("swap", True)
                                                 else " swapaccount=0"))
    monkeypatch.setattr(pathutils, "ROOT", case.get("root", ""))
    monkeypatch.setattr(pathutils, "LXC_DIR", str(run))
    monkeypatch.setattr(pathutils, "LOG_LXC_DIR", "/var/log/ganeti/lxc")
    monkeypatch.setattr(pathutils, "LXC_NIC_SETUP", "/usr/lib/ganeti/lxc-nic-setup")
    monkeypatch.setattr(network, "device_mtu", {"br0": 1450, "switch1": 1450}.get)
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "gnt.com.0")])
    monkeypatch.setattr(limits, "_COMMAND_LINE", str(tmp_path / "cmdline"))
    seccomp = tmp_path / "common.seccomp"
    seccomp.touch()
    monkeypatch.setattr(config, "_SECCOMP", str(seccomp))
    instance = make(case)
    LxcHypervisor.check_syntax(instance.hvparams)
    further = [Further(f"/dev/loop{number} dev/ganeti/disk{number} none bind,create=file 0 0",
                       f"b 7:{number} rwm") for number in range(1, case.get("further", 0) + 1)]
    files = Files(instance.name)
    text = config.render(instance, files, tree_of(case, tmp_path), "mount -o rw,loop DISK ROOT",
                         further, network.settings(instance, files))
    text = text.replace(str(run), "/run/ganeti/lxc").replace(
        str(seccomp), "/usr/share/lxc/config/common.seccomp")
    golden = HERE / "config" / f"{name}.conf"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_file_has_its_case() -> None:
    assert {path.stem for path in (HERE / "config").iterdir()} == set(CASES)


def test_every_parameter_is_in_some_case() -> None:
    """All but the time to wait, which LXC is not told."""
    used = {key for case in CASES.values() for key in case}
    assert set(constants.HV_TABLES[constants.HT_LXC].names) - used == {"startup_timeout"}


@pytest.mark.skipif(shutil.which("lxc-info") is None, reason="lxc is not installed")
@pytest.mark.parametrize("name", CASES)
def test_lxc_understands_it(name: str, tmp_path: Path) -> None:
    """Its own parser reads the file, and tells a value back."""
    golden = (HERE / "config" / f"{name}.conf").read_text()
    place = tmp_path / "inst1.example.org"
    place.mkdir()
    (place / "config").write_text(golden)

    def told(key: str) -> tuple[int, str]:
        done = subprocess.run(
            ["lxc-info", "-P", tmp_path, "-n", place.name, "-c", key], check=False,
            capture_output=True, text=True)
        return done.returncode, done.stdout.strip() + done.stderr.strip()
    prefix = "lxc.cgroup2.memory.max" if "lxc.cgroup2" in golden else (
        "lxc.cgroup.memory.limit_in_bytes")
    value = golden.split(f"{prefix} = ")[1].split("\n")[0]
    assert told(prefix) == (0, f"{prefix} = {value}")
    (place / "config").write_text(golden + "lxc.no.such.key = 1\n")
    assert "Failed to load config" in told(prefix)[1], "it would complain"
