"""The opcodes of cluster verify, from the questions to the lines of the log."""

from __future__ import annotations

import time

import pytest

from ganeti import constants, opcodes, pathutils
from ganeti.cmdlib.cluster.verify import checks, gather, report
from test import masterside


def healthy_answer(master, changes=None):
    """A node's answer to whatever is asked, all well."""
    def answer(key, asked, _cluster, _hvparams):
        node = master.config.node(key)
        values = {
            constants.NV_VERSION: [constants.PROTOCOL_VERSION, constants.RELEASE_VERSION],
            constants.NV_TIME: [int(time.time()), 0], constants.NV_NODESETUP: [],
            constants.NV_CLIENT_CERT: [None, f"digest-{node.name}"],
            constants.NV_USERSCRIPTS: [], constants.NV_HYPERVISOR: {"fake": None},
            constants.NV_HVPARAMS: [], constants.NV_INSTANCELIST: [],
            constants.NV_HVINFO: {"memory_free": 4096}, constants.NV_OSLIST: [],
            constants.NV_NODELIST: {}, constants.NV_NODENETTEST: {}, constants.NV_MASTERIP: True,
            constants.NV_BRIDGES: [], constants.NV_FILELIST: dict.fromkeys(
                asked.get(constants.NV_FILELIST, ()), "same"),
        }
        result = {key: value for key, value in values.items() if key in asked}
        result.update((changes or {}).get(node.name, {}))
        return result
    return answer


def verify_group(master, changes=None, **params):
    master.nodes.answer("node_verify", healthy_answer(master, changes))
    return master.run(opcodes.OpClusterVerifyGroup(group_name="default", **params))


def problems(master):
    return [line for line in master.log if line.startswith("  - ") and "NOTICE" not in line]


def test_every_code_of_the_catalogue_has_a_check():
    rows = [*checks.CONFIG_CHECKS, *checks.GROUP_CHECKS, checks.HOOKS_CHECK]
    assert {row.code.code for row in rows} == constants.CV_ALL_ECODES_STRINGS


def test_every_check_tells_how_to_mend():
    for row in [*checks.CONFIG_CHECKS, *checks.GROUP_CHECKS, checks.HOOKS_CHECK]:
        assert row.mend.format(item="node1")


def test_one_job_for_the_configuration_then_one_a_group(master):
    result = master.run(opcodes.OpClusterVerify(error_codes=True, verify_clutter=True))
    assert result == {"jobs": [[True, 100], [True, 101]]}
    (config_op,), (group_op,) = master.queue.submitted
    assert config_op.OP_ID == "OP_CLUSTER_VERIFY_CONFIG" and config_op.error_codes
    assert group_op.group_name == "default" and group_op.verify_clutter
    assert [list(item) for item in group_op.depends] == [[-1, []]]


def test_one_group_alone(master):
    master.run(opcodes.OpClusterVerify(group_name="default"))
    assert [[op.OP_ID for op in job] for job in master.queue.submitted] == [
        ["OP_CLUSTER_VERIFY_GROUP"]]


def test_a_healthy_group_takes_one_call_a_node(master):
    assert verify_group(master) is True
    assert problems(master) == []
    assert len(master.nodes.called("node_verify")) == 3
    assert {name for name, _, _ in master.nodes.calls} == {"node_verify", "hooks_runner"}


def test_lines_hints_and_result(master):
    bad = {"node2.example.com": {constants.NV_HYPERVISOR: {"fake": "broken"}}}
    assert verify_group(master, bad) is False
    assert problems(master) == [
        "  - ERROR: node node2.example.com: hypervisor fake is not usable: broken"]
    position = master.log.index(problems(master)[0])
    assert master.log[position + 1].startswith("      Hint: ")
    assert "node2.example.com" in master.log[position + 1]


def test_hints_stop_when_the_pattern_is_clear(start_master):
    master = start_master(instances=[
        masterside.make_instance(f"i{number}", admin_state="up") for number in range(9)])
    assert verify_group(master) is False
    down = [line for line in problems(master) if "does not run" in line]
    hints = [line for line in master.log if "gnt-instance startup" in line]
    assert (len(down), len(hints)) == (9, report.MAX_HINTS)


def test_lines_for_programs(master):
    bad = {"node2.example.com": {constants.NV_CLIENT_CERT: ["ERROR", "gone"]}}
    assert verify_group(master, bad, error_codes=True) is False
    assert problems(master) == [
        "  - ERROR:ECLUSTERCLIENTCERT:cluster::client certificate of node node2.example.com: gone"]
    assert not [line for line in master.log if "Hint" in line]


def test_ignored_errors_become_warnings(master):
    bad = {"node2.example.com": {constants.NV_HYPERVISOR: {"fake": "broken"}}}
    assert verify_group(master, bad, ignore_errors=["ENODEHV"]) is True
    assert problems(master)[0].startswith("  - WARNING: node node2")


def test_skipped_checks_are_not_even_asked(master):
    verify_group(master, skip_checks=[constants.VERIFY_HVPARAM_ASSESSMENT], verbose=True)
    asked = master.nodes.called("node_verify")[0][1][0]
    assert constants.NV_HVPARAMS not in asked
    assert any("skipped on request" in line for line in master.log)


def test_simulated_errors_show_every_check(master):
    assert verify_group(master, debug_simulate_errors=True) is False
    simulated = [line for line in problems(master) if "simulated" in line]
    assert len(simulated) == len([row for row in checks.GROUP_CHECKS
                                  if not row.only_clutter]) + 1


def test_hooks_decide_with(master):
    master.nodes.answer("hooks_runner", lambda key, path, phase, env: [
        ["cluster-verify-post.d/disk", constants.HKR_FAIL, "disk full\nbadly"]]
        if phase == "post" and key == masterside.new_uuid(3) else [])
    assert verify_group(master) is False
    assert ("  - ERROR: node node3.example.com: hook script cluster-verify-post.d/disk failed: "
            "disk full | badly") in master.log
    _node, env = master.hooks("post")[0]
    assert "GANETI_NODE_TAGS_node1.example.com" in env


def test_an_unreachable_node(master):
    healthy = healthy_answer(master)

    def answer(key, *args):
        if key == masterside.new_uuid(3):
            raise OSError("connection refused")
        return healthy(key, *args)

    master.nodes.answer("node_verify", answer)
    assert master.run(opcodes.OpClusterVerifyGroup(group_name="default")) is False
    assert problems(master) == [
        "  - ERROR: node node3.example.com: cannot be verified: connection refused"]


def test_disks_in_use_are_asked_for_in_a_second_call(start_master):
    disk = masterside.make_drbd("i1")
    inst = masterside.make_instance("i1", disks=[disk.uuid], disks_active=True,
                                    beparams={"maxmem": 512, "minmem": 512})
    master = start_master(instances=[inst], disks=[disk])
    master.nodes.answer("blockdev_getmirrorstatus_multi", lambda key, disks: [
        [True, {"ldisk_status": 4 if key == masterside.new_uuid(2) else 1,
                "is_degraded": False}]])
    assert verify_group(master, ignore_errors=["EINSTANCEPOLICY"]) is False
    assert "  - ERROR: instance i1: disk/0 on node2.example.com is faulty" in master.log
    assert len(master.nodes.called("blockdev_getmirrorstatus_multi")) == 2


@pytest.mark.parametrize(("until", "good"), [(2, True), (99, False)])
def test_a_configuration_that_is_under_way_is_no_difference(master, until, good):
    """Another job commits while the nodes are asked: node 2 has the file a moment later."""
    asked = []
    healthy = healthy_answer(master)

    def answer(key, questions, *args):
        result = healthy(key, questions, *args)
        if key == masterside.new_uuid(2):
            asked.append(questions)
            if len(asked) < until:
                path = pathutils.virtual("/var/lib/ganeti/config.data")
                result[constants.NV_FILELIST][path] = "older"
        return result

    master.nodes.answer("node_verify", answer)
    assert master.run(opcodes.OpClusterVerifyGroup(group_name="default")) is good
    assert len(asked) == min(until, 1 + gather.FILE_ATTEMPTS)
    assert set(asked[1]) == {constants.NV_FILELIST}


def test_a_group_without_nodes_is_fine(master):
    master.run(opcodes.OpGroupAdd(group_name="empty"))
    assert master.run(opcodes.OpClusterVerifyGroup(group_name="empty")) is True
    assert master.log[-3:-1] == ["* Verifying group 'empty'",
                                 "* Empty node group, skipping verification"]


def test_questions_follow_the_enabled_storage():
    config = masterside.make_config(enabled_disk_templates=["file", "drbd"],
                                    volume_group_name="xenvg", drbd_usermode_helper="/bin/true")
    asked = gather.questions(config, config.nodegroups[masterside.GROUP])
    assert asked[constants.NV_FILE_STORAGE_PATH] == pathutils.virtual("/srv/ganeti/file-storage")
    assert asked[constants.NV_LVLIST] == "xenvg"
    assert asked[constants.NV_DRBDHELPER] == "/bin/true"
    assert constants.NV_SHARED_FILE_STORAGE_PATH not in asked
    plain = masterside.make_config()
    assert not {constants.NV_LVLIST, constants.NV_DRBDLIST} & gather.questions(
        plain, plain.nodegroups[masterside.GROUP]).keys()


def test_each_node_tries_ssh_to_its_group_and_a_sample_of_the_others():
    other = masterside.make_config().nodegroups[masterside.GROUP].replace(
        uuid=masterside.new_uuid(), name="other")
    nodes = [masterside.make_node(number, group=other.uuid if number > 2 else masterside.GROUP)
             for number in (1, 2, 3, 4)]
    config = masterside.make_config(nodes=nodes, groups=[other])
    own, by_node, candidates = gather.ssh_peers(config, config.nodegroups[masterside.GROUP])
    assert own == ["node1.example.com", "node2.example.com"]
    assert all(len(peers) == 1 and peers[0][4] in "34" for peers in by_node.values())
    assert len(candidates) == 4


def test_configuration_and_certificates(master):
    assert master.run(opcodes.OpClusterVerifyConfig()) is False
    missing = [line for line in problems(master) if "certificate" in line]
    assert "  - ERROR: cluster: certificate /var/lib/ganeti/server.pem is missing" in missing


@pytest.mark.parametrize(("codes", "item", "expected"), [
    (False, "n", "  - ERROR: node n: text"), (False, "", "  - ERROR: node: text"),
    (True, "n", "  - ERROR:ENODEHV:node:n:text"),
])
def test_line_formats(codes, item, expected):
    assert report.format_line("ERROR", constants.CV_ENODEHV, report.Problem(item, "text"),
                              codes) == expected
