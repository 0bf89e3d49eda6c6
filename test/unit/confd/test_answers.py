"""What confd answers from a configuration, and what it refuses to."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti import constants, objects
from ganeti.confd import answers, messages, server
from test import masterside

KEY = "0123456789abcdef"
NOW = 1_700_000_000


def nic(number, link, ip):
    return objects.Nic(uuid=f"nic{number}", mac=f"aa:00:00:00:00:0{number}", ip=ip,
                       nicparams={constants.NIC_LINK: link} if link else {})


@pytest.fixture(scope="module")
def config():
    drbd = masterside.make_drbd("web", minors=(4, 7))
    web = masterside.make_instance("web", disks=[drbd.uuid], osparams_private={"pw": "hunter2"},
                                   nics=[nic(1, "", "192.0.2.101"), nic(2, "br1", "192.0.2.102")])
    db = masterside.make_instance("db", node=2, nics=[nic(3, "", "192.0.2.103")])
    nodes = [masterside.make_node(1), masterside.make_node(2),
             masterside.make_node(3, master_candidate=False),
             masterside.make_node(4, master_candidate=False, offline=True),
             masterside.make_node(5, master_candidate=False, drained=True)]
    return masterside.make_config(
        nodes=nodes, instances=[web, db], disks=[drbd],
        osparams_private_cluster={"os": {"pw": "hunter2"}},
        data_collectors={"lv": {"active": True, "interval": 5}})


def ask(config, kind, query=None):
    return answers.answer(config, messages.new_request(kind, query))


def good(config, kind, query=None):
    reply = ask(config, kind, query)
    assert reply.ok, reply
    return reply.answer


def refusal(config, kind, query=None):
    reply = ask(config, kind, query)
    assert reply.status == constants.CONFD_REPL_STATUS_ERROR
    return reply.answer


def test_ping_needs_no_serial(config):
    assert ask(config, constants.CONFD_REQ_PING) == messages.Reply(0, config.version, 0)


@pytest.mark.parametrize(("number", "role"), [(1, 0), (2, 1), (4, 2), (5, 3), (3, 4)])
def test_roles_of_nodes(config, number, role):
    assert good(config, constants.CONFD_REQ_NODE_ROLE_BYNAME, f"node{number}.example.com") == role


def test_primary_nodes_by_instance_address(config):
    kind = constants.CONFD_REQ_NODE_PIP_BY_INSTANCE_IP
    assert good(config, kind, {"1": "192.0.2.103"}) == "192.0.2.2"
    assert good(config, kind, {"1": "192.0.2.102", "0": "br1"}) == "192.0.2.1"
    # an address counts on its own link only
    assert refusal(config, kind, {"1": "192.0.2.102"}) == constants.CONFD_ERROR_UNKNOWN_ENTRY
    got = good(config, kind, {"2": ["192.0.2.101", "192.0.2.9", 5]})
    assert got == [[0, "192.0.2.1", 1], [1, constants.CONFD_ERROR_UNKNOWN_ENTRY, 1],
                   [1, constants.CONFD_ERROR_ARGUMENT, 1]]


def test_the_master(config):
    kind = constants.CONFD_REQ_CLUSTER_MASTER
    assert good(config, kind) == "node1.example.com"
    assert good(config, kind, {"3": ["2", "0", "1"]}) == ["192.0.2.1", "node1.example.com",
                                                          "192.0.2.200"]
    assert good(config, kind, {"3": [0]}) == ["node1.example.com"]


def test_lists_of_addresses(config):
    assert good(config, constants.CONFD_REQ_NODE_PIP_LIST) == [f"192.0.2.{n}" for n in
                                                               range(1, 6)]
    assert good(config, constants.CONFD_REQ_MC_PIP_LIST) == ["192.0.2.1", "192.0.2.2"]
    assert good(config, constants.CONFD_REQ_INSTANCES_IPS_LIST) == ["192.0.2.101", "192.0.2.103"]
    assert good(config, constants.CONFD_REQ_INSTANCES_IPS_LIST, "br1") == ["192.0.2.102"]


def test_mirrors_of_a_node(config):
    kind = constants.CONFD_REQ_NODE_DRBD
    assert good(config, kind, "node1.example.com") == [
        ["node1.example.com", 4, "web", "disk/0", "primary", "node2.example.com"]]
    assert good(config, kind, "node2.example.com") == [
        ["node2.example.com", 7, "web", "disk/0", "secondary", "node1.example.com"]]


def test_instances_and_disks(config):
    primary, secondary = good(config, constants.CONFD_REQ_NODE_INSTANCES, "node2.example.com")
    assert [item["name"] for item in primary] == ["db"]
    assert [item["name"] for item in secondary] == ["web"]
    disks = good(config, constants.CONFD_REQ_INSTANCE_DISKS, "web")
    assert [disk["dev_type"] for disk in disks] == [constants.DT_DRBD8]


def test_paths_into_the_configuration(config):
    kind = constants.CONFD_REQ_CONFIG_QUERY
    assert good(config, kind, "/cluster/cluster_name") == "cluster.example.com"
    assert good(config, kind, "cluster/enabled_hypervisors/0") == constants.HT_FAKE
    assert good(config, kind, f"nodes/{masterside.new_uuid(2)}/primary_ip") == "192.0.2.2"
    assert len(good(config, kind, "nodes")) == 5
    assert good(config, kind, "version") == config.version
    for wrong in ("nonsense", "cluster/nonsense", "cluster/cluster_name/x", "nodes/__class__",
                  "cluster/enabled_hypervisors/99", "cluster/osparams_private_cluster"):
        assert refusal(config, kind, wrong) == constants.CONFD_ERROR_UNKNOWN_ENTRY


def test_data_collectors(config):
    assert good(config, constants.CONFD_REQ_DATA_COLLECTORS) == {
        "lv": {"active": True, "interval": 5}}


def test_no_answer_holds_private_parameters(config):
    queries = {constants.CONFD_REQ_CONFIG_QUERY: "", constants.CONFD_REQ_NODE_INSTANCES:
               "node1.example.com", constants.CONFD_REQ_INSTANCE_DISKS: "web"}
    for kind, query in queries.items():
        assert "hunter2" not in json.dumps(good(config, kind, query))


@pytest.mark.parametrize("kind", sorted(answers.ANSWERS))
@pytest.mark.parametrize("query", [5, [], {}, "unknown", {"1": None}, {"3": "x"}, {"2": 5}, "",
                                   {"3": ["9"]}, True, {"0": {}, "1": "x"}])
def test_odd_questions_get_an_answer_or_a_refusal(config, kind, query):
    reply = ask(config, kind, query)
    assert reply.status in (constants.CONFD_REPL_STATUS_OK, constants.CONFD_REPL_STATUS_ERROR)
    assert reply.ok or reply.answer in (constants.CONFD_ERROR_UNKNOWN_ENTRY,
                                        constants.CONFD_ERROR_ARGUMENT)


def test_all_types_of_the_catalogue_are_answered(config):
    assert set(answers.ANSWERS) == constants.CONFD_REQS
    assert ask(config, 99).status == constants.CONFD_REPL_STATUS_NOTIMPLEMENTED
    assert ask(None, 0).answer == constants.CONFD_ERROR_INTERNAL


# -- datagrams

def responder(config):
    return server.Responder(lambda: KEY, lambda: config)


def test_a_question_and_its_answer(config):
    request = messages.new_request(constants.CONFD_REQ_CLUSTER_MASTER)
    data = responder(config).respond(messages.pack_request(request, KEY, NOW), "peer", NOW)
    assert data.startswith(b"plj0")
    assert messages.unpack_reply(data, KEY) == (messages.Reply(0, "node1.example.com", 1),
                                                request.rsalt)


@pytest.mark.parametrize("change", [
    lambda data: data[1:], lambda data: b"xxxx" + data[4:], lambda data: data[:-2],
    lambda data: data.replace(b'"hmac":"', b'"hmac":"0'), lambda data: b"plj0",
    lambda data: b"plj0" + b"[" * 5000, lambda data: b"plj0[]", lambda data: b"",
    lambda data: data.replace(b'"salt":"17', b'"salt":"18')])
def test_what_is_not_signed_is_dropped_silently(config, change):
    data = messages.pack_request(messages.new_request(0), KEY, NOW)
    assert responder(config).respond(change(data), "peer", NOW) is None


@given(st.binary(max_size=300))
def test_garbage_is_dropped_silently(data):
    assert responder(None).respond(data, "peer") is None
    assert responder(None).respond(b"plj0" + data, "peer") is None


def test_another_key_or_clock_is_dropped(config):
    request = messages.new_request(0)
    respond = responder(config).respond
    assert respond(messages.pack_request(request, "other", NOW), "peer", NOW) is None
    assert respond(messages.pack_request(request, KEY, NOW - 299), "peer", NOW) is not None
    assert respond(messages.pack_request(request, KEY, NOW - 302), "peer", NOW) is None
    assert respond(messages.pack_request(request, KEY, NOW + 302), "peer", NOW) is None


@pytest.mark.parametrize("message", [
    None, [], {"protocol": 2, "type": 0, "query": None, "rsalt": "x"},
    {"protocol": 1, "type": "0", "query": None, "rsalt": "x"},
    {"protocol": 1, "type": 0, "query": None}, {"protocol": 1, "type": True, "rsalt": "x"}])
def test_signed_nonsense_is_dropped(config, message):
    data = messages._pack(message, KEY, str(NOW))
    assert responder(config).respond(data, "peer", NOW) is None


def test_an_answer_that_does_not_fit_is_refused(config):
    big = masterside.make_config(instances=[
        masterside.make_instance(f"i{n}", osparams={"x": "y" * 1000}) for n in range(100)])
    request = messages.new_request(constants.CONFD_REQ_NODE_INSTANCES, "node1.example.com")
    data = responder(big).respond(messages.pack_request(request, KEY, NOW), "peer", NOW)
    reply, _salt = messages.unpack_reply(data, KEY)
    assert (reply.status, reply.answer) == (constants.CONFD_REPL_STATUS_ERROR,
                                            constants.CONFD_ERROR_INTERNAL)
