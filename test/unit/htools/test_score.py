"""The metric: against numbers of the original, and against itself after moves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganeti.htools import model, score, state, tags
from ganeti.htools.load import text
from test.bench import clusters


def state_of(cluster: model.Cluster) -> state.State:
    return state.State(cluster, tags.meaning(cluster))


def test_components_of_a_small_cluster(small):
    values = score.components(state_of(small))
    assert values["free_mem_cv"] == pytest.approx(0.14685234, abs=1e-8)
    assert values["reserved_mem_cv"] == pytest.approx(0.11121957, abs=1e-8)
    assert values["free_mem_cv_forth"] == pytest.approx(0.17184498, abs=1e-8)
    assert values["offline_all_cnt"] == 2
    assert score.total(values) == pytest.approx(30.27532425, abs=1e-8)


def test_memory_that_is_just_enough_fails_only_after_a_touch(small):
    cluster = state_of(small)
    node = 1
    cluster.raw[state.MEM, node] = cluster.r_mem[node]
    cluster._sum_up_reserves()
    assert not cluster.fail_n1[node]
    cluster.touch(node)
    assert cluster.fail_n1[node]


def test_too_much_reported_memory_is_clipped_but_not_for_forthcoming(small):
    small.nodes[2].f_mem += 500
    before, after = state_of(small), None
    small.nodes[2].f_mem -= 500
    after = state_of(small)
    assert before.raw[state.MEM, 2] == after.raw[state.MEM, 2]
    assert before.raw[state.MEM_F, 2] == after.raw[state.MEM_F, 2] + 500


def test_optimum_of_one_node_is_zero():
    cluster = text.parse("g|u|preferred\n\nn|100|1|99|10|10|1|N|u\n\n\n\n\n")
    assert score.optimal(state_of(cluster)) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_carried_on_sums_are_recomputed_sums(seed, data):
    cluster = clusters.strange(seed)
    carried = state_of(cluster)
    for _ in range(5):
        if not carried.instances or carried.node_count < 2:
            return
        inst = data.draw(st.integers(0, len(carried.instances) - 1))
        pri, sec = data.draw(st.permutations(range(carried.node_count)))[:2]
        carried.move(inst, pri, sec if carried.sec[inst] != state.NONE else state.NONE)
    anew = score.components(carried.recomputed())
    for name, value in score.components(carried).items():
        assert value == pytest.approx(anew[name], abs=1e-9), name
