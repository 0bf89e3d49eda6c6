"""The units that change a running guest, with real QEMU under them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile

import pytest

from ganeti import errors
from ganeti.storage import registry
from test import incluster
from test.drivers.devicekits import why_no_fuse

NAME = "inst1.example.org"
QEMU = "/usr/bin/qemu-system-x86_64"

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(not os.path.exists(QEMU), reason=f"{QEMU} is not installed"),
]

PARAMETERS = {"kvm_path": QEMU, "kernel_path": "", "vnc_bind_address": "", "kvm_flag": "disabled"}


@pytest.fixture
def cluster():
    """Three nodes whose migration addresses are this machine's; sockets need a short path."""
    directory = tempfile.mkdtemp(prefix="lu", dir="/tmp")
    made = incluster.InCluster(directory, enabled_hypervisors=["kvm"])
    with made.cfg.edit() as draft:
        for number in (1, 2, 3):
            draft.update(made.config.nodes[incluster.node_uuid(number)],
                         secondary_ip=f"127.0.0.{number + 20}")
    yield made
    for instance in list(made.config.instances.values()):
        made.run("INSTANCE_REMOVE", instance_name=instance.name, shutdown_timeout=0)
    made.close()
    shutil.rmtree(directory)


@pytest.fixture
def guest(cluster):
    """A guest that finds nothing to boot from, which is enough to be moved."""
    return cluster.add(hypervisor="kvm", hvparams=PARAMETERS, nics=[], ignore_ipolicy=True,
                       beparams={"memory": 128})


def run(cluster, what: str, **params):
    return cluster.run(f"INSTANCE_{what}", instance_name=NAME, **params)


def open_disks(cluster, number: int) -> list[str]:
    """The names of the disk files that the QEMU of a node has open."""
    root = cluster.nodes.roots[cluster.address(number)]
    with open(f"{root}/var/run/ganeti/kvm-hypervisor/pid/{NAME}", encoding="ascii") as fobj:
        pid = fobj.read().strip()
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            found.add(os.path.basename(os.readlink(f"/proc/{pid}/fd/{fd}")))
    return sorted(name for name in found if ".sharedfile." in name)


def configured_disks(cluster) -> list[str]:
    return sorted(os.path.basename(disk.logical_id[1])
                  for disk in cluster.config.instance_disks(cluster.instance(NAME)))


def test_guest_is_moved_with_all_its_disks(cluster, guest):
    assert cluster.instance(NAME).network_port == 11000
    run(cluster, "MIGRATE", target_node="node2.example.org")
    assert cluster.instance(NAME).primary_node == incluster.node_uuid(2)
    run(cluster, "SET_PARAMS", disks=[["add", 0, {"size": 64}]], ignore_ipolicy=True)
    run(cluster, "MIGRATE", target_node="node3.example.org", mode="non-live")
    assert open_disks(cluster, 3) == configured_disks(cluster)
    run(cluster, "GROW_DISK", disk=0, amount=64, ignore_ipolicy=True)
    run(cluster, "FAILOVER", target_node="node1.example.org", shutdown_timeout=0)
    assert open_disks(cluster, 1) == configured_disks(cluster)
    assert run(cluster, "CONSOLE")["kind"] == "ssh"


def test_target_that_can_not_receive_leaves_the_guest_where_it_is(cluster, guest):
    with cluster.cfg.edit() as draft:
        draft.update(cluster.config.nodes[incluster.node_uuid(2)], secondary_ip="192.0.2.99")
    with pytest.raises(errors.OpExecError, match="goes on running on node node1"):
        run(cluster, "MIGRATE", target_node="node2.example.org")
    assert open_disks(cluster, 1) == configured_disks(cluster)
    with cluster.cfg.edit() as draft:
        draft.update(cluster.config.nodes[incluster.node_uuid(2)], secondary_ip="127.0.0.22")
    run(cluster, "MIGRATE", target_node="node2.example.org")


def test_cut_off_migration_is_finished_by_cleanup(cluster, guest, monkeypatch):
    """The master dies when the guest has just arrived; another one cleans up."""
    class Killed(BaseException):
        pass

    def die(*_args):
        raise Killed

    from ganeti.cmdlib.instance import relocate
    monkeypatch.setattr(relocate.RelocatingUnit, "record_primary", die)
    with pytest.raises(Killed):
        run(cluster, "MIGRATE", target_node="node2.example.org")
    monkeypatch.undo()
    assert cluster.instance(NAME).primary_node == incluster.node_uuid(1)
    run(cluster, "MIGRATE", cleanup=True)
    assert cluster.instance(NAME).primary_node == incluster.node_uuid(2)
    assert open_disks(cluster, 2) == configured_disks(cluster)
    run(cluster, "MIGRATE", target_node="node3.example.org")
    assert open_disks(cluster, 3) == configured_disks(cluster)


needs_fuse = pytest.mark.skipif(bool(why_no_fuse()), reason=why_no_fuse() or "")


@needs_fuse
def test_an_image_is_enlarged_by_the_qemu_that_holds_it(cluster):
    cluster.add(hypervisor="kvm", hvparams=PARAMETERS, nics=[], ignore_ipolicy=True,
                beparams={"memory": 128}, disks=[{"size": 8}], file_driver="qcow2")
    with cluster.cfg.edit() as draft:
        draft.update(cluster.config.cluster, prealloc_wipe_disks=True)
    run(cluster, "GROW_DISK", disk=0, amount=8, ignore_ipolicy=True)
    assert image_sizes(cluster) == [16]
    cluster.nodes.failures[("*", "resize_disk")] = "no answer"
    with pytest.raises(errors.OpExecError, match=r"has disk/0.* open, can not grow it.*no answer"):
        run(cluster, "GROW_DISK", disk=0, amount=8, ignore_ipolicy=True)
    assert image_sizes(cluster) == [16]
    run(cluster, "SHUTDOWN", timeout=0)
    run(cluster, "GROW_DISK", disk=0, amount=8, ignore_ipolicy=True)
    assert image_sizes(cluster) == [24]


def image_sizes(cluster) -> list[int]:
    """MiB of the disks, which the images and the configuration have to agree about."""
    found = []
    for disk in cluster.config.instance_disks(cluster.instance(NAME)):
        with cluster.on(1):
            size = registry.device(disk).actual_size() >> 20
        assert disk.size == size
        found.append(size)
    return found


# What UEFI keeps -------------------------------------------------------------------------------

needs_ovmf = pytest.mark.skipif(not os.path.exists("/usr/share/OVMF/OVMF_CODE_4M.fd"),
                                reason="no OVMF (package ovmf)")


def nvram(cluster, number: int) -> str:
    root = cluster.nodes.roots[cluster.address(number)]
    return f"{root}/var/lib/ganeti/kvm-state/{cluster.instance(NAME).uuid}/nvram.fd"


def mark(cluster, number: int, word: bytes) -> None:
    """Change the variables of the stopped guest as its system would have."""
    with open(nvram(cluster, number), "r+b") as fobj:
        fobj.seek(1 << 18)
        fobj.write(word)


def marked(cluster, number: int, word: bytes) -> bool:
    with open(nvram(cluster, number), "rb") as fobj:
        return word in fobj.read()


@needs_ovmf
def test_uefi_variables_follow_a_stopped_guest(cluster):
    cluster.add(hypervisor="kvm", hvparams={**PARAMETERS, "boot_type": "uefi"}, nics=[],
                ignore_ipolicy=True, beparams={"memory": 64})
    run(cluster, "SHUTDOWN", timeout=0)
    mark(cluster, 1, b"written on node1")
    run(cluster, "FAILOVER", target_node="node2.example.org", shutdown_timeout=0)
    assert marked(cluster, 2, b"written on node1")

    # the node dies; there is no copy on the third, one of former days on the first
    run(cluster, "STARTUP")
    root = cluster.nodes.roots[cluster.address(2)]
    with open(f"{root}/var/run/ganeti/kvm-hypervisor/pid/{NAME}", encoding="ascii") as fobj:
        os.kill(int(fobj.read()), signal.SIGKILL)
    cluster.nodes.dead.add(cluster.address(2))
    cluster.log.clear()
    run(cluster, "FAILOVER", target_node="node3.example.org", ignore_consistency=True,
        shutdown_timeout=0)
    assert any("has no copy" in line and "begin anew" in line for line in cluster.log)
    assert not marked(cluster, 3, b"written on node1")
    cluster.nodes.dead.clear()


@needs_ovmf
def test_uefi_variables_are_gone_with_the_instance(cluster):
    cluster.add(hypervisor="kvm", hvparams={**PARAMETERS, "boot_type": "uefi"}, nics=[],
                ignore_ipolicy=True, beparams={"memory": 64})
    run(cluster, "MIGRATE", target_node="node2.example.org")
    directories = [os.path.dirname(nvram(cluster, number)) for number in (1, 2)]
    assert all(os.path.isdir(path) for path in directories), "the source keeps its copy"
    run(cluster, "REMOVE", shutdown_timeout=0)
    assert not any(os.path.isdir(path) for path in directories)
