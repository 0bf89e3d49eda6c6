"""Every operation of the fake hypervisor fails where it is asked to, and only there."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from typing import Any

import pytest

from ganeti import constants, errors, objects
from ganeti.hypervisor import fake
from ganeti.hypervisor.base import BaseHypervisor
from test import noderoot

#: No work of a node, or of what the fake hypervisor does not claim to be capable of
_NO_OPERATIONS = {"parameters", "console", "check_syntax", "all_instances_info", "powercycle",
                  "get_state", "put_state"}
#: Tells instead of failing
_TELLS = {"verify"}
OPERATIONS = sorted(
    name for name, member in inspect.getmembers(BaseHypervisor)
    if not name.startswith("_") and (inspect.isfunction(member))
    and name not in _NO_OPERATIONS | _TELLS)


def instance(**changes: Any) -> objects.Instance:
    nic = objects.Nic(uuid="nic", mac="aa:00:00:00:00:01", nicparams={})
    return objects.Instance(**{
        "name": "inst1", "uuid": "i", "primary_node": "n", "hypervisor": "fake", "nics": [nic],
        "hvparams": constants.HV_TABLES[constants.HT_FAKE].defaults(),
        "beparams": {"maxmem": 64, "vcpus": 1}, **changes})


@pytest.fixture
def driver(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[fake.FakeHypervisor]:
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    yield fake.FakeHypervisor()


def call(driver: fake.FakeHypervisor, operation: str, guest: objects.Instance) -> Any:
    """Call an operation of a running guest with arguments that would do."""
    info = '{"started": 1}'
    disk = objects.Disk(uuid="d", dev_type="file", logical_id=["loop", "/x"], size=1)
    arguments: dict[str, tuple[Any, ...]] = {
        "start": (guest, []), "cleanup": (guest.name,), "list_instances": (),
        "instance_info": (guest.name,), "node_info": (), "validate": (guest.hvparams,),
        "accept_instance": (guest.replace(name="inst2"), info, "192.0.2.1"),
        "migrate": ("cluster", guest, "192.0.2.1", True),
        "finalize_migration_dst": (guest, None, True),
        "finalize_migration_src": (guest, True, True), "balloon": (guest, 32),
        "hotplug": (guest, constants.HOTPLUG_ACTION_MODIFY, constants.HOTPLUG_TARGET_NIC,
                    guest.nics[0], None, 0),
        "resize_disk": (guest, disk, 2)}
    return getattr(driver, operation)(*arguments.get(operation, (guest,)))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_fails_on_request(operation: str, driver: fake.FakeHypervisor) -> None:
    guest = instance()
    driver.start(guest, [])
    marker = fake.fail_file(operation)
    os.makedirs(os.path.dirname(marker))
    with open(marker, "w", encoding="ascii") as stream:
        stream.write("the roof is on fire")
    with pytest.raises((errors.HypervisorError, errors.HotplugError), match="on fire"):
        call(driver, operation, guest)
    os.unlink(marker)
    call(driver, operation, guest)


def test_a_file_for_one_guest_and_a_tag(driver: fake.FakeHypervisor) -> None:
    for name in ("inst1", "inst2"):
        driver.start(instance(name=name), [])
    os.makedirs(os.path.dirname(fake.fail_file("balloon")))
    with open(fake.fail_file("instance_info", "inst1"), "w", encoding="ascii"):
        pass
    with pytest.raises(errors.HypervisorError, match="fails as .*instance_info-inst1 asks"):
        driver.instance_info("inst1")
    assert driver.instance_info("inst2") is not None
    with pytest.raises(errors.HypervisorError, match="tag asks"):
        driver.balloon(instance(tags=["fake:fail-balloon"]), 32)


def test_verify_tells(driver: fake.FakeHypervisor) -> None:
    assert driver.verify() is None
    os.makedirs(os.path.dirname(fake.fail_file("verify")))
    with open(fake.fail_file("verify"), "w", encoding="ascii") as stream:
        stream.write("out of order")
    assert driver.verify() == "out of order"
