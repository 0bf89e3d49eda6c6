"""Starting, stopping and looking at instances, on the fake hypervisor."""

from __future__ import annotations

import os
import time

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import instance as backend
from ganeti.hypervisor import base, fake, registry

from .conftest import create_disks, link, make_disk, make_instance

HV = [constants.HT_FAKE]


def ask_failure(operation: str, text: str = "") -> None:
    path = fake.fail_file(operation)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as fobj:
        fobj.write(text)


def boots(name: str) -> int:
    return registry.get(constants.HT_FAKE).read_guest(name)["boots"]


def started(name: str) -> float:
    return registry.get(constants.HT_FAKE).read_guest(name)["started"]


def test_a_started_instance_is_listed_with_its_state():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    assert backend.instance_list(HV, {}) == [inst.name]
    info = backend.instance_info(inst.name, constants.HT_FAKE, {})
    assert set(info) == {"memory", "vcpus", "state", "time"}
    assert (info["memory"], info["vcpus"], info["state"]) == (128, 2, 0)
    assert backend.all_instances_info(HV, {constants.HT_FAKE: {}})[inst.name]["memory"] == 128


def test_nothing_runs_on_a_fresh_node():
    assert backend.instance_info("inst1", constants.HT_FAKE, {}) == {}
    assert backend.all_instances_info(HV, None) == {}


def test_starting_twice_leaves_the_guest_alone():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    first = started(inst.name)
    backend.instance_start(inst, False, None)
    assert started(inst.name) == first


def test_the_disks_are_linked_while_it_runs():
    disk = make_disk()
    inst = make_instance(disks=[disk])
    create_disks(inst)
    backend.instance_start(inst, False, None)
    assert os.readlink(link(inst, 0)) == pathutils.local(disk.logical_id[1])
    backend.instance_shutdown(inst, 5, None)
    assert not os.path.lexists(link(inst, 0))


def test_a_missing_disk_stops_the_start_and_is_named():
    inst = make_instance(disks=[make_disk()])
    with pytest.raises(errors.BlockDeviceError, match="disk/0.*not present"):
        backend.instance_start(inst, False, None)
    assert backend.instance_list(HV, None) == []


def test_a_failed_start_takes_its_links_away():
    inst = make_instance(disks=[make_disk()])
    create_disks(inst)
    ask_failure("start", "no memory")
    with pytest.raises(errors.HypervisorError, match="no memory"):
        backend.instance_start(inst, False, None)
    assert not os.path.lexists(link(inst, 0))


def test_a_clean_shutdown_is_quick():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    before = time.monotonic()
    backend.instance_shutdown(inst, 120, None)
    assert time.monotonic() - before < 1
    assert backend.instance_list(HV, None) == []


def test_stopping_what_does_not_run_is_fine():
    backend.instance_shutdown(make_instance(), 5, None)


def test_a_deaf_guest_is_ended_after_the_time_out():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    ask_failure("shutdown")
    before = time.monotonic()
    backend.instance_shutdown(inst, 0.3, None)
    assert 0.3 <= time.monotonic() - before < 3
    assert backend.instance_list(HV, None) == []


def test_without_time_a_guest_is_ended_at_once():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    ask_failure("shutdown")
    backend.instance_shutdown(inst, 0, None)
    assert backend.instance_list(HV, None) == []


def test_a_failing_hypervisor_is_told():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    ask_failure("stop", "the hypervisor hangs")
    with pytest.raises(errors.HypervisorError, match="the hypervisor hangs"):
        backend.instance_shutdown(inst, 1, None)


def test_a_tag_makes_one_instance_fail():
    inst = make_instance(tags=["fake:fail-start"])
    with pytest.raises(errors.HypervisorError, match="tag"):
        backend.instance_start(inst, False, None)
    backend.instance_start(make_instance("other.example.org"), False, None)


def test_a_user_shutdown_is_reported_and_ends_with_a_start():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    registry.get(constants.HT_FAKE).user_shutdown(inst.name)
    assert backend.instance_info(inst.name, constants.HT_FAKE, {})["state"] == base.USER_SHUTDOWN
    backend.instance_start(inst, False, None)
    assert backend.instance_info(inst.name, constants.HT_FAKE, {})["state"] == base.RUNNING


def test_a_user_shutdown_is_cleaned_up_by_a_shutdown():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    registry.get(constants.HT_FAKE).user_shutdown(inst.name)
    backend.instance_shutdown(inst, 5, None)
    assert backend.instance_list(HV, None) == []


def test_a_soft_reboot_keeps_the_virtual_machine():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    first = started(inst.name)
    backend.instance_reboot(inst, constants.INSTANCE_REBOOT_SOFT, 5, None)
    assert boots(inst.name) == 2
    assert started(inst.name) == first


def test_a_hard_reboot_makes_a_new_virtual_machine():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    first = started(inst.name)
    backend.instance_reboot(inst, constants.INSTANCE_REBOOT_HARD, 5, None)
    assert boots(inst.name) == 1
    assert started(inst.name) > first


def test_other_reboots_are_refused():
    inst = make_instance()
    backend.instance_start(inst, False, None)
    with pytest.raises(errors.HypervisorError, match="full"):
        backend.instance_reboot(inst, constants.INSTANCE_REBOOT_FULL, 5, None)


def test_rebooting_what_does_not_run_fails():
    with pytest.raises(errors.HypervisorError, match="does not run"):
        backend.instance_reboot(make_instance(), constants.INSTANCE_REBOOT_SOFT, 5, None)


def test_the_reason_of_a_change_is_kept():
    inst = make_instance()
    backend.instance_start(inst, False, [["user", "because", 1]])
    with open(os.path.join(pathutils.INSTANCE_REASON_DIR, inst.name), encoding="utf-8") as fobj:
        assert "because" in fobj.read()


def test_memory_of_a_running_guest_changes():
    inst = make_instance()
    with pytest.raises(errors.HypervisorError, match="does not run"):
        backend.instance_balloon_memory(inst, 64)
    backend.instance_start(inst, False, None)
    backend.instance_balloon_memory(inst, 64)
    assert backend.instance_info(inst.name, constants.HT_FAKE, {})["memory"] == 64


def test_an_unknown_hypervisor_is_named_with_the_known_ones():
    with pytest.raises(errors.HypervisorError, match="no driver for hypervisor 'nonsense'.*fake"):
        backend.instance_list(["nonsense"], {})


def test_a_damaged_state_file_is_named():
    os.makedirs(fake.root_dir(), exist_ok=True)
    with open(os.path.join(fake.root_dir(), "inst1"), "wb") as fobj:
        fobj.write(b"\xff\x00garbage")
    with pytest.raises(errors.GenericError, match="inst1"):
        backend.instance_info("inst1", constants.HT_FAKE, {})


def test_consoles_are_told_for_many_instances():
    inst = make_instance()
    node = objects.Node(name="node1.example.org", uuid="n1-uuid", primary_ip="192.0.2.1",
                        secondary_ip="192.0.2.1", group="g-uuid")
    group = objects.NodeGroup(name="default", uuid="g-uuid")
    consoles = backend.instance_console_info({inst.name: {
        "instance": inst, "node": node, "group": group, "hvParams": inst.hvparams,
        "beParams": inst.beparams}})
    assert consoles[inst.name]["kind"] == constants.CONS_MESSAGE


def test_a_nic_is_hotplugged_and_comes_back_with_its_place():
    inst = make_instance()
    nic = objects.Nic(uuid="12345678-1234-1234-1234-123456789012", mac="aa:00:00:00:00:01")
    with pytest.raises(errors.HotplugError, match="does not run"):
        backend.hotplug_device(inst, constants.HOTPLUG_ACTION_ADD, constants.HOTPLUG_TARGET_NIC,
                               nic, None, 0)
    backend.instance_start(inst, False, None)
    plugged = backend.hotplug_device(inst, constants.HOTPLUG_ACTION_ADD,
                                     constants.HOTPLUG_TARGET_NIC, nic, None, 0)
    assert plugged["hvinfo"] == {"id": "nic-12345678-1234-1234"}
    assert backend.hotplug_device(inst, constants.HOTPLUG_ACTION_REMOVE,
                                  constants.HOTPLUG_TARGET_NIC, nic, None, 0) is None
    with pytest.raises(errors.HotplugError, match="index 0"):
        backend.hotplug_device(inst, constants.HOTPLUG_ACTION_REMOVE,
                               constants.HOTPLUG_TARGET_NIC, nic, None, 0)


def test_an_unknown_hotplug_action_is_refused():
    with pytest.raises(errors.HotplugError, match="'explode'"):
        backend.hotplug_device(make_instance(), "explode", constants.HOTPLUG_TARGET_NIC,
                               objects.Nic(mac="aa:00:00:00:00:01"), None, 0)


def test_parameters_that_do_not_fit_the_node_are_named():
    full = {**constants.HV_TABLES[constants.HT_KVM].defaults(), "kernel_path": "/no/such/kernel"}
    with pytest.raises(errors.HypervisorError, match="/no/such/kernel"):
        backend.hypervisor_validate_params(constants.HT_KVM, full)
