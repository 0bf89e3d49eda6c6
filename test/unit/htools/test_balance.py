"""Rounds of moves: what they promise is what comes out, and what must not break does not."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ganeti.htools import balance, moves, rounds, score, search, state, tags
from ganeti.htools.load import prepare, text
from test.bench import clusters

NORMAL = rounds.Rules()
#: Scores that are promised before a move and counted after it differ by rounding only.
PROMISE = 1e-9


def strange(seed):
    cluster = clusters.strange(seed)
    prepare.prepare(cluster)
    return state.State(cluster, tags.meaning(cluster))


def nodes_of(whole):
    return whole.nodes_of_group(whole.cluster.groups[0])


def every_move(whole, nodes, evacuate=False):
    """The best move, all of them judged."""
    insts = balance.movable(whole, nodes, evacuate)
    found = moves.judge(rounds.Round(whole, nodes, insts, NORMAL), insts).found
    return found.move if found else None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
@example(712)
def test_a_promised_score_is_the_score(seed):
    whole = strange(seed)
    nodes = nodes_of(whole)
    for _ in range(3):
        move = every_move(whole, nodes)
        if move is None:
            return
        balance.apply(whole, move)
        assert score.score(whole, nodes) == pytest.approx(move.score, abs=PROMISE)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
@example(712)
def test_every_promised_score_is_the_score(seed):
    whole = strange(seed)
    nodes = nodes_of(whole)
    insts = balance.movable(whole, nodes, False)[:4]
    around = rounds.Round(whole, nodes, insts, NORMAL)
    if not len(insts) or not around.count:
        return
    arrays = moves.Block(around, insts).scores()
    for kind, array in enumerate(arrays):
        for row, column in zip(*np.nonzero(np.isfinite(array)), strict=True):
            move = moves.Block(around, insts)
            other = whole.copy()
            inst, new = int(insts[row]), int(around.online[column])
            pri, sec = int(move.pri[row]), int(move.sec[row])
            ends = {0: (pri, new), 1: (new, pri), 2: (new, sec), 3: (sec, new), 4: (sec, pri)}
            other.move(inst, *ends[kind])
            assert score.score(other, nodes) == pytest.approx(array[row, column], abs=PROMISE)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
@example(712, False)
def test_what_is_remembered_of_a_round_leads_to_the_same_move(seed, evacuate):
    whole = strange(seed)
    nodes = nodes_of(whole)
    memory = search.Search(whole, nodes, NORMAL)
    for _ in range(6):
        move = memory.best(balance.movable(whole, nodes, evacuate))
        assert move == every_move(whole, nodes, evacuate)
        if move is None:
            return
        memory.touched(balance.apply(whole, move).nodes)


def test_few_instances_are_judged_again(monkeypatch):
    cluster = clusters.realistic(20)
    prepare.prepare(cluster)
    whole = state.State(cluster, tags.meaning(cluster))
    nodes = nodes_of(whole)
    judged = []
    judge = moves.judge

    def counted(around, insts, columns=None):
        judged.append(len(insts) * (around.count if columns is None else len(columns)))
        return judge(around, insts, columns)
    monkeypatch.setattr(moves, "judge", counted)
    steps = balance.balance(whole, nodes, NORMAL, balance.Goal(max_length=12))
    assert len(steps) == 12
    assert sum(judged) < 12 * len(whole.instances) * len(nodes) * 0.6


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_balancing_breaks_nothing_and_ends(seed):
    whole = strange(seed)
    nodes = nodes_of(whole)
    online = ~whole.offline
    failing = whole.fail_n1.copy()
    over = whole.raw[state.CPU] > whole.hi_cpu
    leaving = whole.offline[whole.pri] | whole.offline[whole.sec]
    steps = balance.balance(whole, nodes, NORMAL, balance.Goal())
    scores = [step.score for step in steps]
    assert scores == sorted(scores, reverse=True)
    if not leaving.any():
        assert not (whole.fail_n1 & ~failing & online).any()
        assert not ((whole.raw[state.CPU] > whole.hi_cpu) & ~over & online).any()
    assert not balance.balance(whole, nodes, NORMAL, balance.Goal())


def test_the_moves_of_the_original(small):
    whole = state.State(small, tags.meaning(small))
    steps = balance.balance(whole, nodes_of(whole), NORMAL, balance.Goal())
    assert [(step.inst, step.kind, step.new, round(step.score, 8)) for step in steps] == [
        (4, moves.FAILOVER_REPLACE_FAILOVER, (2, 0), 8.80308710),
        (2, moves.REPLACE_FAILOVER, (2, 0), 2.80389590),
        (1, moves.FAILOVER_REPLACE, (1, 2), 1.68483405)]


def kinds(small, rules, **goal):
    whole = state.State(small, tags.meaning(small))
    return {step.kind for step in balance.balance(whole, nodes_of(whole), rules,
                                                  balance.Goal(**goal))}


def test_without_disk_moves_only_failovers(small):
    small.nodes[1].f_mem = 31000
    assert kinds(small, rounds.Rules(disk_moves=False)) <= {moves.FAILOVER}
    assert kinds(small, rounds.Rules(disk_moves=False))


def test_without_instance_moves_only_new_secondaries(small):
    assert kinds(small, rounds.Rules(inst_moves=False)) == {moves.REPLACE}


def test_restricted_migration_never_goes_there_and_back(small):
    assert moves.FAILOVER_REPLACE_FAILOVER not in kinds(small, rounds.Rules(restricted=True))


def test_evacuation_touches_only_instances_of_offline_nodes(small):
    whole = state.State(small, tags.meaning(small))
    steps = balance.balance(whole, nodes_of(whole), NORMAL, balance.Goal(evacuate=True))
    assert {step.inst for step in steps} == {2, 4}
    assert not whole.pri_count[3] and not whole.sec_count[3]


def test_chosen_instances_only(small):
    prepare.prepare(small, prepare.Wishes(select_instances=["inst3"]))
    whole = state.State(small, tags.meaning(small))
    assert balance.movable(whole, nodes_of(whole), False).tolist() == [2]
    prepare.prepare(small, prepare.Wishes(exclude_instances=["inst3"]))
    assert 2 not in balance.movable(whole, nodes_of(whole), False)


def test_length_and_gain_limit_the_solution(small):
    whole = state.State(small, tags.meaning(small))
    assert len(balance.balance(whole, nodes_of(whole), NORMAL,
                               balance.Goal(max_length=1))) == 1
    assert not balance.balance(whole, nodes_of(whole), NORMAL,
                               balance.Goal(min_gain=50.0, min_gain_limit=100.0))


def test_moves_that_share_no_node_go_into_one_set():
    def step(inst, *nodes):
        return balance.Step(inst, 0, nodes[:2], nodes[2:], 0.0)
    sets = balance.job_sets([step(0, 0, 1, 0, 2), step(1, 3, 4, 3, 5), step(2, 0, 6, 0, 7)])
    assert [[one.inst for one in some] for some in sets] == [[0], [1, 2]]
    # recorded from the original: sets are filled from the end
    sets = balance.job_sets([step(0, 0, -1, 3, -1), step(1, 2, -1, 4, -1), step(2, 0, -1, 1, -1),
                             step(3, 2, -1, 3, -1), step(4, 0, -1, 4, -1)])
    assert [[one.inst for one in some] for some in sets] == [[0], [1, 2], [3, 4]]


def test_migration_tags_keep_guests_apart():
    cluster = text.parse(
        "g|u|preferred\n\n"
        "a|10000|0|5904|1000|1000|8|N|u|1|hv:new\nb|10000|0|10000|1000|1000|8|N|u|1|hv:old\n\n"
        "i|4096|10|1|running|Y|a||ext|\nj|1024|10|1|running|Y|a||ext|\n\n"
        "htools:migration:hv\n\n")
    prepare.prepare(cluster)
    whole = state.State(cluster, tags.meaning(cluster))
    assert not balance.balance(whole, nodes_of(whole), NORMAL, balance.Goal())
    cluster.tags = (*cluster.tags, "htools:allowmigration:hv:new::hv:old")
    whole = state.State(cluster, tags.meaning(cluster))
    assert balance.balance(whole, nodes_of(whole), NORMAL, balance.Goal())
