"""Shared checks: user id pools, parameters of cluster, groups and nodes, policies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti import constants, errors
from ganeti.cmdlib.checks import parameters, uids


@pytest.mark.parametrize(("pool", "text"), [
    ([(5, 2)], "ends before"), ([(1, 5), (3, 9)], "overlap"),
    ([(-1, 5)], "not within"), ([(0, 2 ** 32)], "not within"),
])
def test_impossible_pools(pool, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        uids.checked(pool)


@given(st.lists(st.integers(0, 500), unique=True, min_size=2, max_size=20))
def test_adding_and_removing_ranges_is_the_same_as_before(numbers):
    numbers.sort()
    ranges = [[low, high] for low, high in zip(numbers[::2], numbers[1::2], strict=False)]
    first, rest = ranges[:1], ranges[1:]
    assert uids.removed(uids.added(first, rest), rest) == first


def test_merged_levels_drop_what_is_empty():
    old = {"a": {"x": 1, "y": 2}, "b": {"x": 1}}
    assert parameters.merged_levels(old, {"a": {"x": "default"}, "b": {"x": None}}) == {
        "a": {"y": 2}}
    assert old["a"] == {"x": 1, "y": 2}


def test_values_come_in_their_types():
    assert parameters.node_parameters({"spindle_count": "7", "ssh_port": "default"}, "p") == {
        "spindle_count": 7, "ssh_port": "default"}
    assert parameters.disk_parameters({"drbd": {"resync-rate": "10"}}, "p") == {
        "drbd": {"resync-rate": 10}}
    assert parameters.hypervisor_parameters({"kvm": {"acpi": "yes"}}, "p") == {
        "kvm": {"acpi": True}}


@pytest.mark.parametrize("call", [
    lambda: parameters.node_parameters({"nope": 1}, "p"),
    lambda: parameters.disk_parameters({"drdb": {}}, "p"),
    lambda: parameters.disk_parameters({"drbd": {"nope": 1}}, "p"),
    lambda: parameters.hypervisor_parameters({"kvmm": {}}, "p"),
    lambda: parameters.merged_hv_state({}, {"kvm": 5}),
    lambda: parameters.merged_hv_state({}, {"vmware": {}}),
    lambda: parameters.merged_disk_state({}, {"plain": {"vg": 5}}),
])
def test_what_is_unknown_is_named(call):
    with pytest.raises(errors.OpPrereqError) as info:
        call()
    assert info.value.args[1] == errors.ECODE_INVAL


def bounds(low, high):
    specs = constants.ipolicy_defaults()["minmax"][0]
    return {"min": {**specs["min"], "cpu-count": low}, "max": {**specs["max"], "cpu-count": high}}


def test_policies_are_checked_as_a_whole():
    old = constants.ipolicy_defaults()
    new = parameters.changed_policy(old, {"minmax": [bounds(1, 2), bounds(4, 4)],
                                          "std": {"cpu-count": 2}}, of_group=False)
    assert new["std"]["cpu-count"] == 2 and len(new["minmax"]) == 2
    for change, text in (({"std": {"cpu-count": 99}}, "within none"),
                         ({"minmax": [bounds(5, 4)]}, "above the maximum"),
                         ({"vcpu-ratio": None}, "can not be taken away"),
                         ({"minmax": [{"min": {}}]}, "minmax"),
                         ({"disk-templates": ["floppy"]}, "disk-templates")):
        with pytest.raises(errors.OpPrereqError, match=text):
            parameters.changed_policy(old, change, of_group=False)


def test_a_group_gives_a_value_back():
    assert parameters.changed_policy({"vcpu-ratio": 2.0, "spindle-ratio": 3.0},
                                     {"vcpu-ratio": "default"}, of_group=True) == {
        "spindle-ratio": 3.0}
