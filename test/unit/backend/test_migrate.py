"""Both sides of a migration on one node's backend."""

from __future__ import annotations

import os

import pytest

from ganeti import constants, errors
from ganeti.backend import instance as backend
from ganeti.backend import migrate
from ganeti.hypervisor import fake

from .conftest import create_disks, link, make_disk, make_instance


def fail(operation: str) -> None:
    path = fake.fail_file(operation)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "w").close()


@pytest.fixture
def guest():
    inst = make_instance(disks=[make_disk()])
    create_disks(inst)
    backend.instance_start(inst, False, None)
    return inst


def test_only_a_running_instance_is_migratable(guest):
    migrate.instance_migratable(guest)
    backend.instance_shutdown(guest, 5, None)
    with pytest.raises(errors.HypervisorError, match="does not run"):
        migrate.instance_migratable(guest)


def test_the_source_lets_go_after_success(guest):
    migrate.instance_migrate("cluster", guest, "192.0.2.2", True)
    status = migrate.instance_get_migration_status(guest)
    assert status["status"] == constants.HV_MIGRATION_COMPLETED
    assert set(status) == {"status", "transferred_ram", "total_ram", "postcopy_status",
                           "downtime", "total_time", "reason"}
    migrate.instance_finalize_migration_src(guest, True, True)
    assert backend.instance_list([constants.HT_FAKE], None) == []
    assert not os.path.lexists(link(guest, 0))


def test_the_source_goes_on_after_a_failure(guest):
    fail("migration")
    migrate.instance_migrate("cluster", guest, "192.0.2.2", True)
    assert (migrate.instance_get_migration_status(guest)["status"]
            == constants.HV_MIGRATION_FAILED)
    migrate.instance_finalize_migration_src(guest, False, True)
    assert backend.instance_list([constants.HT_FAKE], None) == [guest.name]
    assert os.path.lexists(link(guest, 0))


def test_the_target_takes_over(guest):
    info = migrate.migration_info(guest)
    migrate.instance_finalize_migration_src(guest, True, True)
    migrate.accept_instance(guest, info, "192.0.2.1")
    assert os.path.lexists(link(guest, 0))
    migrate.instance_finalize_migration_dst(guest, info, True)
    assert backend.instance_list([constants.HT_FAKE], None) == [guest.name]


def test_the_target_cleans_up_after_a_failure(guest):
    info = migrate.migration_info(guest)
    migrate.instance_finalize_migration_src(guest, True, True)
    migrate.accept_instance(guest, info, "192.0.2.1")
    migrate.instance_finalize_migration_dst(guest, info, False)
    assert backend.instance_list([constants.HT_FAKE], None) == []
    assert not os.path.lexists(link(guest, 0))


def test_a_target_that_can_not_accept_takes_its_links_away(guest):
    info = migrate.migration_info(guest)
    migrate.instance_finalize_migration_src(guest, True, True)
    fail("accept_instance")
    with pytest.raises(errors.HypervisorError):
        migrate.accept_instance(guest, info, "192.0.2.1")
    assert not os.path.lexists(link(guest, 0))


@pytest.mark.parametrize("info", [None, "", "{", "[]", '{"name": 1}'])
def test_garbage_from_the_source_is_refused(info):
    with pytest.raises(errors.HypervisorError, match="unusable"):
        migrate.accept_instance(make_instance(), info, "192.0.2.1")
