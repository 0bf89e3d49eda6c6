"""The tools for the configuration on a running cluster."""

from __future__ import annotations

import json
import shlex

from test.vcluster.fixture import VirtualCluster

CONFIG = "/var/lib/ganeti/config.data"


def _tool(cluster: VirtualCluster, name: str, node: str = "node1") -> str:
    return f"{cluster.layout.node(node).root}/usr/lib/ganeti/tools/{name}"


def test_questions_to_a_candidate(cluster: VirtualCluster) -> None:
    tool = _tool(cluster, "query-config", "node2")
    name = cluster.run("gnt-cluster info").split("Cluster name: ")[1].split()[0]
    assert json.loads(cluster.run(f"{tool} /cluster/cluster_name", "node2")) == name
    answer = json.loads(cluster.run(
        f"{tool} -a {cluster.address('node1')} /cluster/beparams/default", "node2"))
    assert answer["vcpus"] == 1
    refused = cluster.try_run(f"{tool} /cluster/no_such_thing", "node2")
    assert refused.returncode == 1 and "no /cluster/no_such_thing" in refused.stderr


def test_a_running_cluster_is_not_changed_by_hand(cluster: VirtualCluster) -> None:
    refused = cluster.try_run(f"{_tool(cluster, 'cfgupgrade')} --force")
    assert refused.returncode == 1 and "The master daemon runs" in refused.stderr
    said = cluster.run(_tool(cluster, "cfgshell"),
                       stdin='set cluster/mac_prefix "aa:00:01"\nsave\nverify\nquit -f\n')
    assert "stop it first" in said and "No problems" in said
    assert json.loads(cluster.path("node1", CONFIG).read_text())["cluster"]["mac_prefix"] \
        != "aa:00:01"


def test_a_copy_for_others(cluster: VirtualCluster, instance: str) -> None:
    target = cluster.root / "shown.json"
    cluster.run(shlex.join([_tool(cluster, "sanitize-config"), str(target)]))
    text = target.read_text()
    assert instance not in text and "node2" in text, "numbered names replace the real ones"
    assert "example.com" in text
    for secret in json.loads(cluster.path("node1", CONFIG).read_text())[
            "cluster"]["candidate_certs"].values():
        assert secret not in text


def test_a_cluster_of_3_0_is_taken_over_and_given_back(own_cluster: VirtualCluster) -> None:
    cluster = own_cluster
    cluster.run("gnt-cluster add-tags before")
    for node in cluster.layout.nodes:
        cluster.daemon_util(node.name, "stop-all")
    upgrade = _tool(cluster, "cfgupgrade")
    assert "was changed to 3000000" in cluster.run(f"{upgrade} --force --downgrade")
    path = cluster.path("node1", CONFIG)
    old = path.read_bytes()
    assert json.loads(old)["version"] == 3000000
    for node in reversed(cluster.layout.nodes):  # the master needs the votes of the others
        cluster.daemon_util(node.name, "start-all")
    assert cluster.run("gnt-cluster list-tags").split() == ["before"]
    cluster.run("gnt-cluster add-tags after")
    assert json.loads(path.read_bytes())["version"] == 3010000
    kept = [copy.read_bytes() for copy in path.parent.glob("config.data.backup-*")]
    assert old in kept and len(kept) == 2
    assert cluster.path("node2", CONFIG).read_bytes() == path.read_bytes()
    assert "ERROR" not in cluster.run("gnt-cluster verify")
