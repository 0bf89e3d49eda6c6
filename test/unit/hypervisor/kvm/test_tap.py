"""What the network scripts are told, how kvm-nic-setup picks one, and taps that can not be."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ganeti import errors, objects, pathutils
from ganeti.hypervisor import nicscripts
from ganeti.hypervisor.kvm import tap
from ganeti.hypervisor.kvm.paths import Files

SETUP = Path(__file__).parents[4] / "daemons/kvm-nic-setup"


def nic(**changes: Any) -> objects.Nic:
    return objects.Nic(**{"uuid": "nic-uuid", "mac": "aa:00:00:00:00:01", "nicparams": {
        "mode": "bridged", "link": "br0", "vlan": ""}, **changes})


def test_the_environment_has_what_the_catalogue_lists() -> None:
    network = {"name": "net1", "uuid": "net-uuid", "tags": ["a", "b"], "network": "192.0.2.0/24",
               "gateway": "192.0.2.1", "network6": "2001:db8::/64", "gateway6": "2001:db8::1",
               "mac_prefix": "aa:bb:cc"}
    env = nicscripts.environment("up", "inst1", ["t1", "t2"], 3, nic(
        ip="192.0.2.9", name="front", netinfo=network), "tap7", tap.INCOMING)
    assert env == {
        "PATH": env["PATH"], "ACTION": "up", "INSTANCE": "inst1", "TAGS": "t1 t2",
        "MAC": "aa:00:00:00:00:01", "IP": "192.0.2.9", "MODE": "bridged", "LINK": "br0",
        "VLAN": "", "BRIDGE": "br0", "INTERFACE": "tap7", "INTERFACE_INDEX": "3",
        "INTERFACE_UUID": "nic-uuid", "INTERFACE_NAME": "front", "NETWORK_NAME": "net1",
        "NETWORK_UUID": "net-uuid", "NETWORK_TAGS": "a b", "NETWORK_SUBNET": "192.0.2.0/24",
        "NETWORK_GATEWAY": "192.0.2.1", "NETWORK_SUBNET6": "2001:db8::/64",
        "NETWORK_GATEWAY6": "2001:db8::1", "NETWORK_MAC_PREFIX": "aa:bb:cc",
        "MIGRATION_PHASE": "incoming"}


def test_routes_have_no_bridge_and_wait_for_an_arriving_guest() -> None:
    routed = nic(nicparams={"mode": "routed", "link": "100", "vlan": ""})
    assert "BRIDGE" not in nicscripts.environment("up", "i", [], 0, routed, "tap0", "")
    assert not tap.connects_early(routed) and tap.connects_early(nic())


def test_a_tap_that_can_not_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "_DEVICE", "/dev/null-tun")
    with pytest.raises(errors.HypervisorError, match="root.*use instances without interfaces"):
        tap.create(nic(), 2, True)


def test_records_follow_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pathutils, "KVM_DIR", str(tmp_path))
    files = Files("inst1")
    assert tap.records(files) == []
    tap.write_records(files, ["tap3", "tap9"])
    assert (tmp_path / "nic/inst1/1").read_text() == "tap9"
    tap.write_records(files, ["tap9"])
    assert tap.records(files) == ["tap9"]
    tap.write_records(files, [])
    assert not (tmp_path / "nic/inst1").exists()


def test_a_failing_script_is_told_with_what_it_said(tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "setup"
    program.write_text("#!/bin/sh\necho no such bridge >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(pathutils, "KVM_NIC_SETUP", str(program))
    instance = objects.Instance(name="inst1", uuid="u", primary_node="n", hypervisor="kvm")
    with pytest.raises(errors.HypervisorError, match="tap0.*bridged, br0.*status 3.*no such bridg"):
        tap.connect(instance, 0, nic(), "tap0")
    tap.disconnect("inst1", 0, nic(), "tap0")


# kvm-nic-setup ----------------------------------------------------------------------------------


def place(path: Path, word: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {word} $1 $INTERFACE\n")
    path.chmod(0o755)


def setup(root: Path, interface: str = "tap0", mode: str = "bridged", action: str = "up"
          ) -> subprocess.CompletedProcess[str]:
    program = root / "lib/kvm-nic-setup"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_bytes(SETUP.read_bytes())
    program.chmod(0o755)
    (root / "lib/net-common").write_bytes((SETUP.parent / "net-common").read_bytes())
    return subprocess.run([program, interface], check=False, text=True, capture_output=True,
                          env={"PATH": os.environ["PATH"], "MODE": mode, "ACTION": action,
                               "GANETI_ROOTDIR": str(root)})


def test_the_administrators_scripts_come_first(tmp_path: Path) -> None:
    place(tmp_path / "lib/network/bridged/up", "builtin")
    assert setup(tmp_path).stdout == "builtin tap0 tap0\n"
    place(tmp_path / "etc/ganeti/network/bridged/up", "own")
    assert setup(tmp_path).stdout == "own tap0 tap0\n"
    place(tmp_path / "etc/ganeti/kvm-vif-bridge", "all")
    assert setup(tmp_path).stdout == "all tap0 tap0\n"


@pytest.mark.parametrize("action", ["up", "down"])
def test_the_names_of_the_program_say_what_to_do(action: str, tmp_path: Path) -> None:
    """As QEMU's own script and downscript options would call it."""
    place(tmp_path / f"lib/network/routed/{action}", f"took-{action}")
    setup(tmp_path)
    link = tmp_path / f"lib/kvm-if{action}"
    link.symlink_to("kvm-nic-setup")
    done = subprocess.run([link, "tap0"], check=True, text=True, capture_output=True,
                          env={"PATH": os.environ["PATH"], "MODE": "routed",
                               "GANETI_ROOTDIR": str(tmp_path)})
    assert done.stdout == f"took-{action} tap0 tap0\n"
    assert (SETUP.parent / f"kvm-if{action}").resolve() == SETUP


def test_communication_interfaces_have_a_script_of_their_own(tmp_path: Path) -> None:
    place(tmp_path / "etc/ganeti/kvm-ifup-os", "communication")
    place(tmp_path / "etc/ganeti/network/routed/up", "own")
    assert setup(tmp_path, "gnt.com.0", "routed").stdout.startswith("communication")
    assert setup(tmp_path, "tap0", "routed").stdout.startswith("own")


def test_mode_ext_is_the_administrators_alone(tmp_path: Path) -> None:
    place(tmp_path / "lib/network/ext/up", "builtin")
    result = setup(tmp_path, mode="ext")
    assert result.returncode == 1 and "mode 'ext'" in result.stderr
    place(tmp_path / "etc/ganeti/network/ext/up", "own")
    assert setup(tmp_path, mode="ext").stdout.startswith("own")


@pytest.mark.parametrize("mode", ["bridged", "routed", "openvswitch"])
@pytest.mark.parametrize("action", ["up", "down"])
def test_every_mode_has_its_scripts(mode: str, action: str) -> None:
    script = SETUP.parent / "network" / mode / action
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", script], check=True)
