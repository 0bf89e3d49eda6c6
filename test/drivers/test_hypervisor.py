"""What every hypervisor promises: the same story for each kit in hypervisors.KITS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ganeti import constants, errors, objects
from ganeti.backend import instance as backend
from ganeti.hypervisor.base import RUNNING, BaseHypervisor
from test.drivers.hypervisors import KITS, MEMORY, HypervisorKit

CONSOLE_KEYS = {"instance", "kind", "message", "host", "port", "user", "command", "display"}


@pytest.fixture(params=KITS, ids=lambda kit: kit.hypervisor)
def kit(request: pytest.FixtureRequest, tmp_path) -> HypervisorKit:
    if request.param.unavailable:
        pytest.skip(request.param.unavailable)
    return request.param(str(tmp_path))


@pytest.fixture
def driver(kit: HypervisorKit) -> Iterator[BaseHypervisor]:
    """The driver on node1; whatever a test started is ended."""
    with kit.on("node1") as driver:
        yield driver
        for name in driver.list_instances():
            driver.stop(kit.instance(name), force=True)


def running(driver: BaseHypervisor, instance: objects.Instance) -> bool:
    info = driver.instance_info(instance.name, instance.hvparams)
    return info is not None and info.state == RUNNING


def end(kit: HypervisorKit, driver: BaseHypervisor, instance: objects.Instance) -> None:
    driver.stop(instance, force=True)
    kit.wait(lambda: not running(driver, instance), "the guest is gone")
    driver.cleanup(instance.name)


def test_an_empty_node_runs_nothing(kit, driver):
    assert driver.list_instances() == []
    assert driver.instance_info("inst1.example.org", kit.hvparams()) is None
    assert driver.all_instances_info() == []


def test_a_started_guest_is_seen(kit, driver):
    instance = kit.instance()
    driver.start(instance, kit.block_devices())
    assert driver.list_instances() == [instance.name]
    info = driver.instance_info(instance.name, instance.hvparams)
    assert (info.name, info.memory, info.vcpus, info.state) == (
        instance.name, MEMORY, 1, RUNNING)
    assert info.id > 0
    assert [other.name for other in driver.all_instances_info()] == [instance.name]
    end(kit, driver, instance)


def test_a_forced_stop_leaves_nothing(kit, driver):
    instance = kit.instance()
    driver.start(instance, kit.block_devices())
    end(kit, driver, instance)
    assert driver.list_instances() == []
    assert kit.leftovers(instance.name) == []


def test_stopping_what_does_not_run_is_no_error(kit, driver):
    driver.stop(kit.instance(), force=True)
    driver.cleanup("inst1.example.org")


def test_a_restarted_daemon_finds_the_guest(kit, driver):
    instance = kit.instance()
    driver.start(instance, kit.block_devices())
    again = type(driver)()
    assert running(again, instance)
    end(kit, again, instance)


def test_two_guests_do_not_disturb_each_other(kit, driver):
    one, two = kit.instance("one.example.org"), kit.instance("two.example.org")
    driver.start(one, kit.block_devices())
    driver.start(two, kit.block_devices())
    assert sorted(driver.list_instances()) == [one.name, two.name]
    end(kit, driver, one)
    assert driver.list_instances() == [two.name]
    end(kit, driver, two)


def test_a_paused_guest_counts_as_running(kit, driver):
    instance = kit.instance()
    driver.start(instance, kit.block_devices(), paused=True)
    assert running(driver, instance)
    end(kit, driver, instance)


def test_a_rebooted_guest_runs(kit, driver):
    instance = kit.instance()
    driver.start(instance, kit.block_devices())
    driver.reboot(instance)
    kit.wait(lambda: running(driver, instance), "the guest runs again")
    end(kit, driver, instance)


def test_a_guest_that_is_asked_shuts_down(kit, driver, monkeypatch):
    def too_late(*args: object) -> None:
        raise AssertionError(f"did not shut down within {kit.patience} s")
    monkeypatch.setattr(backend, "_force_stop", too_late)
    instance = kit.instance()
    driver.start(instance, kit.block_devices())
    backend.instance_shutdown(instance, kit.patience, None)
    assert driver.list_instances() == []
    assert kit.leftovers(instance.name) == []


def test_a_crashed_guest_is_down_and_starts_again(kit, driver):
    instance, devices = kit.instance(), kit.block_devices()
    driver.start(instance, devices)
    kit.crash(driver, instance)
    kit.wait(lambda: not running(driver, instance), "the crash is seen")
    driver.cleanup(instance.name)
    assert kit.leftovers(instance.name) == []
    driver.start(instance, devices)
    assert running(driver, instance)
    end(kit, driver, instance)


def test_rebooting_what_does_not_run_fails(kit, driver):
    with pytest.raises(errors.HypervisorError):
        driver.reboot(kit.instance())


def test_a_guest_that_can_not_start_leaves_nothing(kit, driver):
    instance = kit.instance()
    with pytest.raises(errors.HypervisorError):
        driver.start(instance, kit.broken_devices())
    assert driver.list_instances() == []
    assert driver.instance_info(instance.name, instance.hvparams) is None


def test_the_node_is_described(kit, driver):
    info = driver.node_info(kit.hvparams())
    assert info["memory_total"] >= info["memory_free"] > 0
    assert info["cpu_total"] >= 1
    assert {"memory_dom0", "cpu_dom0", "cpu_nodes", "cpu_sockets"} <= set(info)


def test_a_good_node_verifies(kit, driver):
    assert driver.verify(kit.hvparams()) is None


def test_the_console_dict_has_the_declared_keys(kit, driver):
    instance = kit.instance()
    node = objects.Node(name="node1.example.org", uuid="n1-uuid", primary_ip="192.0.2.1",
                        secondary_ip="192.0.2.1", group="g-uuid")
    group = objects.NodeGroup(name="default", uuid="g-uuid")
    found = driver.console(instance, node, group, instance.hvparams, instance.beparams)
    assert found["instance"] == instance.name
    assert found["kind"] in constants.CONS_ALL
    assert set(found) <= CONSOLE_KEYS


def test_unknown_and_wrong_parameters_are_refused(kit, driver):
    with pytest.raises(errors.OpPrereqError, match="no parameter"):
        driver.check_syntax({**kit.hvparams(), "no_such_thing": 1})
    driver.check_syntax(kit.hvparams())
    driver.validate(kit.hvparams())


def test_memory_can_be_changed(kit, driver):
    if not driver.can_balloon:
        pytest.skip(f"{kit.hypervisor} can not balloon")
    instance = kit.instance()
    driver.start(instance, kit.block_devices())
    driver.balloon(instance, MEMORY // 2)
    end(kit, driver, instance)


def migrate(kit: HypervisorKit, instance: objects.Instance) -> str:
    """Send a running guest from node1 to node2; returns the last status."""
    with kit.on("node1") as source:
        info = source.migration_info(instance)
    with kit.on("node2") as target:
        target.accept_instance(instance, info, kit.node_address("node2"))
    with kit.on("node1") as source:
        source.migrate("cluster.example.org", instance, kit.node_address("node2"), True)
        status = source.migration_status(instance).status

        def ended() -> bool:
            nonlocal status
            status = source.migration_status(instance).status
            return status not in constants.HV_MIGRATION_ACTIVE_STATUSES
        kit.wait(ended, "the migration has ended")
    success = status == constants.HV_MIGRATION_COMPLETED
    with kit.on("node2") as target:
        target.finalize_migration_dst(instance, info, success)
    with kit.on("node1") as source:
        source.finalize_migration_src(instance, success, True)
    return status


def where(kit: HypervisorKit, instance: objects.Instance) -> list[str]:
    found = []
    for node in ("node1", "node2"):
        with kit.on(node) as driver:
            if running(driver, instance):
                found.append(node)
    return found


def require_migration(kit: HypervisorKit) -> None:
    with kit.on("node1") as driver:
        if not driver.can_migrate:
            pytest.skip(f"{kit.hypervisor} can not migrate")


@pytest.fixture
def travelling(kit: HypervisorKit) -> Iterator[objects.Instance]:
    """A guest that runs on node1 and is ended wherever it is."""
    require_migration(kit)
    instance = kit.instance()
    with kit.on("node1") as driver:
        driver.start(instance, kit.block_devices())
    yield instance
    for node in ("node1", "node2"):
        with kit.on(node) as driver:
            driver.stop(instance, force=True)
            driver.cleanup(instance.name)


def test_a_migrated_guest_runs_on_the_target_only(kit, travelling):
    assert migrate(kit, travelling) == constants.HV_MIGRATION_COMPLETED
    assert where(kit, travelling) == ["node2"]
    with kit.on("node1"):
        assert kit.leftovers(travelling.name) == []


def test_after_a_failed_migration_the_guest_runs_on_the_source_only(kit, travelling):
    with kit.on("node1"), kit.failing_migration(travelling):
        status = migrate(kit, travelling)
    assert status in constants.HV_MIGRATION_FAILED_STATUSES
    assert where(kit, travelling) == ["node1"]
    with kit.on("node2"):
        assert kit.leftovers(travelling.name) == []


def test_taking_over_may_be_repeated_by_a_clean_up(kit, travelling):
    migrate(kit, travelling)
    with kit.on("node2") as target:
        target.finalize_migration_dst(travelling, None, True)
    with kit.on("node1") as source:
        source.finalize_migration_src(travelling, True, True)
    assert where(kit, travelling) == ["node2"]


def test_a_guest_that_does_not_run_can_not_be_migrated(kit):
    require_migration(kit)
    with kit.on("node1") as driver, pytest.raises(errors.HypervisorError):
        driver.migrate("cluster.example.org", kit.instance(), "127.0.0.1", True)
