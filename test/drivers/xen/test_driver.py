"""What the Xen drivers do beside the story of the conformance suite, on the stand-in of `xl`."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import instance as backend
from ganeti.hypervisor import registry
from ganeti.hypervisor.base import RUNNING, USER_SHUTDOWN, BaseHypervisor
from ganeti.hypervisor.xen import driver as xen_driver
from ganeti.hypervisor.xen import files, migrate, xl
from ganeti.utils import process
from test.drivers.hypervisors import MEMORY, XenHvmKit, XenPvmKit

REPOSITORY = pathlib.Path(__file__).parents[3]
NAME = "inst1.example.org"
UUID = "00000000-0000-4000-8000-000000000007"


@pytest.fixture
def kit(tmp_path) -> XenPvmKit:
    return XenPvmKit(str(tmp_path))


@pytest.fixture
def driver(kit: XenPvmKit) -> Iterator[BaseHypervisor]:
    with kit.on("node1") as driver:
        yield driver


@pytest.fixture
def guest(kit: XenPvmKit, driver: BaseHypervisor) -> objects.Instance:
    """A running guest with one interface."""
    nic = objects.Nic(mac="aa:00:00:11:22:33", uuid="nic-uuid", ip="192.0.2.9",
                      nicparams={"mode": "bridged", "link": "br7", "vlan": ""})
    instance = kit.instance(nics=[nic], tags=["blue"])
    driver.start(instance, ())
    return instance


def calls(kit: XenPvmKit, node: str = "node1") -> list[str]:
    """What was asked of `xl`, without questions."""
    said = pathlib.Path(kit.stand_in(node), "calls").read_text().splitlines()
    return [call for call in said if not call.startswith(("list", "info"))]


def domain(kit: XenPvmKit, node: str = "node1", name: str = NAME) -> dict | None:
    for path in pathlib.Path(kit.stand_in(node), "domains").iterdir():
        found = json.loads(path.read_text())
        if found["name"] == name:
            return found
    return None


def change(kit: XenPvmKit, **changes: object) -> None:
    """Something happens to the guest without the driver."""
    found = domain(kit)
    pathlib.Path(kit.stand_in("node1"), "domains", str(found["id"])).write_text(
        json.dumps({**found, **changes}))


def fail(kit: XenPvmKit, command: str, text: str, node: str = "node1") -> None:
    marker = pathlib.Path(kit.stand_in(node), "fail", command)
    marker.parent.mkdir(exist_ok=True)
    marker.write_text(text)


# Files ----------------------------------------------------------------------------------------

def test_the_configuration_is_nobody_elses_business(kit, guest):
    assert os.stat(files.config_path(NAME)).st_mode & 0o777 == 0o600


def test_links_that_start_guests_at_boot_are_removed(kit, driver):
    auto = pathlib.Path(pathutils.XEN_CONFIG_DIR, "auto")
    auto.mkdir(parents=True)
    (auto / NAME).write_text("")
    driver.start(kit.instance(), ())
    assert not (auto / NAME).exists()


def test_a_refused_configuration_is_kept_for_the_administrator(kit, driver):
    fail(kit, "create", "xc: error: can't allocate low memory for domain: Out of memory")
    with pytest.raises(errors.HypervisorError, match=r"dom0_mem.*failed$"):
        driver.start(kit.instance(), ())
    kept = pathlib.Path(pathutils.LOG_XEN_DIR, f"{NAME}.failed")
    assert f'name = "{NAME}"' in kept.read_text()
    assert not files.exists(NAME)


def test_a_name_is_no_path(driver):
    with pytest.raises(errors.HypervisorError, match="Wrong instance name"):
        files.config_path("../passwd")


# Life -----------------------------------------------------------------------------------------

def test_a_guest_in_the_way_is_not_ended_by_a_start(kit, driver, guest):
    with pytest.raises(errors.HypervisorError, match="still runs"):
        driver.start(guest, ())
    assert domain(kit) is not None


@pytest.mark.parametrize("flags", [{"flags": "---sc-", "reason": 3},
                                   {"flags": "---s--", "reason": 0}])
def test_what_a_former_guest_left_is_removed_by_a_start(kit, driver, guest, flags):
    change(kit, **flags)
    driver.start(guest, ())
    assert driver.instance_info(NAME).state == RUNNING


def test_a_crashed_guest_does_not_run(kit, driver, guest):
    change(kit, flags="---sc-", reason=3)
    assert driver.instance_info(NAME) is None
    assert driver.list_instances() == []
    driver.cleanup(NAME)
    assert domain(kit) is None


def test_a_guest_that_its_user_shut_down_is_told_apart(kit, driver):
    pathlib.Path(pathutils.ssconf_file(constants.SS_ENABLED_USER_SHUTDOWN)).write_text("True\n")
    driver.start(kit.instance(), ())
    subprocess.run(["xl", "shutdown", NAME], check=True)
    assert driver.instance_info(NAME).state == USER_SHUTDOWN
    driver.cleanup(NAME)
    assert domain(kit) is None


def test_a_paused_guest_is_continued_to_be_asked(kit, driver, guest):
    change(kit, flags="--p---")
    driver.stop(guest)
    assert domain(kit) is None
    assert [call.split()[0] for call in calls(kit)] == ["create", "unpause", "shutdown"]


def test_a_guest_that_can_not_be_asked_is_ended_in_the_end(kit, driver, guest, caplog):
    fail(kit, "shutdown", "PV control interface not available: external graceful shutdown not"
                          " possible.")
    backend.instance_shutdown(guest, 0.5, None)
    assert "PV control interface" in caplog.text and "ending it" in caplog.text
    assert domain(kit) is None and not files.exists(NAME)


def test_a_guest_that_others_end_as_well_has_ended(driver, guest, kit, monkeypatch):
    def late(*words: str, **options: float) -> process.Result:
        result = run(*words, **options)
        if words[0] != "destroy":
            return result
        return dataclasses.replace(result, exit_code=1, stderr=(
            "Domain 2:unable to read script from /local/domain/0/backend/vif/2/0: No such file"))

    run = xl.run
    monkeypatch.setattr(xl, "run", late)
    driver.stop(guest, force=True)
    assert domain(kit) is None


def test_a_guest_that_does_not_end_is_named(driver, guest, kit, monkeypatch):
    monkeypatch.setattr(xen_driver, "_OTHERS_TIMEOUT", 0.1)
    fail(kit, "destroy", "libxl: error: libxl_domain.c:1133:domain_destroy_domid_cb: Domain 2")
    with pytest.raises(errors.HypervisorError, match=f"Ending instance {NAME} failed"):
        driver.stop(guest, force=True)


def test_guests_without_drivers_of_xen_get_an_acpi_event(tmp_path):
    kit = XenHvmKit(str(tmp_path))
    with kit.on("node1") as driver:
        driver.start(kit.instance(), ())
        driver.stop(kit.instance())
    assert calls(kit)[-1].startswith("shutdown -F ")


def test_a_failed_question_is_asked_again(kit, driver, guest, monkeypatch):
    def asked() -> int:
        said = pathlib.Path(kit.stand_in("node1"), "calls").read_text().splitlines()
        return said.count("list -v")

    monkeypatch.setattr(xen_driver, "_LIST_PAUSE", 0.1)
    monkeypatch.setattr(xen_driver, "_LIST_TIMEOUT", 1.0)
    fail(kit, "list", "libxl: error: libxl_domain.c:334:libxl_list_domain: getting domain info")
    before = asked()
    with pytest.raises(errors.HypervisorError, match="getting domain info"):
        driver.list_instances()
    assert asked() > before + 1


# Reboot ---------------------------------------------------------------------------------------

def test_a_reboot_is_waited_for(kit, driver, guest):
    before = driver.instance_info(NAME).id
    driver.reboot(guest)
    assert driver.instance_info(NAME).id != before


def test_where_no_tool_watches_the_driver_starts_the_guest_again(kit, driver, guest, monkeypatch):
    monkeypatch.setattr(xen_driver, "_TOOLS_TIMEOUT", 0.5)
    change(kit, flags="---sr-", reason=1)
    fail(kit, "reboot", "")
    monkeypatch.setattr(driver, "_stop_inside", lambda what, found: None)
    before = driver.instance_info(NAME).id
    driver.reboot(guest)
    assert domain(kit)["flags"] == "-b----"
    assert driver.instance_info(NAME).id != before


def test_a_guest_whose_reboot_ends_it_is_rebooted_all_the_same(kit, driver):
    instance = kit.instance(hvparams={**kit.hvparams(), "reboot_behavior": "exit"})
    driver.start(instance, ())
    driver.reboot(instance)
    assert driver.instance_info(NAME).state == RUNNING
    assert [call.split()[0] for call in calls(kit)] == ["create", "shutdown", "create"]


def test_a_guest_that_does_not_react_is_named(kit, driver, guest, monkeypatch):
    monkeypatch.setattr(xen_driver, "_REBOOT_TIMEOUT", 0.2)
    change(kit, config={"on_reboot": "not heard"})
    with pytest.raises(errors.HypervisorError, match="--type=hard"):
        driver.reboot(guest)


# Memory ---------------------------------------------------------------------------------------

def test_memory_is_changed_in_the_configuration_too(kit, driver, guest):
    driver.balloon(guest, MEMORY // 2)
    assert domain(kit)["memory"] == MEMORY // 2
    assert f"\nmemory = {MEMORY // 2}\nmaxmem = {MEMORY}\n" in files.read(NAME)


def test_more_than_the_guest_may_have_raises_that_first(kit, driver, guest):
    driver.balloon(guest, 2 * MEMORY)
    assert [call.split()[0] for call in calls(kit)][-2:] == ["mem-max", "mem-set"]
    assert f"maxmem = {2 * MEMORY}\n" in files.read(NAME)


def test_memory_that_can_not_be_had_changes_no_file(kit, driver, guest):
    fail(kit, "mem-set", "memory_dynamic_max must be less than or equal to memory_static_max")
    with pytest.raises(errors.HypervisorError, match="memory_static_max"):
        driver.balloon(guest, MEMORY // 2)
    assert f"\nmemory = {MEMORY}\n" in files.read(NAME)


# Which guest is whose ---------------------------------------------------------------------------

def test_each_driver_shows_its_guests_and_those_that_others_made(tmp_path):
    pvm, hvm = XenPvmKit(str(tmp_path)), XenHvmKit(str(tmp_path))
    with pvm.on("node1") as one, hvm.on("node1") as two:
        one.start(pvm.instance("one.example.org"), ())
        two.start(hvm.instance("two.example.org"), ())
        foreign = tmp_path / "foreign"
        foreign.write_text(f"type='hvm'\nname='three'\nmemory=9\nmaxmem=9\nvcpus=1\nuuid='{UUID}'\n")
        subprocess.run(["xl", "create", str(foreign)], check=True)
        assert one.list_instances() == ["one.example.org"]
        assert two.list_instances() == ["two.example.org", "three"]


def test_guests_of_an_older_release_are_taken_over(kit, driver, guest):
    old = "# old\nkernel = '/boot/vmlinuz'\nmemory = 64\nmaxmem = 64\nname = 'inst1.example.org'\n"
    pathlib.Path(files.config_path(NAME)).write_text(old)
    assert driver.list_instances() == [NAME]
    driver.balloon(guest, 32)
    assert "memory = 32\n" in files.read(NAME)
    assert registry.get_class(constants.HT_XEN_HVM)().list_instances() == []


# The node -------------------------------------------------------------------------------------

def test_memory_of_guests_is_not_free(kit, driver, guest):
    info = driver.node_info()
    assert (info["memory_free"], info["memory_dom0"]) == (767 - 320 - MEMORY, 320)
    assert info["hv_version"] == [4, 17]


def test_verify_tells_how_to_mend(kit, driver):
    fail(kit, "info", "xencall: error: Could not obtain handle on privileged command interface: "
                      "No such file or directory\nlibxl: error: cannot open libxl context")
    assert "modprobe xen-privcmd" in driver.verify()


def test_parameters_are_checked_with_what_the_node_is(kit, driver):
    with pytest.raises(errors.HypervisorError, match="no file /no.*"):
        driver.validate({**kit.hvparams(), "initrd_path": "/no/initrd"})
    with pytest.raises(errors.HypervisorError, match="no processor 5"):
        driver.validate({**kit.hvparams(), "cpu_mask": "5"})


def test_the_machine_is_restarted_by_xen(kit, driver, monkeypatch):
    fail(kit, "debug-keys", "not now")
    restarted = []
    monkeypatch.setattr("ganeti.hypervisor.linux.powercycle", lambda: restarted.append(True))
    driver.powercycle()
    assert calls(kit) == ["debug-keys R"] and restarted


# Migration ------------------------------------------------------------------------------------

def accept(kit: XenPvmKit, instance: objects.Instance) -> str:
    with kit.on("node1") as source:
        info = source.migration_info(instance)
    with kit.on("node2") as target:
        target.accept_instance(instance, info, kit.node_address("node2"))
    return info


def send(kit: XenPvmKit, instance: objects.Instance, live: bool) -> str:
    with kit.on("node1") as source:
        source.migrate("cluster.example.org", instance, kit.node_address("node2"), live)
        kit.wait(lambda: source.migration_status(instance).status
                 not in constants.HV_MIGRATION_ACTIVE_STATUSES, "the migration has ended")
        return source.migration_status(instance).status


def test_a_guest_that_is_not_sent_live_waits_on_both_sides(kit, guest):
    info = accept(kit, guest)
    assert send(kit, guest, live=False) == constants.HV_MIGRATION_COMPLETED
    assert domain(kit, "node1")["flags"] == domain(kit, "node2")["flags"] == "--p---"
    with kit.on("node2") as target:
        target.finalize_migration_dst(guest, info, True)
        assert files.exists(NAME)
    with kit.on("node1") as source:
        source.finalize_migration_src(guest, True, False)
    assert (domain(kit, "node1"), domain(kit, "node2")["flags"]) == (None, "-b----")


def test_after_a_failure_the_guest_goes_on_at_its_source(kit, guest):
    info = accept(kit, guest)
    fail(kit, "restore", "xc: error: Restore failed (0 = Success): Internal error", "node2")
    assert send(kit, guest, live=False) == constants.HV_MIGRATION_FAILED
    assert domain(kit)["flags"] == "--p---"
    with kit.on("node1") as source:
        assert "Restore failed" in source.migration_status(guest).reason
    with kit.on("node2") as target:
        target.finalize_migration_dst(guest, info, False)
        assert not files.exists(NAME)
    with kit.on("node1") as source:
        source.finalize_migration_src(guest, False, False)
    assert (domain(kit)["flags"], domain(kit, "node2")) == ("-b----", None)


def test_without_log_dirty_the_reason_names_the_other_way(kit, guest):
    accept(kit, guest)
    recorded = REPOSITORY / "test/unit/hypervisor/xen/recorded/migrate-no-logdirty.err"
    fail(kit, "migrate", recorded.read_text())
    assert send(kit, guest, live=True) == constants.HV_MIGRATION_FAILED
    with kit.on("node1") as source:
        assert "--non-live" in source.migration_status(guest).reason


def test_a_sending_that_hangs_is_cut_off(kit, guest):
    accept(kit, guest)
    fail(kit, "restore", "hang", "node2")
    with kit.on("node1") as source:
        source.migrate("cluster.example.org", guest, kit.node_address("node2"), False)
        asked = pathlib.Path(kit.stand_in("node2"), "calls")
        kit.wait(lambda: "restore -p" in asked.read_text(), "the target has begun")
        with pytest.raises(errors.HypervisorError, match="already"):
            source.migrate("cluster.example.org", guest, kit.node_address("node2"), False)
        assert source.migration_status(guest).total_ram == MEMORY
        source.finalize_migration_src(guest, False, False)
        assert source.instance_info(NAME) is not None
        with pytest.raises(errors.HypervisorError, match="No migration"):
            source.migration_status(guest)
    assert domain(kit)["flags"] == "-b----"


def test_a_sending_program_that_was_killed_has_failed(kit, guest):
    accept(kit, guest)
    fail(kit, "migrate", "hang")
    with kit.on("node1") as source:
        source.migrate("cluster.example.org", guest, kit.node_address("node2"), True)
        os.killpg(int(pathlib.Path(migrate.Sending(NAME).pid).read_text()), 9)
        kit.wait(lambda: source.migration_status(guest).status == "failed", "that is seen")
        assert "was ended" in source.migration_status(guest).reason
        source.finalize_migration_src(guest, False, True)


def test_a_guest_with_its_name_taken_away_gets_it_back(kit, guest):
    change(kit, name=f"{NAME}--migratedaway", flags="--p---")
    with kit.on("node1") as source:
        assert source.list_instances() == []
        source.finalize_migration_src(guest, False, True)
        assert source.list_instances() == [NAME]


def test_a_halted_guest_is_not_reported_as_going_on(kit, guest):
    change(kit, flags="---ss-", reason=2)
    with kit.on("node1") as source, pytest.raises(errors.HypervisorError, match="--type=hard"):
        source.finalize_migration_src(guest, False, True)


def test_half_a_guest_is_removed_from_the_target(kit, guest):
    info = accept(kit, guest)
    with kit.on("node2") as target:
        half = pathlib.Path(kit.root, "half")
        half.write_text(f"name='{NAME}--incoming'\nmemory=9\nmaxmem=9\nvcpus=1\nuuid='{UUID}'\n")
        subprocess.run(["xl", "create", str(half)], check=True)
        with pytest.raises(errors.HypervisorError, match="--cleanup"):
            target.accept_instance(guest, info, kit.node_address("node2"))
        target.finalize_migration_dst(guest, None, False)
        assert domain(kit, "node2", f"{NAME}--incoming") is None


def test_the_password_does_not_travel(tmp_path):
    kit = XenHvmKit(str(tmp_path))
    instance = kit.instance()
    with kit.on("node1") as source:
        source.start(instance, ())
        assert 'vncpasswd = "geheim"' in files.read(NAME)
    info = accept(kit, instance)
    assert "geheim" not in info
    with kit.on("node2"):
        assert files.read(NAME).count('vncpasswd = "geheim"\n') == 1


def test_ssh_uses_the_ports_and_keys_of_the_cluster(kit, driver):
    def ssconf(key: str, text: str) -> None:
        pathlib.Path(pathutils.ssconf_file(key)).write_text(text)
    ssconf(constants.SS_NODE_SECONDARY_IPS, "node2.example.org=10.9.9.2\n")
    ssconf(constants.SS_NODE_PRIMARY_IPS, "node2.example.org=192.0.2.2\n")
    ssconf(constants.SS_SSH_PORTS, "node2.example.org=2222\n")
    for live in (True, False):
        words = migrate.command(NAME, "cluster.example.org", "10.9.9.2", live)
        assert "Port=2222" in words and "HostKeyAlias=cluster.example.org" in words
        assert f"{pathutils.SSH_KNOWN_HOSTS_FILE}" in words


# Scripts --------------------------------------------------------------------------------------

def test_the_console_wrapper_continues_a_paused_guest(kit, driver, guest):
    change(kit, flags="--p---")
    wrapper = REPOSITORY / "tools/xen-console-wrapper"
    done = subprocess.run([wrapper, "xl", NAME], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"console of {NAME}")
    assert "goes on in 3 seconds" in done.stderr
    kit.wait(lambda: domain(kit)["flags"] == "-b----", "the guest goes on")
    missing = subprocess.run([wrapper, "xl", "nobody"], capture_output=True, text=True, check=False)
    assert missing.returncode == 1 and "does not run" in missing.stderr


@pytest.fixture
def xenstore(tmp_path, monkeypatch) -> pathlib.Path:
    """xenstore-read and -write on files."""
    store = tmp_path / "store"
    for name, action in (("read", 'cat "$STORE$1"'),
                         ("write", 'mkdir -p "$(dirname "$STORE$1")"; printf %s "$2" >"$STORE$1"')):
        program = tmp_path / "bin" / f"xenstore-{name}"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{action}\n")
        program.chmod(0o755)
    monkeypatch.setenv("STORE", str(store))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    (store / "local/domain/4").mkdir(parents=True)
    (store / "local/domain/4/name").write_text(f"{NAME}--incoming")
    return store


def vif(script: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REPOSITORY / "daemons" / script, *words], capture_output=True, text=True, check=False,
        env={**os.environ, "GANETI_ROOTDIR": pathutils.ROOT,
             "XENBUS_PATH": "/backend/vif/4/0", **env})


def site_script(path: str, text: str) -> None:
    script = pathlib.Path(pathutils.CONF_DIR, path)
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)


SAY = ('env | grep -E "^(INSTANCE|INTERFACE|LINK|MAC|IP|TAGS|ACTION)=" | sort'
       ' >"$GANETI_ROOTDIR/said"')


def test_interfaces_are_connected_by_the_scripts_of_their_mode(kit, driver, guest, xenstore):
    site_script("network/bridged/up", SAY)
    done = vif("vif-ganeti", "online", "type_if=vif", vif="vif4.0")
    assert done.returncode == 0, done.stderr
    said = pathlib.Path(pathutils.ROOT, "said").read_text().split()
    assert said == ["ACTION=up", f"INSTANCE={NAME}", "INTERFACE=vif4.0", "IP=192.0.2.9",
                    "LINK=br7", "MAC=aa:00:00:11:22:33", "TAGS=blue"]
    assert (xenstore / "backend/vif/4/0/hotplug-status").read_text() == "connected"


def test_emulated_cards_are_told_by_their_name(kit, driver, guest, xenstore):
    site_script("network/bridged/up", SAY)
    assert vif("vif-ganeti", "add", "type_if=tap", "dev=vif4.0-emu").returncode == 0
    assert "INTERFACE=vif4.0-emu" in pathlib.Path(pathutils.ROOT, "said").read_text()
    assert not (xenstore / "backend").exists()


def test_a_script_that_fails_is_told_to_xen(kit, driver, guest, xenstore):
    site_script("network/bridged/up", "echo no such bridge >&2; exit 3")
    done = vif("vif-ganeti", "online", vif="vif4.0")
    assert done.returncode == 1 and "no such bridge" in done.stderr
    assert "no such bridge" in (xenstore / "backend/vif/4/0/hotplug-error").read_text()
    assert (xenstore / "backend/vif/4/0/hotplug-status").read_text() == "error"


def test_interfaces_of_strangers_are_refused_and_of_the_gone_let_go(kit, driver, xenstore):
    assert vif("vif-ganeti", "online", vif="vif9.0").returncode == 1
    assert vif("vif-ganeti", "offline", vif="vif9.0").returncode == 0
    assert "Usage" in vif("vif-ganeti", "", vif="vif9.0").stderr


def test_communication_has_its_own_script(kit, driver, guest, xenstore):
    site_script("xen-ifup-os", SAY)
    assert vif("vif-ganeti-metad", "online", vif="vif4.0").returncode == 0
    assert "INTERFACE=vif4.0" in pathlib.Path(pathutils.ROOT, "said").read_text()
