"""How many more fit, and is it healthy."""

import pytest

from ganeti.htools import balance, capacity, health, model, redundancy, rounds, state, tags
from ganeti.htools.load import prepare, simulate


def whole_of(*specs):
    cluster = simulate.load(specs)
    prepare.prepare(cluster)
    return state.State(cluster, tags.meaning(cluster))


SPEC = model.Spec(1024, 1, 10240)


def test_copies_until_no_memory_is_left():
    whole = whole_of("p,4,100g,8g,8")
    result = capacity.Filling(whole, capacity.Wanted("plain", capacity_checks=False)).standard(SPEC)
    # the last MiB of a node stays free: 7 of 8 on each
    assert len(result.placed) == 28 and result.reason == "FailMem"
    assert [inst.name for inst in result.state.instances[:2]] == ["new-0", "new-1"]
    assert not whole.instances


def test_the_loss_of_any_node_is_survivable():
    whole = whole_of("p,4,100g,8g,8")
    result = capacity.Filling(whole, capacity.Wanted("ext")).standard(SPEC)
    assert len(result.placed) == 21
    assert not redundancy.failing(result.state, result.state.nodes_of_group(
        whole.cluster.groups[0]))


def test_a_limit_ends_the_run():
    whole = whole_of("p,4,100g,8g,8")
    assert len(capacity.Filling(whole, capacity.Wanted("drbd", 3)).standard(SPEC).placed) == 3


def test_the_tiered_run_of_the_original():
    """hspace --simulate p,4,100g,32g,8 -l 9 --disk-template drbd of ganeti-htools 3.0.2"""
    whole = whole_of("p,4,100g,32g,8")
    start = whole.cluster.policy.minmax[0][1]
    result = capacity.Filling(whole, capacity.Wanted("drbd", 9)).tiered(
        [model.Spec(start.memory, start.cpu, start.disk, 1, 1, start.spindle_use)])
    assert [(spec.memory, spec.disk, spec.cpu, count) for spec, count in result.specs] == [
        (32704, 102144, 8, 2)]


def test_the_last_resort_is_filled_last_and_the_unallocable_never():
    whole = whole_of("l,2,100g,8g,8", "p,2,100g,8g,8", "u,2,100g,8g,8")
    result = capacity.Filling(whole, capacity.Wanted("plain", 15, False)).standard(SPEC)
    groups = [int(whole.group_of[result.state.pri[inst]]) for inst in result.placed]
    assert groups == [1] * 14 + [0]


@pytest.mark.parametrize("accept, count", [(False, 0), (True, 2)])
def test_a_cluster_that_is_not_redundant_is_not_filled(small, accept, count):
    small.instances[0].mem = 30000
    whole = state.State(small, tags.meaning(small))
    assert whole.fail_n1.any()
    result = capacity.Filling(whole, capacity.Wanted("plain", 2, False,
                                                     accept_existing=accept)).standard(SPEC)
    assert len(result.placed) == count
    assert accept or result.reason == "FailN1"


def test_health_before_and_after(small):
    whole = state.State(small, tags.meaning(small))
    nodes = whole.nodes_of_group(small.groups[0])
    now = health.judge(whole, nodes, capacity=True)
    assert (now.offline_pri, now.offline_sec, now.n1_fail, now.gn1_fail) == (1, 1, 0, 0)
    later = health.judge(health.rebalanced(whole, small.groups, rounds.Rules(), balance.Goal()),
                         nodes, capacity=False)
    assert later.offline_pri == 0 and later.gn1_fail is None and not health.total([now]).healthy
