"""Disks on their way: exports, imports, moves between nodes and between clusters."""

from __future__ import annotations

import pathlib
import shutil
import sys
from collections.abc import Iterator

import pytest

from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None,
                       reason="qemu-system-x86_64 is not installed"),
]
NAME = "moved"
TOOL = pathlib.Path(sys.executable).with_name("move-instance")
MAKE = (f"gnt-instance add -t file --disk 0:size=4m --disk 1:size=4m -o demo-linux+bootsector"
        f" -H kvm:kernel_path= -B memory=16M -n node1 --no-name-check --no-ip-check"
        f" --net 0:ip=10.9.9.9,mac=aa:00:00:00:09:09 --tags a,b {NAME}")


@pytest.fixture
def guest(cluster: VirtualCluster) -> Iterator[VirtualCluster]:
    """A running guest with local disks, which counts its boots in a sector of its own."""
    cluster.run(MAKE)
    yield cluster
    for name in (NAME, "other"):
        cluster.try_run(f"gnt-instance remove -f --shutdown-timeout=0 {name}")
        cluster.try_run(f"gnt-backup remove {name}")


def shown(cluster: VirtualCluster, fields: str, name: str = NAME) -> str:
    return cluster.run(f"gnt-instance list --no-headers --separator=: -o {fields} {name}").strip()


def refused(cluster: VirtualCluster, line: str) -> str:
    """What a command says that must fail."""
    result = cluster.try_run(line)
    assert result.returncode == 1, line
    return result.stdout + result.stderr


def boots(cluster: VirtualCluster, node: str, name: str = NAME) -> int:
    """How often the guest on the first disk has started; -1 before it says so."""
    [path] = cluster.path(node, f"/srv/ganeti/file-storage/{name}").glob("*.disk0")
    words = path.read_bytes()[512:1024].split(b"\0")[0].split()
    return int(words[1], 16) if words[:1] == [b"BOOT"] else -1


def files(cluster: VirtualCluster, where: str) -> list[str]:
    return sorted(f"{node}:{path.name}" for node in ("node1", "node2", "node3")
                  for path in cluster.path(node, where).glob("*"))


def leftovers(cluster: VirtualCluster) -> list[str]:
    return [entry for where in ("/var/run/ganeti/import-export", "/var/run/ganeti/crypto")
            for entry in files(cluster, where)]


def test_a_guest_is_moved_with_its_disks(guest):
    wait_until(lambda: boots(guest, "node1") == 1, "the guest has written to its disk")
    said = guest.run(f"gnt-instance move -f -n node2 --compress gzip {NAME}")
    assert "copying the disks" in said
    assert shown(guest, "pnode,status") == "node2:running"
    wait_until(lambda: boots(guest, "node2") == 2, "the guest has found its disk again")
    assert files(guest, "/srv/ganeti/file-storage") == [f"node2:{NAME}"]
    assert leftovers(guest) == []


def test_a_move_that_fails_leaves_everything_as_it_was(guest):
    # An ordinary file in the place of the directory that the target needs.
    block = guest.path("node3", f"/srv/ganeti/file-storage/{NAME}")
    block.write_text("in the way")
    try:
        said = refused(guest, f"gnt-instance move -f -n node3 {NAME}")
    finally:
        block.unlink()
    assert "runs again where it was" in said
    assert shown(guest, "pnode,status") == "node1:running"


def test_an_export_restores_what_was_there(guest):
    wait_until(lambda: boots(guest, "node1") == 1, "the guest has written to its disk")
    before = shown(guest, "disk.sizes,nic.macs,be/maxmem,tags,hv/kernel_path")
    guest.run(f"gnt-backup export -n node3 --transport-compression gzip {NAME}")
    assert shown(guest, "status") == "running"
    assert guest.run("gnt-backup list --no-headers --separator=: -n node3") == f"node3:{NAME}\n"
    guest.run(f"gnt-instance remove -f {NAME}")
    guest.run(f"gnt-backup import -n node2 --no-name-check --no-ip-check {NAME}")
    assert shown(guest, "disk.sizes,nic.macs,be/maxmem,tags,hv/kernel_path") == before
    assert shown(guest, "pnode,status") == "node2:ADMIN_down"
    guest.run(f"gnt-instance startup {NAME}")
    wait_until(lambda: boots(guest, "node2") >= 2, "the guest goes on counting its boots")
    # A second export replaces the first, also on another node.
    guest.run(f"gnt-backup export -n node1 {NAME}")
    assert files(guest, "/srv/ganeti/export") == [f"node1:{NAME}"]
    guest.run(f"gnt-backup remove {NAME}")
    assert files(guest, "/srv/ganeti/export") == []
    assert leftovers(guest) == []


def test_an_export_under_another_name_is_a_second_instance(guest):
    guest.run(f"gnt-backup export -n node3 {NAME}")
    guest.run("gnt-backup import -n node2 --no-name-check --no-ip-check --src-node node3"
              f" --src-dir {NAME} --identify-defaults --net 0:ip=10.9.9.10 other")
    assert shown(guest, "nic.macs", "other") != shown(guest, "nic.macs")
    info = guest.run("gnt-instance info other")
    assert "acpi: default" in info


def test_an_export_that_fails_keeps_the_older_one(guest):
    guest.run(f"gnt-backup export -n node3 {NAME}")
    script = guest.path("node1", "/srv/ganeti/os/demo-linux/export").resolve()
    good = script.read_text()
    script.write_text("#!/bin/sh\necho the disk can not be read >&2\nexit 3\n")
    try:
        said = refused(guest, f"gnt-backup export -n node3 {NAME}")
    finally:
        script.write_text(good)
    assert "an older export is untouched" in said
    assert guest.path("node3", f"/srv/ganeti/export/{NAME}/config.ini").exists()
    assert shown(guest, "status") == "running"
    assert leftovers(guest) == []


def test_what_can_not_be_is_refused_before_anything_happens(guest):
    for line, text in (
            (f"gnt-backup export -n node3 --noshutdown {NAME}", "has to be stopped"),
            (f"gnt-backup export -n node3 --zero-free-space {NAME}", "helper instance"),
            (f"gnt-backup export -n node3 --transport-compression rar {NAME}", "--compression"),
            (f"gnt-backup export {NAME}", "-n"),
            (f"gnt-instance move -f -n node1 {NAME}", "already"),
            ("gnt-backup import -n node2 --no-name-check none-such", "No node has an export")):
        said = refused(guest, line)
        assert text in said, line
    assert shown(guest, "status") == "running"


def test_an_instance_goes_to_another_cluster(guest, tmp_path):
    """The other cluster is the same one here, which is what the protocol can not tell."""
    users = guest.path("node1", "/var/lib/ganeti/rapi/users")
    users.parent.mkdir(exist_ok=True)
    before = users.read_text() if users.exists() else None
    users.write_text("mover secret write\n")
    (tmp_path / "password").write_text("secret\n")
    rapi = guest.path("node1", "/var/lib/ganeti/rapi.pem").read_text()
    (tmp_path / "ca").write_text(rapi[rapi.index("-----BEGIN CERT"):])
    access = " ".join(f"--{side}-ca-file {tmp_path}/ca --{side}-username mover"
                      f" --{side}-password-file {tmp_path}/password" for side in ("src", "dest"))
    host = guest.address("node1")
    try:
        wait_until(lambda: boots(guest, "node1") == 1, "the guest has written to its disk")
        said = guest.run(
            f"{TOOL} -v {access} --dest-primary-node node2 --compress gzip"
            f" --dest-instance-name other --net 0:mac=generate,ip=10.9.9.11 {host} {host} {NAME}")
        assert "has moved" in said
        assert shown(guest, "name,pnode,status", "") == "other:node2:running"
        wait_until(lambda: boots(guest, "node2", "other") == 2, "the guest goes on")
        # Somebody without the right password changes nothing.
        (tmp_path / "password").write_text("wrong\n")
        said = refused(
            guest, f"{TOOL} {access} --dest-instance-name {NAME} {host} {host} other")
        assert "other: " in said
        assert "Traceback" not in said
    finally:
        users.write_text(before) if before is not None else users.unlink()
    assert leftovers(guest) == []
