"""Real containers and chroots beyond what every hypervisor promises: limits, devices, networks,
crashes, and that nothing is left on the machine."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import instance as backend
from ganeti.hypervisor.base import BlockDevice
from ganeti.hypervisor.lxc import cgroup, life, program
from ganeti.hypervisor.lxc.driver import LxcHypervisor
from ganeti.hypervisor.lxc.paths import Files
from test.drivers.hypervisors import MEMORY, ChrootKit, ContainerKit, LxcKit

BRIDGE = f"gntbr{os.getpid() % 10000}"


@pytest.fixture
def kit(tmp_path) -> Iterator[ContainerKit]:
    if LxcKit.unavailable:
        pytest.skip(LxcKit.unavailable)
    made = LxcKit(str(tmp_path))
    yield made
    made.wait(lambda: made.on_machine() == [], f"nothing is left: {made.on_machine()}")


@pytest.fixture
def lxc(kit: LxcKit) -> Iterator[LxcHypervisor]:
    with kit.on("node1") as driver:
        yield driver
        for path in os.listdir(pathutils.LXC_DIR) if os.path.isdir(pathutils.LXC_DIR) else ():
            life.end(Files(path))
            driver.cleanup(path)


def hvparams(kit: ContainerKit, **changes: Any) -> dict[str, Any]:
    return {**kit.hvparams(), **changes}


def init_of(driver: LxcHypervisor, instance: objects.Instance) -> int:
    info = driver.instance_info(instance.name)
    assert info is not None, f"{instance.name} does not run"
    return info.id


def inside(driver: LxcHypervisor, instance: objects.Instance, path: str) -> pathlib.Path:
    return pathlib.Path(f"/proc/{init_of(driver, instance)}/root{path}")


def attach(instance: objects.Instance, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command inside."""
    return subprocess.run(["lxc-attach", "-n", instance.name, "-P", pathutils.LXC_DIR, "--",
                           "/bin/sh", "-c", command], capture_output=True, text=True, check=False)


def remove(kit: ContainerKit, driver: Any, instance: objects.Instance) -> None:
    driver.stop(instance, force=True)
    assert driver.instance_info(instance.name) is None
    driver.cleanup(instance.name)


def wait_booted(kit: ContainerKit, driver: LxcHypervisor, instance: objects.Instance) -> None:
    kit.wait(lambda: inside(driver, instance, "/var/boots").exists(), "the guest has booted")


# Limits and devices --------------------------------------------------------------------------


def test_limits_hold_and_memory_changes_live(kit, lxc):
    instance = kit.instance(hvparams=hvparams(kit, cpu_mask="0", num_ttys=2))
    instance = instance.replace(beparams={**instance.beparams, constants.BE_VCPUS: 2})
    lxc.start(instance, kit.block_devices())
    group = life.group(Files(instance.name))
    assert group.read("cpuset", "cpuset.cpus") == "0"
    assert (lxc.instance_info(instance.name).memory, lxc.instance_info(instance.name).vcpus) == (
        MEMORY, 2)
    assert inside(lxc, instance, "/dev/tty2").exists()
    assert not inside(lxc, instance, "/dev/tty3").exists()
    lxc.balloon(instance, 2 * MEMORY)
    assert lxc.instance_info(instance.name).memory == 2 * MEMORY
    lxc.balloon(instance, MEMORY // 2)
    assert lxc.instance_info(instance.name).memory == MEMORY // 2
    with pytest.raises(errors.HypervisorError, match="uses . MiB of memory"):
        lxc.balloon(instance, 0)
    kit.wait(lambda: lxc.instance_info(instance.name).time > 0, "processor time is counted")
    remove(kit, lxc, instance)


def test_only_listed_devices_can_be_used(kit, lxc):
    instance = kit.instance(hvparams=hvparams(kit, devices="c 1:3 rw,c 136:* rw,c 5:* rw"))
    lxc.start(instance, kit.block_devices())
    assert attach(instance, "echo x >/dev/null").returncode == 0
    assert "Operation not permitted" in attach(instance, "head -c 1 /dev/zero").stderr
    remove(kit, lxc, instance)


def test_capabilities_are_dropped(kit, lxc):
    def bounding(instance: objects.Instance) -> int:
        for line in cgroup.status_lines(init_of(lxc, instance)):
            if line.startswith("CapBnd:"):
                return int(line.split()[1], 16)
        raise AssertionError("no CapBnd")
    sys_time = 1 << 25
    for value, dropped in (("sys_time", True), ("", False)):
        instance = kit.instance(hvparams=hvparams(kit, drop_capabilities=value))
        lxc.start(instance, kit.block_devices())
        own = pathlib.Path("/proc/self/status").read_text()
        may = bool(int(own.split("CapBnd:")[1].split()[0], 16) & sys_time)
        assert bool(bounding(instance) & sys_time) == (may and not dropped)
        remove(kit, lxc, instance)


def test_extra_configuration_reaches_the_container(kit, lxc):
    instance = kit.instance(hvparams=hvparams(
        kit, extra_config="lxc.environment=GREETING=hello,lxc.uts.name=other"))
    lxc.start(instance, kit.block_devices())
    assert inside(lxc, instance, "/proc/sys/kernel/hostname").parent.exists()
    environment = pathlib.Path(f"/proc/{init_of(lxc, instance)}/environ").read_bytes()
    assert b"GREETING=hello" in environment.split(b"\0")
    assert attach(instance, "hostname").stdout.strip() == "other"
    remove(kit, lxc, instance)


def test_further_controllers_are_mounted(kit, lxc):
    name = "net_prio"
    if cgroup.tree().of(name) is not None or not cgroup.known().get(name):
        pytest.skip(f"the kernel's controller {name} is not there, or mounted already")
    instance = kit.instance(hvparams=hvparams(kit, extra_cgroups=name))
    try:
        lxc.start(instance, kit.block_devices())
        assert (pathlib.Path(cgroup.tree().require(name).base)
                / Files(instance.name).group("payload")).is_dir()
        remove(kit, lxc, instance)
    finally:
        subprocess.run(["umount", f"/sys/fs/cgroup/{name}"], check=False, capture_output=True)
        os.rmdir(f"/sys/fs/cgroup/{name}")


# Disks ---------------------------------------------------------------------------------------


def test_the_root_file_system_may_be_in_a_partition(kit, lxc):
    instance = kit.instance()
    lxc.start(instance, kit.partitioned())
    wait_booted(kit, lxc, instance)
    remove(kit, lxc, instance)


def test_the_root_file_system_of_a_block_device(kit, lxc):
    """Also the disks beyond the first: devices inside, of which one is read-only."""
    (first,), (second,), (third,) = kit.block_devices(), kit.broken_devices(), kit.broken_devices()
    third = BlockDevice(third.disk.replace(mode=constants.DISK_RDONLY), third.link)
    backing = os.path.realpath(first.link)
    loop = subprocess.run(["losetup", "-f", "--show", backing], check=True,
                          capture_output=True, text=True).stdout.strip()
    try:
        os.unlink(first.link)
        os.symlink(loop, first.link)
        instance = kit.instance(hvparams=hvparams(kit, drop_capabilities="sys_time"))
        lxc.start(instance, [first, second, third])
        assert f"{loop} / ext4" in inside(lxc, instance, "/proc/1/mounts").read_text()
        written = attach(instance, "echo hello >/dev/ganeti/disk1")
        assert written.returncode == 0, written.stderr
        assert pathlib.Path(second.link).read_bytes()[:6] == b"hello\n"
        assert attach(instance, "echo hello >/dev/ganeti/disk2").returncode != 0
        assert os.path.islink(f"{pathutils.LXC_DIR}/{instance.name}/disk2")
        remove(kit, lxc, instance)
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)


def test_a_further_disk_is_mounted_by_a_line_of_configuration(kit, lxc):
    """The line that the guide page shows."""
    name = kit.instance().name
    line = (f"lxc.mount.entry={pathutils.LXC_DIR}/{name}/disk1 srv ext4"
            r" defaults\,create=dir 0 0")
    instance = kit.instance(hvparams=hvparams(kit, extra_config=line))
    lxc.start(instance, [*kit.block_devices(), *kit.block_devices()])
    assert inside(lxc, instance, "/srv/etc/guest").read_text().startswith("name=image")
    remove(kit, lxc, instance)


def test_without_a_disk_there_is_nothing_to_start(kit, lxc):
    with pytest.raises(errors.HypervisorError, match="has no disk"):
        lxc.start(kit.instance(), [])
    with pytest.raises(errors.HypervisorError, match="no file system.*gnt-instance reinstall"):
        lxc.start(kit.instance(), kit.broken_devices())
    assert kit.on_machine() == []


def test_nothing_is_mounted_on_the_node(kit, lxc):
    """The root file system is the container's alone, so that it goes with it in any case."""
    instance = kit.instance()
    lxc.start(instance, kit.block_devices())
    assert kit.root not in pathlib.Path("/proc/self/mounts").read_text()
    remove(kit, lxc, instance)


# Life ----------------------------------------------------------------------------------------


def test_a_soft_stop_lets_the_guest_end_its_work(kit, lxc):
    (device,) = kit.block_devices()
    instance = kit.instance()
    lxc.start(instance, [device], paused=True)
    with kit.on("node1"):
        backend.instance_shutdown(instance, 60.0, None)
    with open(Files(instance.name).console_log, encoding="utf-8") as stream:
        assert "GUEST-DOWN" in stream.read()


def test_a_guest_that_may_not_turn_itself_off_is_noticed(kit, lxc):
    """A first process that stays alone after its shutdown, for want of the capability."""
    instance = kit.instance()
    lxc.start(instance, kit.block_devices())
    files = Files(instance.name)
    assert not life.has_shut_down(files), "it has processes yet"
    wait_booted(kit, lxc, instance)
    init = init_of(lxc, instance)
    os.kill(init, signal.SIGSTOP)
    for number in life.group(files).processes():
        if number != init:
            os.kill(number, signal.SIGKILL)

    def alone() -> bool:
        # its dead children are zombies, which no group counts
        return life.group(files).processes() == [init]
    kit.wait(alone, "only the first process is left")
    assert life.has_shut_down(files)
    lxc.stop(instance, retry=True)
    assert lxc.instance_info(instance.name) is None
    lxc.cleanup(instance.name)


def test_a_reboot_from_inside(kit, lxc):
    """With the capability to, a container reboots under the same monitor."""
    instance = kit.instance(hvparams=hvparams(kit, drop_capabilities="sys_time"))
    lxc.start(instance, kit.block_devices())
    wait_booted(kit, lxc, instance)
    monitor = program.monitor(Files(instance.name))
    attach(instance, "reboot")

    def again() -> bool:
        try:
            return lxc.instance_info(instance.name) is not None and (
                inside(lxc, instance, "/var/boots").read_text().strip() == "2")
        except FileNotFoundError:
            return False  # it mounts its disk at this moment
    kit.wait(again, "it has booted again")
    assert program.monitor(Files(instance.name)) == monitor
    remove(kit, lxc, instance)


def test_ten_rounds_leave_nothing(kit, lxc):
    devices = kit.block_devices()
    with bridge():
        instance = kit.instance(nics=[nic()])
        for _ in range(10):
            lxc.start(instance, devices)
            remove(kit, lxc, instance)
            assert kit.leftovers(instance.name) == []
            kit.wait(lambda: kit.on_machine() == [], "nothing is left after a round")
        kit.wait(lambda: LxcKit._veths() <= kit.veths, "no interface is left")


def test_a_start_that_takes_too_long_is_taken_back(kit, lxc):
    instance = kit.instance(hvparams=hvparams(
        kit, startup_timeout=1, extra_config="lxc.hook.pre-start=sleep 30"))
    with pytest.raises(errors.HypervisorError, match="within 1 s .startup_timeout"):
        lxc.start(instance, kit.block_devices())
    assert lxc.list_instances() == []
    assert kit.leftovers(instance.name) == []


def no_room(*args: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_without_room_for_its_files_nothing_stays(kit, lxc, monkeypatch):
    devices = [*kit.block_devices(), *kit.block_devices()]
    monkeypatch.setattr("ganeti.hypervisor.nicscripts.write", no_room)
    instance = kit.instance(nics=[nic()])
    with pytest.raises(errors.HypervisorError, match="can not be prepared.*No space left"):
        lxc.start(instance, devices)
    assert kit.leftovers(instance.name) == []
    assert kit.on_machine() == [], "the second disk's loop device neither"


# Crashes -------------------------------------------------------------------------------------


def test_a_killed_monitor_takes_the_container_along(kit, lxc):
    """What it can not clean up any more goes with the next start or clean-up."""
    devices = kit.block_devices()
    instance = kit.instance()
    lxc.start(instance, devices)
    os.kill(program.monitor(Files(instance.name)), signal.SIGKILL)
    kit.wait(lambda: lxc.instance_info(instance.name) is None, "the crash is seen")
    lxc.start(instance, devices)
    os.kill(program.monitor(Files(instance.name)), signal.SIGKILL)
    kit.wait(lambda: lxc.instance_info(instance.name) is None, "the crash is seen")
    lxc.cleanup(instance.name)
    assert kit.leftovers(instance.name) == []


def test_a_lost_run_directory_does_not_start_a_second_container(kit, lxc):
    devices = kit.block_devices()
    instance = kit.instance()
    lxc.start(instance, devices)
    directory = Files(instance.name).directory
    os.rename(directory, f"{kit.root}/lost")
    assert lxc.list_instances() == []
    with pytest.raises(errors.HypervisorError, match="runs already"):
        lxc.start(instance, devices)
    lxc.stop(instance, force=True)
    lxc.cleanup(instance.name)


def test_a_container_whose_monitor_hangs_can_be_ended(kit, lxc):
    instance = kit.instance()
    lxc.start(instance, kit.block_devices())
    monitor = program.monitor(Files(instance.name))
    os.kill(monitor, signal.SIGSTOP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(life, "_END_TIMEOUT", 1)
        lxc.stop(instance, force=True)
    assert lxc.instance_info(instance.name) is None
    assert program.monitor(Files(instance.name)) is None
    lxc.cleanup(instance.name)


# Networks ------------------------------------------------------------------------------------


class bridge:  # noqa: N801 - reads as what it makes
    """A bridge of this machine for a while."""

    def __enter__(self) -> str:
        made = subprocess.run(["ip", "link", "add", BRIDGE, "mtu", "1400", "type", "bridge"],
                              capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"no bridges here: {made.stderr.strip()}")
        subprocess.run(["ip", "link", "set", BRIDGE, "mtu", "1400", "up"], check=True)
        return BRIDGE

    def __exit__(self, *exc: object) -> None:
        subprocess.run(["ip", "link", "del", BRIDGE], check=True)


def nic(**changes: Any) -> objects.Nic:
    return objects.Nic(**{"uuid": "nic-uuid", "mac": "aa:00:00:77:00:01", "nicparams": {
        "mode": "bridged", "link": BRIDGE, "vlan": ""}, **changes})


def ports() -> list[str]:
    return os.listdir(f"/sys/class/net/{BRIDGE}/brif")


def test_a_bridged_interface_is_a_port_of_its_bridge(kit, lxc):
    with bridge():
        instance = kit.instance(nics=[nic()])
        lxc.start(instance, kit.block_devices())
        assert len(ports()) == 1
        seen = attach(instance, "cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu")
        assert seen.stdout.split() == ["aa:00:00:77:00:01", "1400"]
        remove(kit, lxc, instance)
        kit.wait(lambda: ports() == [], "the port has gone")


def test_a_routed_interface_answers(kit, lxc):
    """A packet goes in and out through the scripts' route."""
    address = "192.0.2.77"
    routed = nic(ip=address, nicparams={"mode": "routed", "link": "", "vlan": ""})
    instance = kit.instance(nics=[routed])
    lxc.start(instance, kit.block_devices())
    shown = subprocess.run(["ip", "route", "get", address], capture_output=True, text=True,
                           check=True).stdout
    assert " dev veth" in shown, "LINK is empty, so the main table has it"
    attach(instance, f"ip addr add {address}/32 dev eth0; ip link set eth0 up;"
                     " ip route add default dev eth0")
    subprocess.run(["ip", "addr", "add", "192.0.2.1/32", "dev", shown.split(" dev ")[1].split()[0]],
                   check=True)
    answered = attach(instance, "ping -c 1 -W 5 192.0.2.1")
    assert answered.returncode == 0, answered.stdout + answered.stderr
    remove(kit, lxc, instance)


def test_a_script_that_fails_makes_the_start_fail(kit, lxc):
    instance = kit.instance(nics=[nic(nicparams={
        "mode": "bridged", "link": "nosuchbr", "vlan": ""})])
    with pytest.raises(errors.HypervisorError, match="There is no bridge nosuchbr on this node"):
        lxc.start(instance, kit.block_devices())
    assert lxc.list_instances() == []
    assert kit.leftovers(instance.name) == []
    kit.wait(lambda: LxcKit._veths() <= kit.veths, "no interface is left")


def test_an_interface_of_instance_communication_has_its_name(kit, lxc):
    script = pathlib.Path(pathutils.CONF_DIR, "lxc-ifup-os")
    script.write_text(f"#!/bin/sh\necho \"$ACTION $INTERFACE\" >>{kit.root}/calls\n")
    script.chmod(0o755)
    instance = kit.instance(nics=[nic(name="ganeti:communication:inst1")])
    lxc.start(instance, kit.block_devices())
    remove(kit, lxc, instance)
    calls = pathlib.Path(kit.root, "calls").read_text().splitlines()
    assert [call.rsplit(".", 1)[0] for call in calls] == ["up gnt.com", "down gnt.com"]


# Console -------------------------------------------------------------------------------------


def test_the_console_wrapper_continues_a_paused_guest(kit, lxc):
    instance = kit.instance()
    lxc.start(instance, kit.block_devices(), paused=True)
    assert life.is_frozen(Files(instance.name))
    command = (f"{pathutils.LXC_CONSOLE_WRAPPER} {pathutils.logical(pathutils.LXC_DIR)}"
               f" {instance.name}")
    console = subprocess.Popen(["timeout", "60", "script", "-qec", command, "/dev/null"],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               env={**os.environ, "GANETI_ROOTDIR": pathutils.ROOT})
    kit.wait(lambda: not life.is_frozen(Files(instance.name)), "it goes on")

    def has_left() -> bool:
        # what is typed before the terminal is the console's may be thrown away
        with contextlib.suppress(BrokenPipeError):
            console.stdin.write(b"\x01q")
            console.stdin.flush()
        time.sleep(0.1)
        return console.poll() is not None
    kit.wait(has_left, "the console was left")
    with contextlib.suppress(BrokenPipeError):
        console.stdin.close()
    gone = subprocess.run([*command.split()[:2], "nobody"], capture_output=True, text=True,
                          check=False)
    assert gone.returncode == 1 and "nobody does not run on this node" in gone.stderr
    remove(kit, lxc, instance)


@pytest.fixture
def stuck(tmp_path, monkeypatch) -> pathlib.Path:
    """As long as this file is there, LXC's lxc-freeze does not come back."""
    marker, programs = tmp_path / "stuck", tmp_path / "programs"
    marker.touch()
    programs.mkdir()
    stand_in = programs / "lxc-freeze"
    stand_in.write_text(f"""#!/bin/sh
[ -e {marker} ] && exec sleep 60
exec {shutil.which("lxc-freeze")} "$@"
""")
    stand_in.chmod(0o755)
    monkeypatch.setattr(program, "_PATH", f"{programs}:{program._PATH}")
    return marker


def test_a_guest_that_never_stands_still_is_no_paused_guest(kit, lxc, stuck, monkeypatch):
    monkeypatch.setattr(life, "_FREEZE_TIMEOUTS", (0.1, 0.1))
    instance = kit.instance()
    with pytest.raises(errors.HypervisorError, match="lxc-freeze of instance .* took longer"):
        lxc.start(instance, kit.block_devices(), paused=True)
    assert not life.is_running(Files(instance.name))


def test_a_guest_that_does_not_stand_still_is_asked_again(kit, lxc, stuck, monkeypatch):
    def let_go(files: Files) -> None:
        thaw(files)
        stuck.unlink()

    instance = kit.instance()
    lxc.start(instance, kit.block_devices())
    thaw = life.thaw
    with monkeypatch.context() as during:
        during.setattr(life, "_FREEZE_TIMEOUTS", (0.1, 30))
        during.setattr(life, "thaw", let_go)
        life.freeze(Files(instance.name))
    assert not stuck.exists(), "it was let go before it was asked again"
    assert life.is_frozen(Files(instance.name))
    remove(kit, lxc, instance)


# Chroots -------------------------------------------------------------------------------------


@pytest.fixture
def chroot(tmp_path) -> Iterator[tuple[ChrootKit, Any]]:
    if ChrootKit.unavailable:
        pytest.skip(ChrootKit.unavailable)
    made = ChrootKit(str(tmp_path))
    with made.on("node1") as driver:
        yield made, driver
        for name in driver.list_instances():
            driver.stop(made.instance(name), force=True)
    assert made.on_machine() == []


def test_a_chroot_is_asked_to_stop_by_its_script(chroot):
    kit, driver = chroot
    (device,) = kit.block_devices()
    instance = kit.instance()
    driver.start(instance, [device])
    words = pathlib.Path(pathutils.CHROOT_DIR, instance.name, "var/boots")
    assert words.read_text() == "1\n"
    driver.reboot(instance)
    assert words.read_text() == "2\n"
    backend.instance_shutdown(instance, 30.0, None)
    assert driver.list_instances() == [] and not words.exists()
    with open(f"{pathutils.LOG_CHROOT_DIR}/{instance.name}.log", encoding="utf-8") as stream:
        assert "GUEST-DOWN" in stream.read()


def test_a_chroot_whose_processes_died_is_down(chroot):
    kit, driver = chroot
    instance = kit.instance()
    driver.start(instance, kit.block_devices())
    info = driver.instance_info(instance.name)
    # one round: its loop's sleep may outlive it for a moment
    os.kill(info.id, signal.SIGKILL)
    kit.wait(lambda: driver.instance_info(instance.name) is None, "the crash is seen")
    driver.cleanup(instance.name)


def test_a_chroot_with_another_script(chroot):
    kit, driver = chroot
    instance = kit.instance(hvparams={"init_script": "/no/such/script"})
    with pytest.raises(errors.CommandError, match="Starting instance"):
        driver.start(instance, kit.block_devices())
    assert kit.on_machine() == []


def test_a_chroot_that_was_mounted_only_is_down(chroot, monkeypatch):
    """As a node daemon leaves it that is killed in the middle of a start."""
    kit, driver = chroot
    instance, devices = kit.instance(), kit.block_devices()
    with monkeypatch.context() as killed:
        killed.setattr(type(driver), "_script", None)
        killed.setattr(type(driver), "_take_apart", lambda *args: None)
        with pytest.raises(TypeError):
            driver.start(instance, devices)
    assert kit.on_machine() != []
    assert driver.list_instances() == [] and driver.instance_info(instance.name) is None
    driver.start(instance, devices)
    driver.stop(instance, force=True)


def test_a_chroot_without_room_for_its_files(chroot, monkeypatch):
    kit, driver = chroot
    monkeypatch.setattr("ganeti.utils.io.write_file", no_room)
    with pytest.raises(errors.HypervisorError, match="can not be prepared.*No space left"):
        driver.start(kit.instance(), kit.block_devices())
    assert kit.on_machine() == []


def test_the_chroots_console_is_a_shell_inside(chroot):
    kit, driver = chroot
    instance = kit.instance()
    driver.start(instance, kit.block_devices(), paused=True)
    done = subprocess.run(
        [pathutils.CHROOT_CONSOLE_WRAPPER, pathutils.logical(pathutils.CHROOT_DIR),
         instance.name], input="cat /etc/guest\n", capture_output=True, text=True, check=False,
        env={**os.environ, "GANETI_ROOTDIR": pathutils.ROOT})
    assert "os=demo-container" in done.stdout, done.stderr
    driver.stop(instance, force=True)
