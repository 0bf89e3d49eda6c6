"""Who asks for, and who gets, what a guest keeps beside its disks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ganeti import constants, errors
from ganeti.cmdlib.instance import state
from test import masterside

NAME = "web1.example.org"
STATE = {"saved": 1700000000.0, "files": {"nvram.fd": "eJwDAAAAAAE="}}
N1, N2, N3 = (masterside.new_uuid(number) for number in (1, 2, 3))


class Story:
    """A unit as the steps see it, on nodes that answer from a script."""

    def __init__(self, **hvparams: object) -> None:
        disk = masterside.make_drbd(NAME)
        self.instance = masterside.make_instance(
            NAME, hypervisor=constants.HT_KVM, hvparams=hvparams, disks=[disk.uuid])
        self.config = masterside.make_config(instances=[self.instance], disks=[disk])
        self.nodes = masterside.ScriptedNodes(lambda: self.config)
        self.nodes.answer("instance_state_get", STATE)
        self.nodes.answer("instance_state_put", None)
        self.warnings: list[str] = []
        self.unit = SimpleNamespace(config=self.config, rpc=self.nodes, feedback=SimpleNamespace(
            warning=self.warnings.append))

    def asked(self) -> list[str]:
        return [node for node, _ in self.nodes.called("instance_state_get")]

    def given(self) -> list[tuple[str, object]]:
        return [(node, args[1]) for node, args in self.nodes.called("instance_state_put")]


@pytest.fixture
def story(node_root):
    return Story(boot_type="uefi")


def test_an_instance_that_keeps_nothing_costs_no_call(node_root):
    story = Story(kernel_path="")
    state.mirror(story.unit, story.instance)
    state.carry(story.unit, story.instance, N1, N2)
    state.follow(story.unit, story.instance, N1, N2, lost=True, force=True)
    state.forget(story.unit, story.instance)
    assert story.nodes.calls == [] and story.warnings == []


@pytest.mark.parametrize("hvparams", [{"boot_type": "uefi"}, {"vtpm": True}])
def test_the_secondary_gets_a_copy_of_a_stopped_guest(node_root, hvparams):
    story = Story(**hvparams)
    state.mirror(story.unit, story.instance)
    assert story.asked() == ["node1.example.com"]
    assert story.given() == [("node2.example.com", STATE)]


def test_a_copy_that_can_not_be_made_is_no_failure_of_the_stop(story):
    story.nodes.answer("instance_state_put", RuntimeError("disk full"))
    state.mirror(story.unit, story.instance)
    assert "disk full; the copy on the secondary node is an older one" in story.warnings[0]


def test_a_guest_that_never_ran_has_nothing_to_copy(story):
    story.nodes.answer("instance_state_get", None)
    state.mirror(story.unit, story.instance)
    assert story.given() == [] and story.warnings == []


def test_a_guest_does_not_go_without_its_state_unless_forced(story):
    story.nodes.answer("instance_state_put", RuntimeError("disk full"))
    with pytest.raises(errors.OpExecError, match="disk full; --ignore-consistency goes on"):
        state.follow(story.unit, story.instance, N1, N2, lost=False, force=False)
    state.follow(story.unit, story.instance, N1, N2, lost=False, force=True)
    assert "disk full" in story.warnings[0]
    assert "a copy of; they are those of 2023-11-1" in story.warnings[1]


def test_a_lost_node_is_not_asked(story):
    state.follow(story.unit, story.instance, N1, N2, lost=True, force=False)
    assert story.asked() == ["node2.example.com"] and story.given() == []
    assert "a copy of; they are those of 2023-11-1" in story.warnings[0]
    story.nodes.answer("instance_state_get", None)
    state.follow(story.unit, story.instance, N1, N3, lost=True, force=False)
    assert "Node node3.example.com has no copy" in story.warnings[1]
    assert "recovery key" in story.warnings[1]


def test_all_nodes_forget_what_is_removed(story):
    state.forget(story.unit, story.instance)
    assert story.given() == [(f"node{number}.example.com", None) for number in (1, 2, 3)]
    story.nodes.answer("instance_state_put", RuntimeError("read-only"))
    state.forget(story.unit, story.instance, [N2])
    assert "stays on node node2.example.com" in story.warnings[0] and len(story.warnings) == 1
