"""Who may be the master."""

import pytest

from ganeti import errors
from ganeti.masterd import voting
from ganeti.rpc import result
from test import incluster

ME = "node1.example.org"


class Voters:
    """The nodes' answers, round after round; None is silence."""

    def __init__(self, *rounds):
        self.rounds = list(rounds)
        self.aio = self

    async def multi_within(self, seconds, uuids, call):
        assert call == "master_node_name"
        answers = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        assert len(answers) == len(uuids)
        return {uuid: result.RpcResult(node_uuid=uuid, node_name=uuid, call=call, payload=answer,
                                       fail_msg="" if answer else "silent")
                for uuid, answer in zip(uuids, answers, strict=True)}


async def vote(count, *rounds, config=None):
    config = config or incluster.first_config(count)
    return await voting.require_majority(Voters(*rounds), config, ME, tries=3, pause=0)


async def test_a_single_node_is_its_own_majority():
    assert (await vote(1, [])).won


@pytest.mark.parametrize("count, answers", [
    (3, [ME, None]), (3, [ME, "node3.example.org"]), (5, [ME, ME, None, None]),
])
async def test_more_than_half_is_enough(count, answers):
    assert (await vote(count, answers)).won


@pytest.mark.parametrize("count, answers, text", [
    (2, [None], "1 of 2 votes.*1 nodes silent.*start the node daemons"),
    (3, ["node2.example.org", "node2.example.org"], "2 for node2.*master seems to be node2"),
    (4, [ME, None, None], "2 of 4 votes"),
])
async def test_less_is_not(count, answers, text):
    with pytest.raises(voting.NotMaster, match=text):
        await vote(count, answers)


async def test_silent_nodes_get_time_to_come_up():
    assert (await vote(3, [None, None], [None, ME])).won


async def test_nodes_marked_offline_have_no_vote():
    config = incluster.first_config(3)
    gone = config.nodes[incluster.node_uuid(3)].replace(offline=True, master_candidate=False)
    config = config.with_changes([gone])
    assert (await vote(3, [ME], config=config)).total == 2
    with pytest.raises(errors.GenericError):
        await vote(3, [None], config=config)
