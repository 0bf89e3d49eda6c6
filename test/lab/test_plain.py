"""Disks on LVM as an administrator handles them, on the test machines."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from test.lab.vm import conformance
from test.lab.vm.lab import Lab
from test.waiting import wait_until

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


def boots(lab: Lab, name: str) -> int:
    """How often the guest on a volume has booted, as it writes there itself; 0 when it has not."""
    text = lab.node(2).run(f"dd if=/dev/xenvg/{name} bs=512 skip=1 count=1 iflag=direct "
                           "2>/dev/null | tr -d '\\0'")
    found = re.match(r"BOOT ([0-9a-f]+)", text)
    return int(found[1], 16) if found else 0


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


def test_the_life_of_a_guest_on_a_volume(lab: Lab) -> None:
    add(lab, "web", "-s", "32m")
    (name,) = volumes(lab, "web")
    assert name.endswith(".disk0")
    note = lab.node(2).read(f"/var/run/ganeti/bdev-cache/bdev_xenvg_{name}")
    assert note == "web primary disk/0\n"
    lab.gnt("gnt-instance", "grow-disk", "web", "0", "9m")
    assert volumes(lab, "web") == {name: 44.0}, "whole extents"
    shown = lab.gnt("gnt-instance", "list", "--no-headers", "--units=m", "-o",
                    "status,disk.size/0")
    assert shown.split() == ["running", "44"], "9m is rounded up to a multiple of 4"
    listed = lab.gnt("gnt-node", "volumes", "--no-headers", HOME).split()
    assert listed == [HOME, "/dev/vdb", "xenvg", name, "44M", "web"]
    wait_until(lambda: boots(lab, name), "the guest writes to its disk", 120)
    first = boots(lab, name)
    lab.gnt("gnt-instance", "shutdown", "--timeout=0", "web")
    lab.gnt("gnt-instance", "modify", "--disk", "add:size=8m", "web")
    assert sorted(volumes(lab, "web").values()) == [8.0, 44.0]
    lab.gnt("gnt-instance", "modify", "--disk", "-1:remove", "web")
    assert list(volumes(lab, "web")) == [name]
    refused = lab.try_gnt("gnt-instance", "modify", "--disk", "add:size=900g", "web")
    assert "Not enough space in xenvg on node node2" in refused.stderr
    lab.gnt("gnt-instance", "modify", "-t", "file", "web")
    assert volumes(lab, "web") == {}
    lab.gnt("gnt-instance", "modify", "-t", "plain", "web")
    lab.gnt("gnt-instance", "startup", "web")
    (name,) = volumes(lab, "web")
    wait_until(lambda: boots(lab, name) > first, "the guest counts one boot more", 120)
    assert complaints(lab) == []


def test_an_existing_volume_is_adopted_with_its_data(lab: Lab) -> None:
    node = lab.node(2)
    node.run("lvcreate -q -qq -Wn -L 16m -n old xenvg; echo precious | dd of=/dev/xenvg/old "
             "conv=fsync 2>/dev/null; lvcreate -q -qq -Wn -L 4m -n reserved xenvg")
    assert complaints(lab) == ["WARNING: node node2: volume xenvg/old is unknown",
                               "WARNING: node node2: volume xenvg/reserved is unknown"]
    lab.gnt("gnt-cluster", "modify", "--reserved-lvs=xenvg/res.*")

    def adopt(*more: str) -> subprocess.CompletedProcess[str]:
        return lab.try_gnt("gnt-instance", "add", "-t", "plain", *GUEST, "--no-start", "-n",
                           HOME, *more, "legacy")

    try:
        assert complaints(lab) == ["WARNING: node node2: volume xenvg/old is unknown"]
        assert "no volume xenvg/other to adopt" in adopt("--disk", "0:adopt=other").stderr
        half = adopt("--disk", "0:adopt=old", "--disk", "1:size=8m")
        assert "either all disks" in half.stderr
        in_use = "exec 3</dev/xenvg/old; sleep 600"
        is_open = "lvs --noheadings -o lv_attr xenvg/old | grep -q ao"
        node.run(f"setsid sh -c '{in_use}' >/dev/null 2>&1 & echo $! >/run/holder; "
                 f"until {is_open}; do sleep 0.2; done")
        assert "is in use" in adopt("--disk", "0:adopt=old").stderr
        node.run(f"kill -- -$(cat /run/holder); while {is_open}; do sleep 0.2; done")
        done = adopt("--disk", "0:adopt=old")
        assert done.returncode == 0, done.stderr
        (name,) = volumes(lab, "legacy")
        lab.gnt("gnt-instance", "activate-disks", "legacy")
        assert node.run(f"head -c 8 /dev/xenvg/{name}") == "precious"
        assert complaints(lab) == []
    finally:
        lab.gnt("gnt-cluster", "modify", "--reserved-lvs=")
        node.run("lvremove -q -f xenvg/reserved; lvremove -q -f xenvg/old 2>/dev/null; true")


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


def test_new_disks_are_wiped_where_the_cluster_wants_it(lab: Lab) -> None:
    lab.node(2).run("lvcreate -q -qq -Wn -L 40m -n dirty xenvg; "
                    "tr '\\0' X </dev/zero | dd of=/dev/xenvg/dirty bs=1M 2>/dev/null; sync; "
                    "lvremove -q -f xenvg/dirty")
    lab.gnt("gnt-cluster", "modify", "--prealloc-wipe-disks=yes")
    try:
        add(lab, "web", "-s", "40m", "--no-install", "--no-start")
    finally:
        lab.gnt("gnt-cluster", "modify", "--prealloc-wipe-disks=no")
    (name,) = volumes(lab, "web")
    lab.gnt("gnt-instance", "activate-disks", "web")
    zeroes = f"cmp -n {40 << 20} /dev/xenvg/{name} /dev/zero"
    assert lab.node(2).try_run(zeroes).returncode == 0, "what lay there before can not be read"


@pytest.fixture
def spindles(vm_cluster: Lab) -> Iterator[str]:
    """A volume group of three physical volumes on node2."""
    node = vm_cluster.node(2)
    node.run("for n in 1 2 3; do truncate -s 64M /root/pv$n; losetup -f /root/pv$n; done; "
             "vgcreate -q spin $(losetup -n -O NAME)")
    yield "spin"
    node.run("vgremove -q -f spin; losetup -D; rm /root/pv*")


def test_disks_have_spindles_of_their_own(spindles: str, lab: Lab) -> None:
    lab.gnt("gnt-cluster", "modify", "--node-parameters=exclusive_storage=true")
    try:
        refused = lab.try_gnt("gnt-instance", "add", "-t", "plain", *GUEST, "--no-start", "-n",
                              HOME, "--disk", f"0:size=16m,vg={spindles}", "web")
        assert "spindles" in refused.stderr
        add(lab, "web", "--no-start", "--disk", f"0:size=72m,spindles=2,vg={spindles}")
        shown = lab.gnt("gnt-instance", "list", "--no-headers", "-o", "disk.spindles", "web")
        assert shown.strip() == "[2]"
        (name,) = volumes(lab, "web")
        used = lab.node(2).run(f"lvs --noheadings -o devices {spindles}/{name}")
        assert len({part.split("(")[0] for part in used.split()}) == 2
        lab.gnt("gnt-instance", "remove", "-f", "--shutdown-timeout=0", "web")
    finally:
        lab.gnt("gnt-cluster", "modify", "--node-parameters=exclusive_storage=false")


def test_storage_units_are_listed_changed_and_repaired(spindles: str, vm_cluster: Lab) -> None:
    node = vm_cluster.node(2)
    loops = sorted(node.run("losetup -n -O NAME").split())

    def allocatable() -> dict[str, str]:
        rows = vm_cluster.gnt("gnt-node", "list-storage", "-t", "lvm-pv", "--no-headers", "-o",
                              "name,allocatable", HOME).split()
        return dict(zip(rows[::2], rows[1::2], strict=True))

    assert allocatable() == {"/dev/vdb": "Y", **dict.fromkeys(loops, "Y")}
    vm_cluster.gnt("gnt-node", "modify-storage", "--allocatable=no", HOME, "lvm-pv", loops[0])
    assert allocatable()[loops[0]] == "N"
    node.run(f"losetup -d {loops[0]}")
    broken = node.run(f"vgs --noheadings -o vg_attr,vg_missing_pv_count {spindles} 2>/dev/null")
    assert broken.split()[1] == "1"
    vm_cluster.gnt("gnt-node", "repair-storage", HOME, "lvm-vg", spindles)
    mended = node.run(f"vgs --noheadings -o pv_count,vg_missing_pv_count {spindles}")
    assert mended.split() == ["2", "0"]


def test_the_driver_on_real_volumes(driver_suite: Future[dict[str, str]]) -> None:
    outcomes = driver_suite.result()
    assert set(outcomes.values()) == {"PASSED"}
    assert len(outcomes) >= 24
