"""gnt-cluster, gnt-node, gnt-group, gnt-os, gnt-debug on a formed cluster."""

from __future__ import annotations

import json

import pytest

from test.vcluster.fixture import VirtualCluster


def test_verify_is_clean(cluster: VirtualCluster) -> None:
    result = cluster.try_run("gnt-cluster verify")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "ERROR" not in result.stdout


def test_master_and_version(cluster: VirtualCluster) -> None:
    assert cluster.run("gnt-cluster getmaster") == "node1\n"
    lines = dict(line.split(": ") for line in cluster.run("gnt-cluster version").splitlines())
    assert lines["Internode protocol"] == lines["Configuration format"] == "3010000"


def test_getmaster_answers_on_every_node(cluster: VirtualCluster) -> None:
    assert {cluster.run("gnt-cluster getmaster", node.name)
            for node in cluster.layout.nodes} == {"node1\n"}


def test_commands_elsewhere_name_the_master(cluster: VirtualCluster) -> None:
    result = cluster.try_run("gnt-instance list", "node2")
    assert result.returncode != 0
    assert "node1" in result.stderr
    assert "Traceback" not in result.stderr


def test_info_is_yaml_like(cluster: VirtualCluster) -> None:
    text = cluster.run("gnt-cluster info")
    assert f"Cluster name: {cluster.layout.name}" in text
    assert "Master node: node1" in text
    assert "  candidate pool size: 10" in text


def test_node_list(cluster: VirtualCluster) -> None:
    rows = cluster.run("gnt-node list --no-headers --separator=: -o name,role,pip").split()
    assert rows == [f"node1:M:{cluster.address('node1')}", f"node2:C:{cluster.address('node2')}",
                    f"node3:C:{cluster.address('node3')}"]


def test_node_list_has_live_memory(cluster: VirtualCluster) -> None:
    for value in cluster.run("gnt-node list --no-headers --units=m -o mtotal").split():
        assert int(value) > 100


def test_unknown_field(cluster: VirtualCluster) -> None:
    result = cluster.try_run("gnt-node list -o name,colour")
    assert result.returncode == 14
    assert "unknown fields" in result.stderr


def test_filters(cluster: VirtualCluster) -> None:
    line = "gnt-node list --no-headers -o name -F"
    assert cluster.run(f"{line} 'not master'").split() == ["node2", "node3"]
    assert cluster.run(f"{line} \"role == 'M' or name =~ m/3$/\"").split() == ["node1", "node3"]
    broken = cluster.try_run(f"{line} 'role =='")
    assert broken.returncode == 1
    assert "Traceback" not in broken.stderr


@pytest.mark.parametrize("tool", ["cluster", "node", "group"])
def test_tags(cluster: VirtualCluster, tool: str) -> None:
    target = {"cluster": "", "node": "node2", "group": "default"}[tool]
    cluster.run(f"gnt-{tool} add-tags {target} blue site:a")
    assert cluster.run(f"gnt-{tool} list-tags {target}").split() == ["blue", "site:a"]
    assert "site:a" in cluster.run("gnt-cluster search-tags ^site")
    cluster.run(f"gnt-{tool} remove-tags {target} blue site:a")
    assert cluster.run(f"gnt-{tool} list-tags {target}") == ""


def test_bad_tag(cluster: VirtualCluster) -> None:
    result = cluster.try_run("gnt-cluster add-tags 'no blanks'")
    assert result.returncode == 1
    assert "tag" in result.stderr.lower()


def test_queue_drain(cluster: VirtualCluster) -> None:
    assert cluster.run("gnt-cluster queue info").strip() == "The drain flag is unset"
    cluster.run("gnt-cluster queue drain")
    try:
        assert cluster.run("gnt-cluster queue info").strip() == "The drain flag is set"
        refused = cluster.try_run("gnt-debug delay 0.1")
        assert refused.returncode == 1
    finally:
        cluster.run("gnt-cluster queue undrain")
    cluster.run("gnt-debug delay 0.1")


def test_watcher_pause(cluster: VirtualCluster) -> None:
    cluster.run("gnt-cluster watcher pause 1h")
    assert "paused until" in cluster.run("gnt-cluster watcher info")
    cluster.run("gnt-cluster watcher continue")
    assert "not paused" in cluster.run("gnt-cluster watcher info")


def test_modify_cluster_and_back(cluster: VirtualCluster) -> None:
    cluster.run("gnt-cluster modify -B vcpus=2 --candidate-pool-size=5")
    assert "candidate pool size: 5" in cluster.run("gnt-cluster info")
    cluster.run("gnt-cluster modify -B vcpus=1 --candidate-pool-size=10")
    refused = cluster.try_run("gnt-cluster modify -B vcpu=2")
    assert refused.returncode == 1
    assert "vcpu" in refused.stderr


def test_config_reaches_the_candidates(cluster: VirtualCluster) -> None:
    cluster.run("gnt-cluster add-tags replicated")
    copies = {cluster.path(node.name, "/var/lib/ganeti/config.data").read_bytes()
              for node in cluster.layout.nodes}
    assert len(copies) == 1
    assert "replicated" in json.loads(copies.pop())["cluster"]["tags"]
    for node in cluster.layout.nodes:
        ssconf = cluster.path(node.name, "/var/lib/ganeti/ssconf_cluster_tags")
        assert ssconf.read_text() == "replicated\n"
    cluster.run("gnt-cluster remove-tags replicated")


def test_redist_conf(cluster: VirtualCluster) -> None:
    target = cluster.path("node3", "/var/lib/ganeti/ssconf_node_list")
    target.unlink()
    cluster.run("gnt-cluster redist-conf")
    assert target.read_text() == "node1\nnode2\nnode3\n"


def test_command_and_copyfile(cluster: VirtualCluster) -> None:
    text = cluster.run("gnt-cluster command 'echo I am $GANETI_HOSTNAME'")
    assert all(f"I am {node.name}" in text for node in cluster.layout.nodes)
    source = cluster.root / "payload"
    source.write_text("once")
    # One machine: the copy lands on the path that it came from, on every node.
    cluster.run(f"gnt-cluster copyfile -n node2 {source}")
    assert source.read_text() == "once"


def test_node_roles(cluster: VirtualCluster) -> None:
    line = "gnt-node list --no-headers -o role node3"
    cluster.run("gnt-node modify --drained=yes node3")
    assert cluster.run(line).strip() == "D"
    cluster.run("gnt-node modify --drained=no node3")
    cluster.run("gnt-node modify --offline=yes node3")
    assert cluster.run(line).strip() == "O"
    assert cluster.run("gnt-node list --no-headers -o mfree node3").strip() == "*"
    cluster.run("gnt-node modify --offline=no node3")
    cluster.run("gnt-node modify --master-candidate=yes --auto-promote node3")
    assert cluster.run(line).strip() == "C"
    refused = cluster.try_run("gnt-node modify --offline=yes node1")
    assert refused.returncode == 1


def test_groups(cluster: VirtualCluster) -> None:
    cluster.run("gnt-group add --alloc-policy=last_resort second")
    cluster.run("gnt-group assign-nodes second node3")
    assert cluster.run("gnt-group list --no-headers --separator=: -o name,node_cnt").split() == [
        "default:2", "second:1"]
    refused = cluster.try_run("gnt-group remove second")
    assert refused.returncode == 1
    assert "node3" in refused.stderr or "not empty" in refused.stderr
    cluster.run("gnt-group assign-nodes default node3")
    cluster.run("gnt-group remove second")
    assert cluster.run("gnt-group list --no-headers -o name").split() == ["default"]


def test_os_definitions(cluster: VirtualCluster) -> None:
    assert "demo-linux+default" in cluster.run("gnt-os list --no-headers").split()
    assert "valid: True" in cluster.run("gnt-os info demo-linux")
    assert "demo-linux" in cluster.run("gnt-os diagnose")


def test_jobs(cluster: VirtualCluster) -> None:
    printed = cluster.run("gnt-debug delay --submit --print-jobid 0.2")
    number = printed.split()[0]
    cluster.run(f"gnt-job wait {number}")
    assert cluster.run(f"gnt-job list --no-headers -o status {number}").strip() == "success"
    assert "TEST_DELAY" in cluster.run(f"gnt-job info {number}")
    assert "Output from job" in cluster.run(f"gnt-job watch {number}")
    cluster.run(f"gnt-job archive {number}")
    archived = cluster.path("node2", f"/var/lib/ganeti/queue/archive/0/job-{number}")
    assert archived.exists(), "archived on the candidates too"


def test_cancel_a_waiting_job(cluster: VirtualCluster) -> None:
    holder = cluster.run("gnt-debug delay --submit --print-jobid -n node3 --no-master 3").split()[0]
    waiter = cluster.run("gnt-debug delay --submit --print-jobid -n node3 --no-master 1").split()[0]
    cluster.run(f"gnt-job cancel -f {waiter}")
    cluster.try_run(f"gnt-job wait {waiter}")
    assert cluster.run(f"gnt-job list --no-headers -o status {waiter}").strip() == "canceled"
    cluster.run(f"gnt-job wait {holder}")


def test_locks_show_owner_and_waiter(cluster: VirtualCluster) -> None:
    line = "gnt-debug delay --submit --print-jobid -n node2 --no-master 1.5"
    numbers = [cluster.run(line).split()[0] for _ in range(2)]
    table = cluster.run("gnt-debug locks -o name,mode,owner,pending --separator=^")
    held = [line for line in table.splitlines() if line.startswith("node/")
            and numbers[0] in line.split("^")[2]]
    assert held, table
    assert numbers[1] in held[0].split("^")[3], table
    for number in numbers:
        cluster.run(f"gnt-job wait {number}")


def test_submit_job_from_a_file(cluster: VirtualCluster) -> None:
    file = cluster.root / "ops.json"
    file.write_text('[{"OP_ID": "OP_TEST_DELAY", "duration": 0.05}]')
    cluster.run(f"gnt-debug submit-job --job-repeat 5 {file}")


def test_node_can_leave_and_come_back(own_cluster: VirtualCluster) -> None:
    own_cluster.run("gnt-node remove node3")
    assert own_cluster.run("gnt-node list --no-headers -o name").split() == ["node1", "node2"]
    assert not own_cluster.path("node3", "/var/lib/ganeti/config.data").exists()
    own_cluster.run("gnt-node add --no-ssh-key-check node3")
    assert own_cluster.run("gnt-cluster verify") is not None
    destroyed = own_cluster.try_run("gnt-cluster destroy --yes-do-it")
    assert destroyed.returncode == 1, "nodes are left"
    own_cluster.run("gnt-node remove node3")
    own_cluster.run("gnt-node remove node2")
    own_cluster.run("gnt-cluster destroy --yes-do-it")
    assert own_cluster.daemon_pids("node1") == {}
