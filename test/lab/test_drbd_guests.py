"""Containers that run from mirrored disks, also through the loss of their node.

What a container has on its root file system after fsync has to be there on the other node.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from test.lab.mirrors import (
    chain_writer,
    checksum,
    data_volumes,
    in_sync,
    inside,
    load_module,
    require_chain,
    states,
    stop_writers,
    value,
)
from test.lab.vm.lab import Lab
from test.waiting import wait_until

UNCHECKED = ("--no-name-check", "--no-ip-check")
#: The lab's kernel has AppArmor, its nodes have no profiles for it
CONTAINER = ("-H", "lxc:extra_config=lxc.apparmor.profile=unconfined", "-s", "24m", "-B",
             "memory=64", "-o", "demo-container+default", *UNCHECKED)


@pytest.fixture(scope="module")
def lab(three_nodes: Lab) -> Iterator[Lab]:
    """The cluster with lxc beside kvm; no disks are left in the end."""
    load_module(three_nodes)
    found = re.search(r"Enabled hypervisors: (.*)", three_nodes.gnt("gnt-cluster", "info"))
    assert found is not None
    enabled = found[1].replace(" ", "")
    three_nodes.gnt("gnt-cluster", "modify", f"--enabled-hypervisors={enabled},lxc")
    yield three_nodes
    three_nodes.mend()
    load_module(three_nodes)
    for name in three_nodes.gnt("gnt-instance", "list", "--no-headers", "-o", "name").split():
        three_nodes.gnt("gnt-instance", "remove", "-f", "--shutdown-timeout=0", name)
    three_nodes.gnt("gnt-cluster", "modify", f"--enabled-hypervisors={enabled}")
    for node in three_nodes.nodes:
        assert not states(three_nodes, node.number).strip(), "a minor is left"
        assert not node.run("lvs --noheadings -o lv_name xenvg").split(), "a volume is left"


@pytest.fixture(autouse=True)
def _quiet(lab: Lab) -> Iterator[None]:
    yield
    for node in lab.nodes:
        stop_writers(node)


@pytest.fixture(scope="module")
def box(lab: Lab) -> str:
    """A container that runs from a mirrored disk on node1."""
    lab.gnt("gnt-instance", "add", "-t", "drbd", *CONTAINER, "-n", "node1:node2", "box")
    return "box"


def inner(lab: Lab, number: int, name: str, command: str) -> str:
    return lab.node(number).run(f"{inside(name)} {command}")


def test_a_container_outlives_its_node(lab: Lab, box: str) -> None:
    inner(lab, 1, box, "sync")
    writer = chain_writer(lab, 1, box)
    time.sleep(3)
    lab.kill(1)
    last = writer.gone()
    lab.gnt("gnt-node", "modify", "--offline=yes", "node1")
    lab.gnt("gnt-instance", "failover", "-f", box)
    assert value(lab, "pnode,status", box).split() == ["node2", "running"]
    assert inner(lab, 2, box, "cat /var/boots").strip() == "2"
    require_chain(inner(lab, 2, box, "cat /var/chain"), last)
    writer = chain_writer(lab, 2, box)
    lab.start(1)
    load_module(lab)
    lab.gnt("gnt-node", "add", "--readd", "--no-ssh-key-check", "node1")
    lab.gnt("gnt-instance", "activate-disks", "--wait-for-sync", box)
    assert "ERROR" not in lab.gnt("gnt-cluster", "verify-disks")
    last = writer.end()
    require_chain(inner(lab, 2, box, "cat /var/chain"), last)
    wait_until(lambda: in_sync(lab, 2), "the copies are equal again")
    said = lab.try_gnt("gnt-cluster", "verify").stdout
    assert box not in "".join(line for line in said.splitlines() if "ERROR" in line)


def test_a_container_fails_over_where_it_can_not_migrate(lab: Lab, box: str) -> None:
    refused = lab.try_gnt("gnt-instance", "migrate", "-f", box)
    assert refused.returncode == 1
    assert "failover" in refused.stderr
    number = int(value(lab, "pnode", box)[-1])
    boots = int(inner(lab, number, box, "cat /var/boots"))
    writer = chain_writer(lab, number, box)
    time.sleep(1)
    lab.gnt("gnt-instance", "failover", "-f", box)
    last = writer.gone()
    assert value(lab, "pnode,status", box).split() == [f"node{3 - number}", "running"]
    require_chain(inner(lab, 3 - number, box, "cat /var/chain"), last)
    assert int(inner(lab, 3 - number, box, "cat /var/boots")) == boots + 1
    assert inner(lab, 3 - number, box, "cat /var/last-words") == "GUEST-DOWN\n", "it was told"


def test_an_allocator_finds_another_secondary_and_a_name_changes(lab: Lab, box: str) -> None:
    number = int(value(lab, "pnode", box)[-1])
    former = value(lab, "snodes", box)
    writer = chain_writer(lab, number, box)
    # what the allocator counts for the node itself is more than these have
    lab.gnt("gnt-cluster", "modify", "-I", "hail",
            "--default-iallocator-params=static-kvm-node-memory=0")
    lab.gnt("gnt-node", "evacuate", "-f", "-s", former)
    last = writer.end()
    assert value(lab, "snodes", box) == "node3"
    assert not data_volumes(lab, int(former[-1]))
    require_chain(inner(lab, number, box, "cat /var/chain"), last)
    lab.gnt("gnt-instance", "shutdown", box)
    lab.gnt("gnt-instance", "modify", "-t", "plain", box)
    lab.gnt("gnt-instance", "rename", "-f", *UNCHECKED, box, "plainbox")
    lab.gnt("gnt-instance", "modify", "-t", "drbd", "-n", "node3", "plainbox")
    assert checksum(lab, number) == checksum(lab, 3)
    lab.gnt("gnt-instance", "rename", "-f", *UNCHECKED, "plainbox", "crate")
    for node in (number, 3):
        owner = lab.node(node).run("lvs --noheadings -o lv_tags xenvg").split()
        assert set(owner) == {"originstname+crate"}
    lab.gnt("gnt-instance", "startup", "crate")
    assert inner(lab, number, "crate", "cat /etc/guest").startswith("name=crate "), (
        "the OS has written the new name to the mirror")
    require_chain(inner(lab, number, "crate", "cat /var/chain"), last)
    lab.gnt("gnt-instance", "remove", "-f", "--shutdown-timeout=0", "crate")
