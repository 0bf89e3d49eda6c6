"""Disks on LVM as an administrator handles them, on the test machines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from test.lab.vm import conformance
from test.lab.vm.lab import Lab

GUEST = ("-H", "kvm", "-B", "memory=16", "-o", "demo-linux+bootsector", "--no-ip-check",
         "--no-name-check")
#: Where the instances are
HOME = "node2"
OWNED = "lvs --noheadings --nosuffix --units m -o lv_name,lv_size -S tags=originstname+"


def add(lab: Lab, name: str, *more: str) -> None:
    lab.gnt("gnt-instance", "add", "-t", "plain", *GUEST, "-n", HOME, *more, name)


def volumes(lab: Lab, name: str) -> dict[str, float]:
    """Volumes on node2 that are noted as an instance's -> MiB."""
    words = lab.node(2).run(OWNED + name).split()
    return dict(zip(words[::2], map(float, words[1::2]), strict=True))


def complaints(lab: Lab) -> list[str]:
    """What verification has to say about volumes."""
    said = lab.try_gnt("gnt-cluster", "verify").stdout.splitlines()
    return [line.partition(" - ")[2] for line in said
            if " - " in line and "volume" in line and "Hint" not in line]


@pytest.fixture(scope="module", autouse=True)
def driver_suite(
    vm_cluster: Lab, request: pytest.FixtureRequest
) -> Iterator[Future[dict[str, str]] | None]:
    """The driver's own suites, on node1 while the other tests work on node2."""
    if not any(item.name == test_the_driver_on_real_volumes.__name__
               for item in request.session.items):
        yield None
        return

    node = vm_cluster.node(1)
    node.run("vgcreate -q -s 1m labtest /dev/vdd")
    pool = ThreadPoolExecutor()
    suite = pool.submit(conformance.run, node, "test_storage.py test_lvm.py", "plain or lvm")
    yield suite
    pool.shutdown(wait=False)  # who interrupts the tests does not wait for it
    if suite.done():
        node.run("vgremove -q -f labtest && pvremove -q /dev/vdd")


@pytest.fixture
def lab(vm_cluster: Lab) -> Iterator[Lab]:
    """The cluster, without instances and without volumes before and after."""
    yield vm_cluster
    for name in vm_cluster.gnt("gnt-instance", "list", "--no-headers", "-o", "name").split():
        vm_cluster.gnt("gnt-instance", "remove", "-f", "--shutdown-timeout=0", name)
    for node in vm_cluster.nodes:
        assert node.run("lvs --noheadings -o lv_name xenvg").split() == []


def test_lvmstrap_takes_unused_disks_only(vm_cluster: Lab) -> None:
    node = vm_cluster.node(2)
    rows = {line.split()[0]: line for line in node.run("lvmstrap -v diskinfo").splitlines()[1:]}
    assert "is mounted on /" in rows["vda"]
    assert "is in volume group xenvg" in rows["vdb"]
    assert "read-only" in rows["vdc"]
    assert rows["vdd"].split()[1:] == ["512M", "no", "-"]
    for refused, reason in (("-d vdb -g other", "not free: .*in volume group xenvg"),
                            ("-d vdx -g other", "no disk 'vdx'"), ("-g other", "--alldisks"),
                            ("-d vdd -g xenvg", "volume group xenvg already")):
        result = node.try_run(f"lvmstrap create {refused}")
        assert result.returncode == 1, refused
        assert re.search(reason, result.stderr), result.stderr
    for more in ("", "--use-sfdisk"):
        assert "Volume group strapped has 512M" in node.run(f"lvmstrap create --alldisks "
                                                            f"-g strapped {more}")
        assert node.run("pvs --noheadings -o pv_name -S vg_name=strapped").split() == ["/dev/vdd1"]
        assert "in volume group strapped" in node.run("lvmstrap diskinfo")
        node.run("vgremove -q strapped && pvremove -q /dev/vdd1 && wipefs -a -q /dev/vdd && "
                 "udevadm settle")


def test_a_lost_volume_is_told_and_made_anew(lab: Lab) -> None:
    add(lab, "web", "-s", "8m", "--no-start")
    refused = lab.try_gnt("gnt-instance", "recreate-disks", "web")
    assert "exists already" in refused.stderr
    (name,) = volumes(lab, "web")
    lab.node(2).run(f"lvremove -q -f xenvg/{name}")
    assert complaints(lab) == [
        f"ERROR: instance web: volume xenvg/{name} is missing on node2"]
    lab.gnt("gnt-instance", "recreate-disks", "web")
    assert complaints(lab) == []
    assert list(volumes(lab, "web").values()) == [8.0]


def test_the_driver_on_real_volumes(driver_suite: Future[dict[str, str]]) -> None:
    outcomes = driver_suite.result()
    assert set(outcomes.values()) == {"PASSED"}
    assert len(outcomes) >= 24
