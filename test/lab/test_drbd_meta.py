"""Meta data of DRBD 9, written and read by the real drbdmeta, which needs no module for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from ganeti.storage.drbd import dialect, generations
from test.lab.vm.lab import Lab
from test.lab.vm.machine import Machine

MINOR = 99
ENDS = dialect.Ends(minor=MINOR, node_id=0, peer_id=1)


@pytest.fixture
def volume(vm_cluster: Lab) -> Iterator[tuple[Machine, str]]:
    node = vm_cluster.node(1)
    node.run(f"lvcreate -qq -Wn -L 16m -n drbd9meta {vm_cluster.vg}")
    yield node, f"/dev/{vm_cluster.vg}/drbd9meta"
    node.run(f"lvremove -qq -f {vm_cluster.vg}/drbd9meta")


def test_fresh_meta_data_tell_their_generation(volume: tuple[Machine, str]) -> None:
    node, path = volume
    language = dialect.of_version(9)
    for argv in (language.create_meta(MINOR, path), language.apply_log(MINOR, path)):
        node.run(shlex.join(argv))
    text = node.run(shlex.join(language.stored_generation(ENDS, path)))
    assert generations.parse(text).fresh
    again = node.run(shlex.join(language.create_meta(MINOR, path)))
    assert "successfully created" in again, "--force goes over what is there"
