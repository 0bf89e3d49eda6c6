"""What is said of an instance follows from what its nodes say."""

import pytest

from ganeti import query
from ganeti.query import NO_ANSWER, NODE_OFFLINE, Answer
from test import model
from test.querysource import Source

RUNS = {"memory": 512, "vcpus": 2, "state": 0, "time": 1.5}
STOPPED_BY_USER = {**RUNS, "state": 1}


def ask(fields, *, primary, other=None, **changes):
    """Query web1, whose nodes answer like this."""
    config = model.config(1)
    web1 = config.expand_instance("web1").replace(**changes)
    config = config.with_changes([web1])
    first, second = config.instance_nodes(web1)
    if primary is NODE_OFFLINE:
        config = config.with_changes([config.node(first).replace(offline=True)])
    answers = {first: primary, second: Answer.normal(other or {})}
    source = Source(config, live_instances=answers, consoles={
        web1.uuid: Answer.normal({"kind": "msg"})})
    row = query.run("instance", source, fields)["data"][0]
    return row if len(row) > 1 else row[0]


def on_primary(info=None):
    return Answer.normal({"web1.example.org": info} if info else {})


@pytest.mark.parametrize(("primary", "other", "changes", "expected"), [
    (on_primary(RUNS), None, {"admin_state": "up"}, "running"),
    (on_primary(RUNS), None, {"admin_state": "down"}, "ERROR_up"),
    (on_primary(RUNS), None, {"admin_state": "offline"}, "ERROR_up"),
    (on_primary(), None, {"admin_state": "up"}, "ERROR_down"),
    (on_primary(), None, {"admin_state": "down"}, "ADMIN_down"),
    (on_primary(), None, {"admin_state": "down", "admin_state_source": "user"}, "USER_down"),
    (on_primary(), None, {"admin_state": "offline"}, "ADMIN_offline"),
    (on_primary(), {"web1.example.org": RUNS}, {"admin_state": "up"}, "ERROR_wrongnode"),
    (on_primary(STOPPED_BY_USER), None, {"admin_state": "up"}, "ERROR_down"),
    (NO_ANSWER, None, {"admin_state": "up"}, "ERROR_nodedown"),
    (NODE_OFFLINE, None, {"admin_state": "up"}, "ERROR_nodeoffline"),
])
def test_status(primary, other, changes, expected):
    assert ask(["status"], primary=primary, other=other, **changes) == [0, expected]


def test_a_users_shutdown_counts_where_it_is_enabled():
    config = model.config(1)
    config = config.with_changes([config.cluster.replace(enabled_user_shutdown=True)])
    web1 = config.expand_instance("web1")
    first, second = config.instance_nodes(web1)
    source = Source(config, live_instances={
        first: on_primary(STOPPED_BY_USER), second: Answer.normal({})})
    assert query.run("instance", source, ["status"])["data"] == [[[0, "USER_down"]]]


@pytest.mark.parametrize(("primary", "expected"), [
    (on_primary(RUNS), [[0, True], [0, 512], [0, 2]]),
    (on_primary(), [[0, False], [3, None], [3, None]]),
    (on_primary({**RUNS, "memory": -1}), [[0, True], [3, None], [0, 2]]),
    (NO_ANSWER, [[2, None]] * 3),
    (NODE_OFFLINE, [[4, None]] * 3),
])
def test_what_a_running_instance_has(primary, expected):
    assert ask(["oper_state", "oper_ram", "oper_vcpus"], primary=primary) == expected


def test_the_console_of_a_running_instance():
    assert ask(["console"], primary=on_primary(RUNS)) == [0, {"kind": "msg"}]
    assert ask(["console"], primary=on_primary()) == [3, None]


def test_nodes_are_asked_once_for_all_instances():
    source = Source(model.config(12), live_instances={})
    query.run("instance", source, ["status", "oper_ram", "oper_state"])
    assert [name for name, _args in source.asked] == ["live_instances"]
