"""What the judges of nodes find in answers."""

from __future__ import annotations

import pytest

from ganeti import constants
from ganeti.cmdlib.cluster.verify import answers, judge_node, view
from test import masterside

NOW = 1_700_000_000.0
HEALTHY = {
    constants.NV_VERSION: [constants.PROTOCOL_VERSION, constants.RELEASE_VERSION],
    constants.NV_TIME: [int(NOW), 0],
    constants.NV_NODESETUP: [], constants.NV_USERSCRIPTS: [], constants.NV_HYPERVISOR:
    {"fake": None}, constants.NV_NODELIST: {}, constants.NV_NODENETTEST: {},
    constants.NV_MASTERIP: True, constants.NV_HVPARAMS: [], constants.NV_OOB_PATHS: [None],
    constants.NV_BRIDGES: [], constants.NV_SSH_SETUP: [],
}


def group_view(payloads=None, config=None, requested=tuple(HEALTHY), **values):
    """A view in which node 2 gives `payloads` besides healthy answers; others are healthy."""
    config = config or masterside.make_config()
    found = {}
    for node in config.nodes.values():
        payload = dict(HEALTHY)
        payload[constants.NV_CLIENT_CERT] = [None, f"digest-{node.name}"]
        if node.name.startswith("node2") and payloads is not None:
            payload.update(payloads)
        found[node.uuid] = answers.parse(node, requested, payload)
    return view.GroupView(config, config.nodegroups[masterside.GROUP], found, NOW - 1, NOW + 1,
                          **values)


def found(judge, *args, **kwargs):
    """(severity, item, text) of every problem."""
    return [(p.severity, p.item, p.text) for p in judge(group_view(*args, **kwargs))]


JUDGES = [judge_node.rpc, judge_node.version, judge_node.clock, judge_node.node_setup,
          judge_node.sysrq,
          judge_node.user_scripts, judge_node.oob_paths, judge_node.hypervisors,
          judge_node.hypervisor_parameters, judge_node.bridges, judge_node.reachability,
          judge_node.ssh, judge_node.ssh_clutter, judge_node.forbidden_storage_paths,
          judge_node.file_storage_path, judge_node.shared_file_storage_path,
          judge_node.gluster_storage_path, judge_node.client_certificates]


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.__name__)
def test_healthy_nodes_give_no_problem(judge):
    assert found(judge) == []


@pytest.mark.parametrize(("judge", "key", "value", "severity", "text"), [
    (judge_node.version, constants.NV_VERSION, [1, "0.1"], "ERROR", "speaks protocol 1"),
    (judge_node.version, constants.NV_VERSION, [constants.PROTOCOL_VERSION, "0.1"], "WARNING",
     "runs release 0.1"),
    (judge_node.clock, constants.NV_TIME, [int(NOW) - 200, 500000], "ERROR", "at least 198.5s"),
    (judge_node.clock, constants.NV_TIME, [int(NOW) + 201, 0], "ERROR", "at least 200.0s"),
    (judge_node.node_setup, constants.NV_NODESETUP, ["sysfs is not mounted"], "ERROR", "sysfs"),
    (judge_node.sysrq, constants.NV_NODESETUP, ["/proc/sysrq-trigger is missing"],
     "WARNING", "sysrq"),
    (judge_node.user_scripts, constants.NV_USERSCRIPTS, ["/b", "/a"], "ERROR", "/a, /b"),
    (judge_node.oob_paths, constants.NV_OOB_PATHS, [None, "/oob is no executable file"], "ERROR",
     "/oob"),
    (judge_node.hypervisors, constants.NV_HYPERVISOR, {"fake": "no such thing"}, "ERROR",
     "hypervisor fake is not usable: no such thing"),
    (judge_node.hypervisor_parameters, constants.NV_HVPARAMS, [["instance i", "kvm", "no kernel"]],
     "ERROR", "parameters of instance i: no kernel"),
    (judge_node.bridges, constants.NV_BRIDGES, ["br1", "br0"], "ERROR", "br0, br1"),
    (judge_node.reachability, constants.NV_NODENETTEST, {"node3": "no answer"}, "ERROR",
     "'node3': no answer"),
    (judge_node.reachability, constants.NV_MASTERIP, False, "ERROR",
     "cannot reach the master IP 192.0.2.200"),
    (judge_node.ssh, constants.NV_NODELIST, {"node3": "refused"}, "ERROR", "'node3' failed"),
    (judge_node.ssh, constants.NV_SSH_SETUP, ["key lacks"], "ERROR", "ssh set-up: key lacks"),
    (judge_node.ssh_clutter, constants.NV_SSH_CLUTTER, ["old key"], "WARNING", "old key"),
    (judge_node.forbidden_storage_paths, constants.NV_ACCEPTED_STORAGE_PATHS, ["/bin"], "ERROR",
     "/bin"),
    (judge_node.file_storage_path, constants.NV_FILE_STORAGE_PATH, "is no directory", "ERROR",
     "is no directory"),
    (judge_node.shared_file_storage_path, constants.NV_SHARED_FILE_STORAGE_PATH, "gone",
     "ERROR", "gone"),
    (judge_node.gluster_storage_path, constants.NV_GLUSTER_STORAGE_PATH, "gone", "ERROR",
     "gone"),
])
def test_what_is_wrong_is_found_on_that_node_only(judge, key, value, severity, text):
    (problem,) = found(judge, {key: value})
    assert problem[:2] == (severity, "node2.example.com")
    assert text in problem[2]


def test_clock_within_the_skew_is_fine():
    assert not found(judge_node.clock, {constants.NV_TIME: [int(NOW) - 150, 0]})


def test_answers_of_the_wrong_form_are_named_and_not_judged():
    payload = {constants.NV_TIME: "noon", constants.NV_VERSION: None}
    problems = found(judge_node.rpc, payload)
    assert [item for _, item, _ in problems] == ["node2.example.com"] * 2
    texts = " ".join(text for _, _, text in problems)
    assert "time" in texts and "noon" in texts and "version" in texts
    assert found(judge_node.clock, payload) == found(judge_node.version, payload) == []


def test_questions_left_open_are_named_unless_they_are_for_vm_nodes():
    config = masterside.make_config(nodes=[
        masterside.make_node(1), masterside.make_node(2, vm_capable=False),
        masterside.make_node(3)])
    bare = {node.uuid: answers.parse(node, HEALTHY, {}) for node in config.nodes.values()}
    group = config.nodegroups[masterside.GROUP]
    texts = {p.item: p.text for p in judge_node.rpc(view.GroupView(config, group, bare))}
    assert "hypervisor" in texts["node1.example.com"]
    assert "hypervisor" not in texts["node2.example.com"]
    assert "version" in texts["node2.example.com"]


def test_offline_nodes_are_not_blamed_for_silence():
    config = masterside.make_config(nodes=[
        masterside.make_node(1), masterside.make_node(2, offline=True, master_candidate=False)])
    group = config.nodegroups[masterside.GROUP]
    silent = {node.uuid: answers.parse(node, HEALTHY, None, "connection refused")
              for node in config.nodes.values()}
    problems = list(judge_node.rpc(view.GroupView(config, group, silent)))
    assert [p.item for p in problems] == ["node1.example.com"]
    assert "connection refused" in problems[0].text


@pytest.mark.parametrize(("value", "text"), [
    (["ERROR", "client.pem is missing"], "client certificate of node node2.example.com: client"),
    ([None, "other"], "is not the listed one"),
    ([None, "digest-node1.example.com"], "the same client certificate"),
])
def test_client_certificates(value, text):
    texts = [text for _, _, text in found(judge_node.client_certificates,
                                          {constants.NV_CLIENT_CERT: value})]
    assert any(text in found_text for found_text in texts), texts


def test_listed_certificates_belong_to_candidates():
    nodes = [masterside.make_node(1), masterside.make_node(2, master_candidate=False),
             masterside.make_node(3)]
    config = masterside.make_config(nodes=nodes, candidate_certs={
        nodes[0].uuid: "digest-node1.example.com", nodes[1].uuid: "digest-node2.example.com"})
    texts = [text for _, _, text in found(judge_node.client_certificates, {}, config)]
    assert texts == ["a certificate is listed for node2.example.com, which is no master candidate",
                     "no certificate is listed for master candidate node3.example.com"]
