"""Networks, jobs, locks, filters, exports, definitions on nodes, and the cluster."""

from types import SimpleNamespace

import pytest

from ganeti import errors, objects, query
from ganeti.query import NO_ANSWER, NODE_OFFLINE, Answer
from test import model
from test.querysource import Source


def values(answer):
    return [[cell[1] if cell[0] == 0 else cell for cell in row] for row in answer["data"]]


def test_networks_count_their_addresses():
    network = objects.Network(uuid="net", name="lan", network="192.0.2.0/29", gateway="192.0.2.1",
                              reservations="01100000", ext_reservations="10000001")
    config = model.config(1)
    group = config.expand_group("default").replace(
        networks={"net": {"mode": "bridged", "link": "br0", "vlan": ""}})
    web1 = config.expand_instance("web1").replace(
        nics=[objects.Nic(mac="aa:00:00:00:00:01", network="net")])
    source = Source(config.with_changes([network, group, web1]))
    fields = ["name", "gateway", "gateway6", "map", "free_count", "reserved_count",
              "external_reservations", "group_list", "group_cnt", "inst_list", "inst_cnt"]
    assert values(query.run("network", source, fields)) == [[
        "lan", "192.0.2.1", [3, None], "XXX....X", 4, 4, "192.0.2.0, 192.0.2.7",
        [["default", "bridged", "br0", ""]], 1, ["web1.example.org"], 1]]


def job(job_id, *ops, archived=False, received=(10, 0)):
    return SimpleNamespace(
        id=job_id, archived=archived, received_timestamp=list(received), start_timestamp=None,
        end_timestamp=None, ops=[SimpleNamespace(
            input={"OP_ID": op_id, **params}, status=status, result=None, log=[], priority=5,
            start_timestamp=None, exec_timestamp=None, end_timestamp=None)
            for op_id, params, status in ops])


@pytest.fixture
def jobs():
    found = [job(10, ("OP_TEST_DELAY", {"duration": 1}, "running")),
             job(2, ("OP_CLUSTER_QUERY", {}, "success"), received=(5, 7))]
    return Source(model.config(), jobs=found)


def test_jobs_come_by_number(jobs):
    answer = query.run("job", jobs, ["id", "status", "summary", "priority", "received_ts",
                                     "start_ts"])
    assert values(answer) == [
        [2, "success", ["CLUSTER_QUERY"], 0, [5, 7], [3, None]],
        [10, "running", ["TEST_DELAY(1)"], 5, [10, 0], [3, None]]]
    assert jobs.asked == [("jobs", (None, False))]


def test_archived_jobs_are_read_only_when_asked_for(jobs):
    query.run("job", jobs, ["id", "archived"])
    assert jobs.asked == [("jobs", (None, True))]


def test_only_named_jobs_are_read(jobs):
    assert values(query.run("job", jobs, ["id"], ["|", ["=", "id", 10], ["=", "id", "2"]])) == [
        [10], [2]]
    assert jobs.asked == [("jobs", ([10, 2], False))]
    with pytest.raises(errors.OpPrereqError, match="There is no job 99"):
        query.run("job", jobs, ["id"], ["=", "id", 99])


def test_job_times_are_compared_by_their_seconds(jobs):
    assert values(query.run("job", jobs, ["id"], [">", "received_ts", 5])) == [[10]]


def test_locks():
    source = Source(model.config(), locks=[
        {"name": "node/b10", "mode": "shared", "owner": ["17"], "pending": []},
        {"name": "node/b2", "mode": None, "owner": [], "pending": [["exclusive", ["18"]]]}])
    assert values(query.run("lock", source, ["name", "mode", "pending"])) == [
        ["node/b2", None, [["exclusive", ["18"]]]], ["node/b10", "shared", []]]


def test_filters_come_in_the_order_of_asking():
    rules = [objects.FilterRule(uuid=uuid, watermark=1, priority=priority, action="ACCEPT")
             for uuid, priority in (("a", 5), ("b", 1))]
    source = Source(model.config().with_changes(rules))
    assert values(query.run("filter", source, ["uuid", "action"])) == [
        ["b", "ACCEPT"], ["a", "ACCEPT"]]


def test_exports_tell_of_every_node():
    config = model.config()
    one, two, three = (config.expand_node(f"node{index}").uuid for index in (1, 2, 3))
    source = Source(config, exports={one: Answer.normal(["web10", "web2"]),
                                     two: Answer.normal([]), three: NODE_OFFLINE})
    assert values(query.run("export", source, ["node", "export"])) == [
        ["node1.example.org", "web2"], ["node1.example.org", "web10"],
        ["node2.example.org", None], ["node3.example.org", [4, None]]]


def os_entry(name, ok=True, variants=("default",), api=(20,)):
    return [name, f"/srv/os/{name}", ok, "", list(variants), [["p", "text"]], list(api), True]


def test_an_os_is_what_all_nodes_agree_on():
    config = model.config()
    one, two, three = (config.expand_node(f"node{index}").uuid for index in (1, 2, 3))
    source = Source(config, os_diagnose={
        one: Answer.normal([os_entry("debian", variants=["a", "b"], api=[15, 20]),
                            os_entry("old", ok=False)]),
        two: Answer.normal([os_entry("debian", variants=["b", "c"])]), three: NO_ANSWER})
    answer = query.run("os", source, ["name", "valid", "variants", "api_versions", "trusted"])
    assert values(answer) == [["debian", True, ["b"], [20], True],
                              ["old", False, ["default"], [20], True]]
    status = query.run("os", source, ["node_status"], ["=", "name", "old"])["data"][0][0][1]
    assert status["node2.example.org"] == [] and "node3.example.org" not in status


def test_storage_providers_are_judged_by_group():
    config = model.config()
    uuids = [config.expand_node(f"node{index}").uuid for index in (1, 2, 3)]
    entry = ["netapp", "/usr/lib/netapp", True, "", [["size", "text"]]]
    bad = ["broken", "/usr/lib/broken", False, "no attach script", []]
    source = Source(config, extstorage_diagnose={
        uuid: Answer.normal([entry, bad]) for uuid in uuids})
    assert values(query.run("extstorage", source, ["name", "nodegroup_status", "parameters"])) \
        == [["broken", {"default": False}, []], ["netapp", {"default": True},
                                                 [["size", "text"]]]]


def test_there_is_one_cluster():
    source = Source(model.config(), drain_flag=True, watcher_pause=None)
    assert values(query.run("cluster", source, [
        "name", "master_node", "drain_flag", "watcher_pause", "volume_group_name"])) == [
        ["cluster.example.org", "node1.example.org", True, [3, None], [3, None]]]


def test_devices_of_instances():
    config = model.config(1)
    nics = [objects.Nic(uuid="n0", mac="aa:00:00:00:00:01", ip="192.0.2.7",
                        nicparams={"mode": "bridged", "link": "br7"}),
            objects.Nic(uuid="n1", mac="aa:00:00:00:00:02",
                        nicparams={"mode": "openvswitch", "link": "sw", "vlan": ".5"})]
    config = config.with_changes([config.expand_instance("web1").replace(nics=nics)])
    fields = ["nic.count", "nic.macs", "nic.ips", "nic.bridges", "nic.vlans", "nic.ip/0",
              "nic.ip/1", "nic.mac/2", "bridge", "disk.sizes", "disk.size/0", "disk.size/1",
              "sda_size", "disk.count"]
    assert values(query.run("instance", Source(config), fields)) == [[
        2, ["aa:00:00:00:00:01", "aa:00:00:00:00:02"], ["192.0.2.7", None], ["br7", None],
        [None, ".5"], "192.0.2.7", [3, None], [3, None], "br7", [1024], 1024, [3, None],
        1024, 1]]


def test_disk_usage_counts_what_mirroring_needs():
    config = model.config(1)
    web1 = config.expand_instance("web1")
    disk = config.instance_disks(web1)[0]
    parts = [model.disk("data", "plain", [], 1024), model.disk("meta", "plain", [], 128)]
    mirrored = config.with_changes([disk.replace(children=parts)])
    assert values(query.run("instance", Source(mirrored), ["disk_usage"])) == [[1152]]
    adopted = config.with_changes([disk.replace(logical_id=["manual", "/dev/sdz"])])
    assert values(query.run("instance", Source(adopted), ["disk_usage"])) == [[0]]
