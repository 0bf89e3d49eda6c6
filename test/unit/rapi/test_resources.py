"""What each resource asks of the master daemon, and how its answer is shown."""

import pytest

from ganeti import errors
from ganeti.luxi import protocol
from ganeti.rapi import client as rapi_client
from ganeti.rapi import fields
from ganeti.rapi.base import Submit
from ganeti.rapi.resources import TABLE

SUBMITS = [(resource, verb, method) for resource in TABLE.resources
           for verb, method in resource.methods.items() if isinstance(method, Submit)]
# What a request needs besides its URI, for every opcode that needs something
NEEDED = {
    "OP_GROUP_ADD": ({}, {"name": "g"}),
    "OP_GROUP_RENAME": ({}, {"new_name": "h"}),
    "OP_GROUP_ASSIGN_NODES": ({}, {"nodes": ["n1"]}),
    "OP_INSTANCE_CREATE": ({}, {
        "__version__": 1, "name": "web", "mode": "create", "disk_template": "file",
        "disks": [{"size": 1024}], "nics": [{}], "os": "debian"}),
    "OP_INSTANCE_MULTI_ALLOC": ({}, {"instances": [
        {"name": "a", "mode": "create", "disks": [], "nics": [], "disk_template": "diskless"}]}),
    "OP_INSTANCE_GROW_DISK": ({}, {"amount": 1024}),
    "OP_INSTANCE_RENAME": ({}, {"new_name": "x"}),
    "OP_INSTANCE_REPLACE_DISKS": ({}, {"mode": "replace_auto"}),
    "OP_BACKUP_EXPORT": ({}, {"destination": "n1"}),
    "OP_BACKUP_PREPARE": ({"mode": "local"}, None),
    "OP_NETWORK_ADD": ({}, {"name": "net", "network": "10.0.0.0/24"}),
    "OP_NETWORK_CONNECT": ({}, {"group_name": "g", "network_mode": "bridged",
                                "network_link": "br0"}),
    "OP_NETWORK_DISCONNECT": ({}, {"group_name": "g"}),
    "OP_NETWORK_RENAME": ({}, {"new_name": "x"}),
    "OP_NODE_EVACUATE": ({}, {"mode": "all"}),
    "OP_NODE_MODIFY_STORAGE": ({"storage_type": "lvm-pv", "name": "/dev/sda"}, None),
    "OP_REPAIR_NODE_STORAGE": ({"storage_type": "lvm-vg", "name": "xenvg"}, None),
    "OP_TAGS_SET": ({"tag": ["a", "b"]}, None),
    "OP_TAGS_DEL": ({"tag": ["a"]}, None),
}
PARTS = {"instance_name": "web", "node_name": "n1", "group_name": "g", "network_name": "net",
         "disk_index": "1"}


@pytest.mark.parametrize(("resource", "verb", "method"), SUBMITS,
                         ids=[f"{verb} {resource.uri}" for resource, verb, _ in SUBMITS])
def test_every_submitting_method_submits_its_opcode(api, master, resource, verb, method):
    query, body = NEEDED.get(method.op_id, ({}, None))
    path = resource.uri.format(**PARTS)
    assert api.request(verb, path, {**query, "reason": "a test"}, body) == 42
    (op,) = master.job
    assert op["OP_ID"] == method.op_id
    for part, param in method.path.items():
        assert op[param] == PARTS[part]
    (user, mine) = op["reason"]
    assert user[:2] == ["gnt:user", "a test"]
    assert mine[:2] == [f"gnt:library:rlib2:{resource.name}", ""]


def test_renamed_parameters_arrive(api, master):
    api.request("POST", "/2/instances", {"dry-run": True}, NEEDED["OP_INSTANCE_CREATE"][1])
    (op,) = master.job
    assert (op["instance_name"], op["os_type"], op["dry_run"]) == ("web", "debian", True)


@pytest.mark.parametrize(("change", "text"), [
    ({"__version__": 0}, "version 0"), ({"__version__": 2}, "Unknown version"),
    ({"__version__": None}, "Unknown version"), ({"instance_name": "x"}, "same parameter"),
    ({"dry_run": True}, "set by the URI"), ({"disks": "x"}, "OP_INSTANCE_CREATE.disks"),
    ({"mdoe": "create"}, "did you mean mode"),
])
def test_wrong_creations_are_refused(api, master, change, text):
    with pytest.raises(rapi_client.ApiError, match=text) as caught:
        api.request("POST", "/2/instances", None, {**NEEDED["OP_INSTANCE_CREATE"][1], **change})
    assert caught.value.code == 400
    assert master.calls == []


def test_usb_devices_may_be_separated_by_spaces(api, master):
    api.modify_instance("web", custom_hvparams={"usb_devices": "a b", "acpi": True})
    assert master.job[0]["hvparams"] == {"usb_devices": "a,b", "acpi": True}


def test_many_creations(api, master):
    api.request("POST", "/2/instances-multi-alloc", None, NEEDED["OP_INSTANCE_MULTI_ALLOC"][1])
    (inner,) = master.job[0]["instances"]
    assert (inner["OP_ID"], inner["instance_name"]) == ("OP_INSTANCE_CREATE", "a")
    for wrong in ({}, {"instances": 1}, {"instances": [1]}, {"instances": [{"x": 1}]}):
        with pytest.raises(rapi_client.ApiError, match="instances"):
            api.request("POST", "/2/instances-multi-alloc", None, wrong)


@pytest.mark.parametrize(("query", "body", "op_ids", "os_type"), [
    ({}, None, ["SHUTDOWN", "REINSTALL", "STARTUP"], None),
    ({"os": "debian", "nostartup": 1}, None, ["SHUTDOWN", "REINSTALL"], "debian"),
    ({}, {"os": "x", "start": False}, ["SHUTDOWN", "REINSTALL"], "x"),
    ({}, {"os": "x"}, ["SHUTDOWN", "REINSTALL", "STARTUP"], "x"),
])
def test_reinstall_is_one_job(api, master, query, body, op_ids, os_type):
    assert api.request("POST", "/2/instances/web/reinstall", query, body) == 42
    assert [op["OP_ID"] for op in master.job] == [f"OP_INSTANCE_{word}" for word in op_ids]
    assert master.job[1]["os_type"] == os_type
    assert all(len(op["reason"]) == 1 for op in master.job)


@pytest.mark.parametrize(("query", "body"), [
    ({"os": "x"}, {}), ({}, {"os": 5}), ({}, {"start": "yes"}), ({}, {"other": 1}),
    ({}, {"osparams": []})])
def test_wrong_reinstallations(api, query, body):
    with pytest.raises(rapi_client.ApiError) as caught:
        api.request("POST", "/2/instances/web/reinstall", query, body)
    assert caught.value.code == 400


@pytest.mark.parametrize(("query", "body", "disks"), [
    ({"mode": "replace_auto"}, None, []), ({"mode": "replace_auto", "disks": "0,2"}, None, [0, 2]),
    ({}, {"mode": "replace_auto", "disks": "1"}, [1]),
    ({}, {"mode": "replace_auto", "disks": [3]}, [3])])
def test_disks_to_replace(api, master, query, body, disks):
    api.request("POST", "/2/instances/web/replace-disks", query, body)
    assert master.job[0]["disks"] == disks


@pytest.mark.parametrize(("query", "body", "mode"), [
    ({"live": "1"}, None, "live"), ({"live": "0"}, None, "non-live"), ({}, None, None),
    ({"mode": "non-live"}, {"mode": "live"}, "non-live"), ({}, {"mode": "live"}, "live")])
def test_migrating_a_node(api, master, query, body, mode):
    api.request("POST", "/2/nodes/n1/migrate", query, body)
    assert master.job[0]["mode"] == mode


def test_both_ways_of_migrating_are_refused(api):
    with pytest.raises(rapi_client.ApiError, match="not both"):
        api.request("POST", "/2/nodes/n1/migrate", {"live": 1, "mode": "live"})


@pytest.mark.parametrize(("role", "flags"), [
    ("regular", (False, False, False)), ("master-candidate", (True, None, None)),
    ("drained", (None, None, True)), ("offline", (None, True, None))])
def test_roles_of_a_node(api, master, role, flags):
    api.set_node_role("n1", role, force=True)
    (op,) = master.job
    assert (op["master_candidate"], op["offline"], op["drained"]) == flags
    assert (op["force"], op["auto_promote"]) == (True, False)


@pytest.mark.parametrize("role", ["master", "", 5, ["offline"], {"role": "offline"}])
def test_no_role(api, role):
    with pytest.raises(rapi_client.ApiError, match="one of the texts"):
        api.set_node_role("n1", role)


def test_role_is_shown_as_a_word(api, master):
    master.answers[protocol.REQ_QUERY_NODES] = [["C"]]
    assert api.node_role("n1") == "master-candidate"


@pytest.mark.parametrize(("query", "changes"), [
    ({}, {}), ({"allocatable": 0}, {"allocatable": False}), ({"allocatable": ""},
                                                           {"allocatable": True})])
def test_changing_storage(api, master, query, changes):
    api.request("PUT", "/2/nodes/n1/storage/modify",
                {"storage_type": "lvm-pv", "name": "/dev/sda", **query})
    assert master.job[0]["changes"] == changes


def test_storage_listing(api, master):
    api.request("GET", "/2/nodes/n1/storage", {"output_fields": "name,free",
                                               "storage_type": "lvm-vg"})
    (op,) = master.job
    assert (op["nodes"], op["output_fields"]) == (["n1"], ["name", "free"])
    with pytest.raises(rapi_client.ApiError, match="output_fields"):
        api.request("GET", "/2/nodes/n1/storage")


@pytest.mark.parametrize(("method", "path", "query", "text"), [
    ("PUT", "/2/instances/web/prepare-export", {}, "'mode' is missing"),
    ("PUT", "/2/nodes/n1/storage/repair", {}, "'name' is missing"),
    ("PUT", "/2/tags", {}, "'tag' is missing"),
    ("GET", "/2/query/node", {}, "'fields' is missing"),
])
def test_missing_arguments(api, method, path, query, text):
    with pytest.raises(rapi_client.ApiError, match=text) as caught:
        api.request(method, path, query)
    assert caught.value.code == 400


def test_forbidden_cluster_parameter(api, master):
    with pytest.raises(rapi_client.ApiError) as caught:
        api.modify_cluster(compression_tools=["gzip"])
    assert caught.value.code == 403 and master.calls == []
    api.modify_cluster(candidate_pool_size=5)
    assert master.job[0]["candidate_pool_size"] == 5


def test_depends_is_passed_even_where_the_body_is_ignored(api, master):
    api.request("PUT", "/2/instances/web/startup", None,
                {"depends": [[7, ["success"]]], "force": "rubbish"})
    (op,) = master.job
    assert op["depends"] == [[7, ["success"]]] and op["force"] is False
    with pytest.raises(rapi_client.ApiError, match="depends"):
        api.request("PUT", "/2/instances/web/startup", None, {"depends": "soon"})


@pytest.mark.parametrize(("path", "call", "wanted", "key"), [
    ("/2/instances", protocol.REQ_QUERY_INSTANCES, fields.INSTANCE, "id"),
    ("/2/nodes", protocol.REQ_QUERY_NODES, fields.NODE, "id"),
    ("/2/groups", protocol.REQ_QUERY_GROUPS, fields.GROUP, "name"),
    ("/2/networks", protocol.REQ_QUERY_NETWORKS, fields.NETWORK, "name"),
])
def test_lists(api, master, path, call, wanted, key):
    def rows(names, asked, locking):
        assert locking is False and set(asked) <= set(wanted)
        return [[f"{field} of {name}" for field in asked] for name in (names or ["a", "b"])]

    master.answers[call] = rows
    assert api.request("GET", path) == [
        {key: f"name of {name}", "uri": f"{path}/name of {name}"} for name in "ab"]
    bulk = api.request("GET", path, {"bulk": 1})
    assert [item["uuid"] for item in bulk] == ["uuid of a", "uuid of b"]
    assert set(bulk[0]) == set(wanted)
    one = api.request("GET", f"{path}/x")
    assert one["name"] == "name of x" and set(wanted) <= set(one)
    master.answers[call] = []
    with pytest.raises(rapi_client.ApiError) as caught:
        api.request("GET", f"{path}/x")
    assert caught.value.code == 404


def test_old_names_of_values(api, master):
    master.answers[protocol.REQ_QUERY_INSTANCES] = [
        [{"maxmem": 512} if field == "beparams" else None for field in fields.INSTANCE]]
    assert api.instance("web")["beparams"] == {"maxmem": 512, "memory": 512}
    master.answers[protocol.REQ_QUERY_NODES] = [
        ["10.0.0.9" if field == "sip" else None for field in fields.NODE]]
    assert api.node("n1")["secondary_ip"] == "10.0.0.9"
    master.answers[protocol.REQ_QUERY_CLUSTER_INFO] = {"volume_group_name": "vg",
                                                       "drbd_usermode_helper": None}
    info = api.info()
    assert (info["vg_name"], info["drbd_helper"]) == ("vg", None)


def test_locking_is_passed_on_and_its_refusal_told(api, master):
    master.answers[protocol.REQ_QUERY_NODES] = errors.OpPrereqError("no locks", "wrong_input")
    with pytest.raises(rapi_client.ApiError, match="no locks"):
        api.request("GET", "/2/nodes/n1", {"lock": 1})
    assert master.called(protocol.REQ_QUERY_NODES)[0][2] is True


def test_console(api, master):
    console = {"instance": "web", "kind": "ssh"}
    master.answers[protocol.REQ_QUERY_INSTANCES] = [[console, True]]
    assert api.console("web") == console
    master.answers[protocol.REQ_QUERY_INSTANCES] = [[None, False]]
    with pytest.raises(rapi_client.ApiError, match="not running") as caught:
        api.console("web")
    assert caught.value.code == 503


def test_jobs(api, master):
    master.answers[protocol.REQ_QUERY_JOBS] = lambda ids, wanted: [
        [f"{field}" for field in wanted]]
    assert api.jobs() == [{"id": "id", "uri": "/2/jobs/id"}]
    assert set(api.jobs(bulk=True)[0]) == set(fields.JOB_BULK)
    assert set(api.job(7)) == set(fields.JOB)
    assert master.called(protocol.REQ_QUERY_JOBS)[-1][0] == [7]
    master.answers[protocol.REQ_QUERY_JOBS] = [None]
    with pytest.raises(rapi_client.ApiError, match="Job 7 does not exist") as caught:
        api.job(7)
    assert caught.value.code == 404
    master.answers[protocol.REQ_CANCEL_JOB] = [True, "done"]
    assert api.cancel_job(7) == [True, "done"]


def test_a_job_that_is_lost_is_404(api, master):
    master.answers[protocol.REQ_WAIT_FOR_JOB_CHANGE] = errors.JobLost("Job 7 lost")
    with pytest.raises(rapi_client.ApiError) as caught:
        api.wait_for_change(7, ["status"])
    assert caught.value.code == 404


def test_waiting_for_a_job(api, master):
    states = iter(["running", "running", "success"])
    master.answers[protocol.REQ_WAIT_FOR_JOB_CHANGE] = lambda *args: [[next(states)], []]
    master.answers[protocol.REQ_QUERY_JOBS] = lambda ids, wanted: [
        [{"status": "success", "opresult": [5]}.get(field) for field in wanted]]
    assert api.wait(7) == [5]
    assert [args[2] for args in master.called(protocol.REQ_WAIT_FOR_JOB_CHANGE)] == [
        None, ["running"], ["running"]]


def test_a_failed_job_is_an_exception_of_the_library(api, master):
    master.answers[protocol.REQ_WAIT_FOR_JOB_CHANGE] = [["error"], []]
    master.answers[protocol.REQ_QUERY_JOBS] = lambda ids, wanted: [
        [{"id": 7, "status": "error", "opresult": [["OpExecError", ["no disk"]]]}.get(field)
         for field in wanted]]
    with pytest.raises(rapi_client.JobFailed, match="Job 7 ended as error: no disk"):
        api.wait(7)


def test_queries(api, master):
    answer = {"fields": [], "data": []}
    master.answers[protocol.REQ_QUERY] = answer
    master.answers[protocol.REQ_QUERY_FIELDS] = {"fields": []}
    assert api.query("node", ["name"], ["=", "name", "n1"]) == answer
    api.request("GET", "/2/query/job", {"fields": "id,status"})
    api.request("PUT", "/2/query/lock", {"fields": "name"}, {"filter": ["?", "x"]})
    assert master.called(protocol.REQ_QUERY) == [
        ["node", ["name"], ["=", "name", "n1"]], ["job", ["id", "status"], None],
        ["lock", ["name"], ["?", "x"]]]
    assert api.query_fields("group", ["name"]) == {"fields": []}
    for what in ("os", "nonsense"):
        with pytest.raises(rapi_client.ApiError, match="can not be queried") as caught:
            api.query(what, ["name"])
        assert caught.value.code == 404


def test_operating_systems(api, master):
    master.answers[protocol.REQ_WAIT_FOR_JOB_CHANGE] = [
        ["success", [[["debian", ["default", "min"]], ["plain", []]]]], []]
    assert api.operating_systems() == ["debian+default", "debian+min", "plain"]
    assert master.job[0]["OP_ID"] == "OP_OS_DIAGNOSE"
    row = [{"parameters": [["size", "How big"]], "name": "debian"}.get(field)
           for field in fields.OS]
    master.answers[protocol.REQ_WAIT_FOR_JOB_CHANGE] = [["success", [[row]]], []]
    (debian,) = api.operating_systems(bulk=True)
    assert debian["parameters"] == [{"name": "size", "description": "How big"}]
    master.answers[protocol.REQ_WAIT_FOR_JOB_CHANGE] = [["error", ["no nodes"]], []]
    with pytest.raises(rapi_client.ApiError, match="no nodes"):
        api.operating_systems()


def test_filters(api, master):
    master.answers[protocol.REQ_QUERY_FILTERS] = lambda uuids, wanted: [list(wanted)]
    master.answers[protocol.REQ_REPLACE_FILTER] = "u-1"
    master.answers[protocol.REQ_DELETE_FILTER] = None
    assert api.request("GET", "/2/filters") == [{"uuid": "uuid", "uri": "/2/filters/uuid"}]
    assert api.request("GET", "/2/filters", {"bulk": 1})[0]["action"] == "action"
    assert api.request("GET", "/2/filters/u-1")["uuid"] == "uuid"
    assert api.request("POST", "/2/filters", None, {"priority": 3, "action": "PAUSE"}) == "u-1"
    assert api.request("PUT", "/2/filters/u-1", None, {}) == "u-1"
    first, second = master.called(protocol.REQ_REPLACE_FILTER)
    assert first[:4] == [None, 3, [], "PAUSE"] and second[:4] == ["u-1", 0, [], "CONTINUE"]
    assert first[4][-1][0] == "gnt:library:rlib2:filters"
    assert api.request("DELETE", "/2/filters/u-1") is None
    for wrong in ({"color": 1}, {"priority": "x"}, {"priority": True}, {"predicates": {}}):
        with pytest.raises(rapi_client.ApiError) as caught:
            api.request("POST", "/2/filters", None, wrong)
        assert caught.value.code == 400


@pytest.mark.parametrize(("where", "kind", "name"), [
    ("", "cluster", ""), ("instances/web", "instance", "web"), ("nodes/n1", "node", "n1"),
    ("groups/g", "nodegroup", "g"), ("networks/net", "network", "net")])
def test_tags(api, master, where, kind, name):
    master.answers[protocol.REQ_QUERY_TAGS] = ["t"]
    assert api.tags(where) == ["t"]
    assert master.called(protocol.REQ_QUERY_TAGS) == [[kind, name]]
    api.add_tags(["a", "b:c"], where)
    (op,) = master.job
    assert (op["kind"], op["name"], op["tags"]) == (kind, name or None, ["a", "b:c"])


def test_what_needs_no_master(api, master):
    assert api.version() == 2
    assert api.features() == fields.FEATURES
    assert api.request("GET", "/") is None and api.request("GET", "/2") is None
    assert master.calls == []


def test_number_of_resources():
    assert len(TABLE.resources) == 61 + 1  # the catalogue's, and the OpenAPI document
    assert sum(len(resource.methods) for resource in TABLE.resources) == 84 + 1


@pytest.mark.parametrize("path", ["/2/jobs/x", "/2/instances/a b", "/2/instances/a/b/c",
                                  "/2/instances/web/disk/x/grow", "//", "/3"])
def test_paths_of_nothing(path):
    assert TABLE.find(path) is None
