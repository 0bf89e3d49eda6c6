"""Lists in parameters, what LXC logs, how interfaces are described; whether a node is fit."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.hypervisor import rootfs
from ganeti.hypervisor.chroot import ChrootHypervisor
from ganeti.hypervisor.lxc import config, network, program, validate
from ganeti.hypervisor.lxc.driver import LxcHypervisor
from ganeti.hypervisor.lxc.paths import Files

RECORDED = Path(__file__).parent / "recorded"
SETUP = Path(__file__).parents[4] / "daemons/lxc-nic-setup"


def hvparams(**changes: Any) -> dict[str, Any]:
    return {**constants.HV_TABLES[constants.HT_LXC].defaults(), **changes}


@pytest.mark.parametrize("name, value, complaint", [
    ("devices", "c 1:3", "'c 1:3' is no entry such as 'c 1:3 rw'"),
    ("devices", "x 1:3 rw", "joined by commas"),
    ("drop_capabilities", "sys_time,CAP SYS", "'CAP SYS' is no entry"),
    ("extra_cgroups", "net-cls", "'net-cls' is no entry such as 'net_cls'"),
    ("extra_config", "lxc.tty.max", "not of the form lxc.KEY=VALUE"),
    ("extra_config", "tty=1", "not of the form"),
    ("extra_config", "lxc.environment=A=B\nlxc.tty.max = 9", "more than one line"),
    ("extra_config", "lxc.rootfs.path=dir:/", "set by Ganeti"),
    ("extra_config", "lxc.cgroup.dir.container=x", "set by Ganeti"),
    ("cpu_mask", "all", "CPU numbers"),
    ("num_ttys", -1, "num_ttys"),
])
def test_what_lxc_would_not_understand_is_refused(name: str, value: Any, complaint: str) -> None:
    with pytest.raises(errors.OpPrereqError, match=complaint):
        LxcHypervisor.check_syntax(hvparams(**{name: value}))


def test_extra_configuration_is_split_at_commas() -> None:
    assert config.extra(r"lxc.a.b = 1, lxc.c=x\,y ,") == [("lxc.a.b", "1"), ("lxc.c", "x,y")]
    assert config.extra("") == []


def test_processors_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "online").write_text("0-1,4\n")
    monkeypatch.setattr(validate, "_PROCESSORS", str(tmp_path / "online"))
    assert list(validate.parameter_trouble(hvparams(cpu_mask="0,4"))) == []
    with pytest.raises(errors.HypervisorError, match="does not have: 2, 3 .it has 0, 1, 4"):
        LxcHypervisor().validate(hvparams(cpu_mask="1-3"))


def test_controllers_that_the_kernel_does_not_have() -> None:
    (trouble,) = validate.parameter_trouble(hvparams(extra_cgroups="phlogiston"))
    assert trouble.startswith("extra_cgroups:") and "phlogiston" in trouble


@pytest.mark.skipif(shutil.which("lxc-info") is None, reason="lxc is not installed")
def test_what_lxc_itself_would_refuse_at_the_start_is_told_before() -> None:
    good = hvparams(drop_capabilities="sys_time,mknod", extra_config="lxc.environment=A=B")
    assert list(validate.parameter_trouble(good)) == []
    bad = hvparams(drop_capabilities="sys_time,sys_tine",
                   extra_config="lxc.environment=A=B,lxc.no.such=1")
    assert list(validate.parameter_trouble(bad)) == [
        "drop_capabilities: LXC knows no capability 'sys_tine'",
        "extra_config: LXC does not take lxc.no.such=1"]


def test_ordinary_users_are_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert "root" in (LxcHypervisor().verify(hvparams()) or "")
    instance = objects.Instance(name="inst1", uuid="i", primary_node="n", hypervisor="lxc")
    for driver in (LxcHypervisor(), ChrootHypervisor()):
        with pytest.raises(errors.HypervisorError, match="can not run .* runs as root"):
            driver.start(instance, [])


def test_a_node_without_lxc_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(program, "_PATH", "/nowhere")
    program.version.cache_clear()
    assert "apt-get install lxc" in (LxcHypervisor().verify() or "")
    program.version.cache_clear()


def test_old_versions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(program, "version", lambda: (3, 1))
    assert "LXC 3.1 is too old; 4.0 or later" in (LxcHypervisor().verify() or "")
    assert program.parse_version("5.0.2\n") == (5, 0)
    with pytest.raises(errors.HypervisorError, match="no version"):
        program.parse_version("gibberish")


def test_errors_are_found_in_the_log() -> None:
    assert program.log_errors((RECORDED / "script-failed.log").read_text()) == [
        "Script exited with status 1", "No such device - Failed to create network device",
        "Failed to create the network", 'Failed to spawn container "c2"']
    assert program.log_errors((RECORDED / "mount-failed.log").read_text())[1] == (
        "Failed to run pre-mount hooks")


def test_partitions_are_read() -> None:
    """partx -g -r -b -o START,SIZE DISK of util-linux 2.38"""
    assert rootfs.parse_partitions("2048 1048576\n4096 12582912\n") == [
        (1 << 20, 1 << 20), (2 << 20, 12 << 20)]


# Interfaces ----------------------------------------------------------------------------------


def test_scripts_learn_of_the_interface_from_a_file(tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """Through lxc-nic-setup as LXC calls it, up to the administrator's own script."""
    monkeypatch.setattr(pathutils, "LXC_DIR", str(tmp_path / "lxc"))
    monkeypatch.setattr(pathutils, "ROOT", str(tmp_path))
    nic = objects.Nic(uuid="u", mac="aa:00:00:00:00:01", ip="192.0.2.7", name="it's $HOME",
                      nicparams={"mode": "routed", "link": "100", "vlan": ""},
                      netinfo={"name": "net1", "network": "192.0.2.0/24", "tags": ["a", "b"]})
    instance = objects.Instance(name="inst1", uuid="i", primary_node="n", hypervisor="lxc",
                                nics=[nic], tags=["t1", "t2"])
    files = Files("inst1")
    settings = dict(network.settings(instance, files))
    assert settings["lxc.net.0.hwaddr"] == nic.mac
    for action in ("up", "down"):
        script = tmp_path / "etc/ganeti/network/routed" / action
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("#!/bin/sh\necho \"$ACTION $1 $INTERFACE $INSTANCE $MAC $IP $LINK"
                          " $INTERFACE_NAME $NETWORK_SUBNET $NETWORK_TAGS $TAGS\"\n")
        script.chmod(0o755)
        done = subprocess.run(
            f"{settings[f'lxc.net.0.script.{action}']} veth vethX1", shell=True, check=True,
            capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "LXC_HOOK_TYPE": action})
        assert done.stdout == (f"{action} vethX1 vethX1 inst1 aa:00:00:00:00:01 192.0.2.7 100"
                               " it's $HOME 192.0.2.0/24 a b t1 t2\n")


def test_a_script_that_can_do_nothing_says_so_for_the_job(tmp_path: Path) -> None:
    description = tmp_path / "nic/0"
    description.parent.mkdir()
    description.write_text("export MODE=ext\n")
    done = subprocess.run([SETUP, description, "veth", "vethX1"], check=False,
                          env={"PATH": os.environ["PATH"], "LXC_HOOK_TYPE": "up"})
    assert done.returncode == 1
    assert "mode 'ext' up" in (tmp_path / "messages").read_text()


def test_without_interfaces_the_nodes_network_is_not_shared(tmp_path: Path) -> None:
    instance = objects.Instance(name="inst1", uuid="i", primary_node="n", hypervisor="lxc")
    assert network.settings(instance, Files("inst1")) == [("lxc.net.0.type", "empty")]


def test_the_mtu_is_that_of_this_network() -> None:
    assert network.device_mtu("lo") == int(Path("/sys/class/net/lo/mtu").read_text())
    assert network.device_mtu("nosuchdevice0") is None
