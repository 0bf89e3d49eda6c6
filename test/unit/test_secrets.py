"""Secrets stay where they belong: not in logs, results, messages, environments of hooks.

What is told about single places stands beside them: job files in jqueue/test_queue, node calls
in rpc/test_kinds, confd in confd/test_answers, the cluster's info in cmdlib/test_cluster_life.
"""

from __future__ import annotations

import logging

import pytest

from ganeti import objects, opcodes, serializer
from ganeti.hypervisor.kvm.qmp import Session
from ganeti.rapi import auth
from ganeti.storage import registry
from ganeti.utils import process
from test import masterside
from test.unit.hypervisor.kvm.fakeqemu import FakeQemu, returns

WORD = "hunter2"


@pytest.fixture
def log(caplog):
    """All that is logged, down to the wire."""
    caplog.set_level(logging.DEBUG)
    return caplog


def test_console_passwords_are_not_logged(tmp_path, log):
    with FakeQemu(tmp_path / "qmp", {"set_password": [returns({})]}) as qemu, \
            Session(str(tmp_path / "qmp"), "web") as session:
        session.execute("set_password", protocol="vnc", password=WORD)
    assert qemu.named("set_password") == [{"protocol": "vnc", "password": WORD}]
    assert "set_password" in log.text and WORD not in log.text


def test_what_programs_are_given_is_not_logged(log):
    result = process.run(["/bin/sh", "-c", 'read a; echo "$a$PASSWORD"'],
                         env={"PASSWORD": WORD}, input=f"{WORD}\n")
    assert result.stdout == f"{WORD}{WORD}\n"
    process.run(["/bin/echo", WORD], secret=True)
    assert "/bin/sh" in log.text and WORD not in log.text


def test_wrong_lines_of_the_users_file_are_told_without_their_passwords(log):
    users = auth.parse_users(f"admin {{MD5}}{WORD} write\nreader {WORD} read extra\nx y\n", "users")
    assert set(users) == {"x"}
    assert "users, line 1" in log.text and "users, line 2" in log.text
    assert WORD not in log.text
    assert WORD not in repr(auth.parse_line(f"admin {WORD}"))


@pytest.fixture
def mirrored():
    disk = masterside.make_drbd("web")
    return disk, masterside.make_instance("web", disks=[disk.uuid], osparams_private={"pw": WORD})


def test_secrets_of_mirrored_disks_are_in_no_result(mirrored):
    disk, instance = mirrored
    secret = disk.logical_id[-1]
    template = registry.template(disk.dev_type)
    assert template.shown_id(disk)[:5] == disk.logical_id[:5]
    assert secret not in template.shown_id(disk)
    assert secret not in template.describe(disk).values()
    assert WORD not in repr(instance)


def test_information_on_an_instance_holds_no_secret(tmp_path, mirrored):
    disk, instance = mirrored
    disk = disk.replace(logical_id=[*disk.logical_id[:5], "of-the-mirror"])
    master = masterside.Master(masterside.make_config(instances=[instance], disks=[disk]),
                               str(tmp_path / "config.data"))
    try:
        result = serializer.dumps(master.run(opcodes.OpInstanceQueryData(
            instances=["web"], static=True, use_locking=False)))
    finally:
        master.stop()
    assert "web" in result and "of-the-mirror" not in result and WORD not in result


def test_private_fields_of_the_configuration_are_not_printed():
    cluster = masterside.make_cluster(osparams_private_cluster={"debian": {"pw": WORD}})
    assert WORD not in repr(cluster) and WORD in serializer.dumps(cluster.to_dict())
    assert {spec.name for kind in (objects.Cluster, objects.Instance)
            for spec in kind.FIELDS.values() if spec.private} == {
        "osparams_private_cluster", "osparams_private"}
