"""`make install` into a stage, as a package build does it, and `make uninstall`."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys

import pytest

from ganeti.tools import programs

TOP = pathlib.Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: owners of files are looked at"),
    pytest.mark.timeout(300),
]


def make(goal, stage, **variables):
    done = subprocess.run(
        ["make", "-C", str(TOP), goal, f"DESTDIR={stage}",
         *(f"{name}={value}" for name, value in variables.items())],
        capture_output=True, text=True, check=False, umask=0o077)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(top):
    return sorted(path for path in top.rglob("*") if not path.is_dir() or path.is_symlink())


def outside_environment(stage):
    return [path for path in files(stage) if "/usr/lib/ganeti/env/" not in str(path)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stage")
    make("install", directory)
    assert not (TOP / "build/lib").exists(), "the checkout was used to build in"
    return directory


def test_every_program_is_on_the_path_and_runs(stage):
    for name in sorted(programs.COMMANDS | programs.DAEMONS):
        link = stage / "usr/sbin" / name
        assert os.readlink(link) == f"/usr/lib/ganeti/env/bin/{name}"
        script = stage / "usr/lib/ganeti/env/bin" / name
        assert script.read_text().splitlines()[0].startswith("#!/usr/lib/ganeti/env/bin/python")
        assert stat.S_IMODE(script.stat().st_mode) == 0o755
    python = stage / "usr/lib/ganeti/env/bin/python"
    done = subprocess.run([python, stage / "usr/lib/ganeti/env/bin/gnt-cluster", "--version"],
                          capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0 and "ganeti" in done.stdout


def test_the_installed_system_finds_its_own_scripts(stage):
    ask = ("from ganeti import pathutils as p; import json; "
           "print(json.dumps([p.DAEMON_UTIL, p.NODE_DAEMON_SETUP, p.NODE_CLEANUP, p.KVM_NIC_SETUP,"
           " p.KVM_CONSOLE_WRAPPER, p.DEFAULT_MASTER_SETUP_SCRIPT]))")
    done = subprocess.run([stage / "usr/lib/ganeti/env/bin/python", "-c", ask], cwd="/",
                          capture_output=True, text=True, check=True)
    for path in json.loads(done.stdout):
        path = pathlib.Path(path)
        assert path.is_relative_to(stage / "usr/lib/ganeti")
        if path.is_symlink():
            path = pathlib.Path(f"{stage}{os.readlink(path)}")
        assert os.access(path, os.X_OK), path


def test_paths_of_the_contract(stage):
    for path, module in programs.LIBRARY.items():
        assert (stage / "usr/lib/ganeti" / path).is_symlink(), module
    for path in ("daemon-util", "kvm-nic-setup", "kvm-ifup", "kvm-ifdown", "lxc-nic-setup",
                 "vif-ganeti", "vif-ganeti-metad", "tools/xen-console-wrapper",
                 "tools/kvm-console-wrapper", "tools/master-ip-setup", "network/bridged/up",
                 "network/routed/down"):
        assert os.access(stage / "usr/lib/ganeti" / path, os.X_OK), path
    assert os.access(stage / "usr/share/ganeti/os/demo-linux/create", os.X_OK)
    for path in ("etc/cron.d/ganeti", "etc/logrotate.d/ganeti", "etc/default/ganeti"):
        assert stat.S_IMODE((stage / path).stat().st_mode) == 0o644, path
    modes = {"var/lib/ganeti": 0o755, "var/lib/ganeti/queue": 0o750, "var/log/ganeti": 0o770,
             "var/lib/ganeti/rapi": 0o750, "etc/ganeti": 0o755, "usr/lib/ganeti": 0o755}
    for path, mode in modes.items():
        assert stat.S_IMODE((stage / path).stat().st_mode) == mode, path
    assert not (stage / "var/run").exists()


def test_nothing_names_the_stage_or_the_checkout(stage):
    for path in files(stage):
        if path.is_symlink():
            assert str(stage) not in os.readlink(path), path
            continue
        content = path.read_bytes()
        assert str(stage).encode() not in content, path
        if path.suffix != ".json":
            assert f"{TOP}/".encode() not in content, path
        if path.name != "direct_url.json" and path.suffix == ".py":
            assert not path.stat().st_mode & stat.S_IWOTH


def test_units_are_accepted_by_systemd(stage):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (package systemd)")
    units = sorted((stage / "lib/systemd/system").iterdir())
    names = {unit.name for unit in units}
    assert {"ganeti-noded.service", "ganeti-masterd.service", "ganeti.target"} <= names
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(str, units)],
                          capture_output=True, text=True, check=False)
    own = [line for line in done.stderr.splitlines() if "ganeti" in line
           # the programs lie in the stage, not on this machine
           and "is not executable" not in line and "Failed to create" not in line]
    assert own == []
    masterd = (stage / "lib/systemd/system/ganeti-masterd.service").read_text()
    assert "Alias=ganeti-luxid.service" in masterd and "Alias=ganeti-wconfd.service" in masterd


def test_units_can_be_enabled_with_the_names_that_monitoring_asks_for(stage, tmp_path):
    if shutil.which("systemctl") is None:
        pytest.skip("systemctl is not installed (package systemd)")
    shutil.copytree(stage / "lib/systemd/system", tmp_path / "lib/systemd/system")
    names = sorted(path.name for path in (tmp_path / "lib/systemd/system").iterdir())
    subprocess.run(["systemctl", f"--root={tmp_path}", "--quiet", "enable", *names], check=True)
    enabled = tmp_path / "etc/systemd/system"
    for alias in ("ganeti-luxid.service", "ganeti-wconfd.service"):
        assert os.readlink(enabled / alias).endswith("/ganeti-masterd.service")
    assert (enabled / "multi-user.target.wants/ganeti.target").is_symlink()
    assert (enabled / "ganeti-noded.target.wants/ganeti-noded.service").is_symlink()


def test_scripts_are_sound_shell(stage):
    scripts = [path for path in outside_environment(stage) if not path.is_symlink()
               and path.read_bytes().startswith(b"#!/bin/sh")]
    assert len(scripts) > 8
    for path in scripts:
        subprocess.run(["sh", "-n", str(path)], check=True)


def test_an_upgrade_keeps_what_the_administrator_changed_and_removal_keeps_data(stage):
    changed = stage / "etc/default/ganeti"
    changed.write_text('NODED_ARGS="-d"\n')
    gone = stage / "usr/sbin/gnt-cluster"
    gone.unlink()
    for path in ("var/lib/ganeti/config.data", "usr/lib/ganeti/os/mine/create"):
        (stage / path).parent.mkdir(parents=True, exist_ok=True)
        (stage / path).write_text("mine\n")
    python = stage / "usr/lib/ganeti/env/bin/python"
    done = subprocess.run([python, "-P", "-m", "ganeti.tools.install", "install", TOP, stage,
                           "/usr"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "/etc/default/ganeti was changed" in done.stdout
    assert changed.read_text() == 'NODED_ARGS="-d"\n' and gone.is_symlink()

    said = make("uninstall", stage)
    assert "/etc/default/ganeti was changed" in said
    assert [str(path.relative_to(stage)) for path in files(stage)] == [
        "etc/default/ganeti", "usr/lib/ganeti/os/mine/create", "var/lib/ganeti/config.data"]
    assert "Nothing is installed" in make("uninstall", stage)


def test_a_relative_stage_is_refused():
    done = subprocess.run(["make", "-C", str(TOP), "install", "DESTDIR=stage"],
                          capture_output=True, text=True, check=False)
    assert done.returncode and "must be absolute" in done.stderr


def test_launchers_of_the_checkout_come_from_the_same_table():
    for entry in programs.entry_points():
        name = entry.split(" = ")[0]
        if name.startswith("gnt-"):
            continue  # these come and go with their modules while the tree is written
        assert os.access(pathlib.Path(sys.prefix) / "bin" / name, os.X_OK), name
