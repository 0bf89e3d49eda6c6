"""What external allocators are told, and what is made of their answers."""

import json
import os

import pytest

from ganeti import errors, pathutils
from ganeti.masterd import iallocator
from test import incluster

REQUEST = {"type": "relocate", "name": "inst1.example.org", "disk_space_total": 1,
           "required_nodes": 1, "relocate_from": []}
EVACUATE = {"type": "node-evacuate", "instances": [], "evac_mode": "all"}


@pytest.fixture
def cluster(tmp_path):
    made = incluster.InCluster(str(tmp_path), 2)
    yield made
    made.close()


@pytest.fixture
def unit(cluster):
    class Unit:
        ctx, cfg, rpc = cluster.ctx, cluster.cfg, cluster.rpc
        warnings = []

        @property
        def config(self):
            return self.cfg.snapshot

        class feedback:  # noqa: N801
            @staticmethod
            def warning(text):
                Unit.warnings.append(text)

    return Unit()


def install(cluster, text):
    with cluster.on(1):
        directory = pathutils.IALLOCATOR_SEARCH_PATH[0]
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "mine")
    with open(path, "w") as stream:
        stream.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)


def test_the_picture_of_the_cluster(cluster, unit):
    cluster.add(nics=[{"ip": "192.0.2.99"}])
    cluster.run("INSTANCE_STARTUP", instance_name="inst1.example.org")
    data = json.loads(iallocator.input_text(unit, REQUEST))
    assert data["version"] == 2 and data["cluster_name"] == "cluster.example.org"
    assert set(data) == {"version", "cluster_name", "cluster_tags", "enabled_hypervisors",
                         "ipolicy", "nodegroups", "nodes", "instances", "request"}
    node = data["nodes"]["node1.example.org"]
    for key in ("total_memory", "reserved_memory", "free_memory", "total_disk", "free_disk",
                "total_spindles", "free_spindles", "total_cpus", "reserved_cpus"):
        assert isinstance(node[key], int), key
    assert node["i_pri_memory"] == node["i_pri_up_memory"] > 0
    instance = data["instances"]["inst1.example.org"]
    assert instance["nodes"] == ["node1.example.org"] and instance["disk_space_total"] == 1024
    assert instance["disks"] == [{"type": "sharedfile", "size": 1024, "mode": "rw",
                                  "spindles": None}]
    assert list(data["nodegroups"].values())[0]["alloc_policy"] == "preferred"


def test_offline_and_silent_nodes_have_no_live_data(cluster, unit):
    cluster.nodes.dead.add(cluster.address(2))
    data = iallocator.input_dict(unit, REQUEST)
    assert data["nodes"]["node2.example.org"]["offline"] is True
    assert "total_memory" not in data["nodes"]["node2.example.org"]
    assert "node2.example.org does not answer" in unit.warnings[0]


def test_an_allocator_runs_on_the_master(cluster, unit):
    install(cluster, """grep -q '"relocate"' "$1" || exit 1
echo '{"success": true, "info": "ok", "result": ["node2.example.org"]}'""")
    assert iallocator.run(unit, "mine", REQUEST) == ["node2.example.org"]


def test_parameters_are_handed_over(cluster, unit):
    with cluster.cfg.edit() as draft:
        draft.update(draft.cluster, default_iallocator_params={"depth": 3})
    install(cluster, """shift; echo "{\\"success\\": false, \\"info\\": \\"$*\\"}" """)
    with pytest.raises(errors.OpPrereqError) as caught:
        iallocator.run(unit, "mine", EVACUATE, ignore_soft_errors=True)
    assert "--depth=3 --ignore-soft-errors" in caught.value.args[0]
    assert caught.value.args[1] == errors.ECODE_NORES


@pytest.mark.parametrize("request_, text, message", [
    (REQUEST, "not json", "did not answer in JSON"),
    (REQUEST, "[]", "no key 'success'"),
    (REQUEST, '{"success": true, "info": ""}', "result"),
    (REQUEST, '{"success": true, "info": "", "result": ["a", "b"]}', "2 nodes instead of 1"),
    (EVACUATE, '{"success": true, "info": "", "result": [[], []]}', "result"),
    (EVACUATE, '{"success": true, "info": "", "result":'
               ' [[], [], [[{"OP_ID": "OP_CLUSTER_DESTROY"}]]]}', "OP_CLUSTER_DESTROY"),
])
def test_bad_answers_are_named(request_, text, message):
    with pytest.raises(errors.OpExecError) as caught:
        iallocator.check_answer("mine", request_, text)
    assert "iallocator mine" in str(caught.value) and message in str(caught.value)


def test_a_missing_allocator_is_named(unit):
    with pytest.raises(errors.OpPrereqError, match="iallocator 'nobody'"):
        iallocator.run(unit, "nobody", REQUEST)
