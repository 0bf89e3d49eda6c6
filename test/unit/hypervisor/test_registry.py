"""Which hypervisors there are, and what Linux tells of a node."""

from __future__ import annotations

import os

import pytest

from ganeti import constants, errors
from ganeti.hypervisor import base, linux, registry

MEMINFO = """\
MemTotal:        8000000 kB
MemFree:         1000000 kB
MemAvailable:    5000000 kB
Buffers:          200000 kB
Cached:          3000000 kB
HugePages_Total:       7
"""


def test_every_listed_driver_can_be_imported_and_has_its_name():
    assert {constants.HT_FAKE, constants.HT_KVM} <= set(registry.names())
    for name in registry.names():
        driver = registry.get(name)
        assert isinstance(driver, base.BaseHypervisor)
        assert driver.name == name
        assert driver.parameters is constants.HV_TABLES[name]
        assert driver.needs_network_port == (name in ("kvm", "xen-hvm"))


def test_hypervisors_without_driver_are_refused_as_bad_input():
    registry.require_usable(constants.HT_FAKE)
    with pytest.raises(errors.OpPrereqError, match="'nonsense'.*available: .*fake") as caught:
        registry.require_usable("nonsense")
    assert caught.value.args[1] == errors.ECODE_INVAL


def test_memory_is_counted_as_the_catalogue_says():
    info = linux.memory_info(linux.parse_meminfo(MEMINFO))
    assert info == {"memory_total": 7812, "memory_free": 976 + 195 + 2929,
                    "memory_dom0": 7812 - (976 + 195 + 2929)}


def test_missing_values_are_left_out():
    assert linux.memory_info(linux.parse_meminfo("nothing here\nMemTotal: many kB\n")) == {}


def test_this_node_is_described():
    info = linux.node_info()
    assert info["cpu_total"] == info["cpu_dom0"] == os.cpu_count()
    assert info["cpu_nodes"] == info["cpu_sockets"] == 1


def test_cpu_time_of_a_process():
    assert linux.cpu_seconds(os.getpid()) > 0
    with pytest.raises(errors.HypervisorError, match="gone"):
        linux.cpu_seconds(2 ** 30)
