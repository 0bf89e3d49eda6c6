"""Requests of any shape at every port and socket: refused or answered, and the daemons live on.

Bounded and always the same (no random seed), so that a failure is found again. None of the
requests may change anything: each is wrong in at least one way, or only asks.
"""

from __future__ import annotations

import base64
import functools
import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganeti import serializer
from ganeti.luxi import protocol
from ganeti.opcodes import table
from ganeti.rapi.resources import TABLE
from ganeti.rpc import defs
from test.vcluster.fixture import VirtualCluster
from test.vcluster.wire import LuxiLine, blind_context, call_node
from test.waiting import wait_until

SCALARS = (st.none() | st.booleans() | st.integers(-2**70, 2**70) | st.floats(allow_nan=False)
           | st.text(max_size=12)
           | st.sampled_from(["node1", "nosuch", "/etc/passwd", "=", "name"]))
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4)
                    | st.dictionaries(st.text(max_size=6), inner, max_size=4), max_leaves=8)
WORDS = st.sampled_from(["?", "!", "&", "|", "=", "!=", "<", ">=", "=~", "=[]", "name", "id",
                         "status", "role", "node", "uuid"])
FILTERS = st.recursive(WORDS | SCALARS, lambda inner: st.lists(inner, max_size=4), max_leaves=8)


def bounded(examples: int):  # type: ignore[no-untyped-def]
    return settings(max_examples=examples, derandomize=True, deadline=None, database=None,
                    suppress_health_check=[HealthCheck.function_scoped_fixture,
                                           HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def everything_lives(cluster: VirtualCluster) -> Iterator[None]:
    """The same processes before and after, and they answer."""
    before = cluster.daemon_pids("node1")
    yield
    assert cluster.daemon_pids("node1") == before
    cluster.run("gnt-node list")
    log = cluster.path("node1", "/var/log/ganeti/master-daemon.log").read_text(errors="replace")
    assert "Traceback" not in log


# LUXI

@pytest.fixture
def luxi(cluster: VirtualCluster) -> Iterator[LuxiLine]:
    line = LuxiLine(str(cluster.path("node1", "/var/run/ganeti/socket/ganeti-query")))
    yield line
    line.close()


OP_IDS = sorted(name for names in table.MODULES.values() for name in names)
HARMLESS = sorted({value for name, value in vars(protocol).items() if name.startswith("REQ_")}
                  - {protocol.REQ_SET_DRAIN_FLAG, protocol.REQ_WAIT_FOR_JOB_CHANGE})
#: Exceptions that say that nobody thought of the case.
BARE = {"KeyError", "TypeError", "AttributeError", "IndexError", "RecursionError",
        "AssertionError", "UnicodeEncodeError", "OverflowError"}


def _judge(answer: dict) -> None:
    assert set(answer) >= {"success", "result"}
    assert "Traceback" not in json.dumps(answer)
    if not answer["success"]:
        name, details = answer["result"]
        assert name not in BARE, answer["result"]
        assert isinstance(details, list)


@bounded(150)
@given(method=st.sampled_from(HARMLESS), args=st.lists(JSON, max_size=5))
def test_luxi_any_arguments(luxi: LuxiLine, method: str, args: object) -> None:
    _judge(luxi.ask(json.dumps({"method": method, "args": args}).encode()))


@bounded(40)
@given(message=JSON)
def test_luxi_no_requests(cluster: VirtualCluster, message: object) -> None:
    """What is no request at all may also cost the connection, never more."""
    line = LuxiLine(str(cluster.path("node1", "/var/run/ganeti/socket/ganeti-query")))
    try:
        _judge(line.ask(json.dumps(message).encode()))
    except ConnectionError:
        assert not isinstance(message, dict) or "method" not in message
    finally:
        line.close()


@bounded(150)
@given(what=st.sampled_from(["node", "instance", "job", "group", "network", "os", "export", "lock",
                             "filter", "cluster"]),
       fields=st.lists(WORDS | st.text(max_size=8), max_size=3), qfilter=FILTERS)
def test_luxi_any_filter(luxi: LuxiLine, what: str, fields: list[str], qfilter: object) -> None:
    _judge(luxi.ask(json.dumps({"method": "Query", "args": [what, fields, qfilter]}).encode()))


@bounded(150)
@given(name=st.sampled_from(OP_IDS), data=st.data())
def test_luxi_any_opcode(luxi: LuxiLine, name: str, data: st.DataObject) -> None:
    from ganeti import opcodes

    fields = sorted(opcodes.get_class(name).FIELDS)
    given_ = data.draw(st.dictionaries(st.sampled_from(fields) if fields else st.just("x"), JSON,
                                       max_size=4))
    answer = luxi.ask(json.dumps({"method": "SubmitJob", "args": [
        [given_ | {"OP_ID": name, "no_such_parameter": 1}]]}).encode())
    assert answer["success"] is False
    _judge(answer)


# Node RPC

READ_ONLY = ("bdev_sizes", "blockdev_find", "blockdev_getdimensions", "blockdev_getmirrorstatus",
             "blockdev_getmirrorstatus_multi", "get_file_info", "all_instances_info",
             "hypervisor_validate_params", "instance_console_info", "instance_info",
             "instance_list", "instance_migratable", "bridges_exist", "node_has_ip_address",
             "node_info", "node_verify_light", "os_validate", "os_export", "storage_list",
             "lv_list", "export_info", "export_list", "impexp_status", "hotplug_supported",
             "instance_get_migration_status", "file_storage_dir_create", "x509_cert_remove",
             "drbd_needs_activation", "blockdev_shutdown", "run_oob")


@pytest.fixture
def node_call(cluster: VirtualCluster):  # type: ignore[no-untyped-def]
    connection = http.client.HTTPSConnection(
        cluster.address("node1"), 1811, timeout=20,
        context=blind_context(str(cluster.path("node1", "/var/lib/ganeti/client.pem"))))

    def ask(call: str, body: bytes) -> list:
        connection.request("POST", f"/{call}", body)
        answer = connection.getresponse()
        data = json.loads(answer.read())
        assert isinstance(data, list)
        assert len(data) == 2
        assert isinstance(data[0], bool)
        assert "Traceback" not in json.dumps(data)
        if not data[0]:
            assert isinstance(data[1], str)
            assert data[1]
        return data

    yield ask
    connection.close()


def test_rpc_wrong_number_of_arguments(node_call) -> None:  # type: ignore[no-untyped-def]
    for name, call in defs.table().items():
        bodies = [[None] * (len(call.args) + 1), {"a": 1}, None, "text", 5]
        if call.args:
            bodies += [[], [1] * (len(call.args) - 1)]
        for body in bodies:
            good, text = node_call(name, json.dumps(body).encode())
            assert good is False, name
            assert "Unexpected" not in text, (name, text)


@bounded(60)
@given(name=st.sampled_from(sorted(defs.table())), data=st.binary(max_size=100))
def test_rpc_any_bytes(node_call, name: str, data: bytes) -> None:  # type: ignore[no-untyped-def]
    good, text = node_call(name, b"\xff" + data)
    assert good is False
    assert "Unexpected" not in text, (name, text)


@bounded(250)
@given(name=st.sampled_from(READ_ONLY), data=st.data())
def test_rpc_any_arguments(node_call, name: str, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    count = len(defs.table()[name].args)
    arguments = data.draw(st.lists(JSON, min_size=count, max_size=count))
    node_call(name, json.dumps(arguments).encode())


# RAPI

@pytest.fixture
def rapi(cluster: VirtualCluster):  # type: ignore[no-untyped-def]
    users = cluster.path("node1", "/var/lib/ganeti/rapi/users")
    users.parent.mkdir(exist_ok=True)
    users.write_text("fuzzer {CLEARTEXT}secret write,read\n")
    connection = http.client.HTTPSConnection(cluster.address("node1"), 5080, timeout=30,
                                             context=blind_context())
    headers = {"Content-Type": "application/json",
               "Authorization": "Basic " + base64.b64encode(b"fuzzer:secret").decode()}

    def ask(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    wait_until(lambda: ask("GET", "/2/query/node", b"")[0] != 401,
               "the users' file is read again within moments of its change", 5)
    yield ask
    connection.close()
    users.unlink()


def _path(uri: str) -> str:
    """A path of the resource, with items that do not exist."""
    parts = uri.split("/")
    return "/".join("999999999" if part in ("{job_id}", "{disk_index}") else
                    "nosuch" if part.startswith("{") else part for part in parts)


@functools.cache
def _requests() -> list[tuple[str, str]]:
    methods = ("GET", "POST", "PUT", "DELETE")
    return [(method, _path(item.uri)) for item in TABLE.resources for method in methods]


@bounded(350)
@given(request=st.sampled_from(_requests()), body=JSON, raw=st.none() | st.binary(max_size=40),
       query=st.sampled_from(["", "?bulk=1", "?bulk=x", "?dry-run=maybe", "?tag=", "?fields=,,",
                              "?%00=1", "?force=1&force=2"]))
def test_rapi_any_body(rapi, request, body, raw, query) -> None:  # type: ignore[no-untyped-def]
    method, path = request
    if method != "GET":
        # Never right: an unknown parameter, or no object at all.
        body = body | {"no_such_parameter": 1} if isinstance(body, dict) else [body]
    encoded = json.dumps(body).encode() if raw is None else b"\xfe" + raw
    if method != "GET" and path.endswith("redistribute-config"):
        return  # it takes no body
    status, data = rapi(method, path + query, encoded)
    assert status != 500, (method, path, query, encoded, data)
    assert b"Traceback" not in data
    if data:
        json.loads(data)


# confd

@bounded(150)
@given(message=JSON | st.fixed_dictionaries({
    "protocol": st.sampled_from([1, 2, "1"]), "type": st.integers(-1, 12) | JSON, "query": JSON,
    "rsalt": JSON}), age=st.sampled_from([0, 0, 0, 10**6]))
def test_confd_signed_requests(cluster: VirtualCluster, message: object, age: int) -> None:
    key = cluster.path("node1", "/var/lib/ganeti/hmac.key").read_text()
    signed = serializer.dump_signed(message, key, str(int(time.time()) - age))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"plj0" + signed.encode(), (cluster.address("node1"), 1814))


def test_confd_answers_after_all_that(cluster: VirtualCluster) -> None:
    from ganeti.confd.client import ConfdClient

    key = cluster.path("node1", "/var/lib/ganeti/hmac.key").read_text()
    assert ConfdClient(key, [cluster.address("node1")]).ask(3, None).reply.answer == "node1"
    status, answer = call_node(cluster.address("node1"), str(
        cluster.path("node1", "/var/lib/ganeti/client.pem")), "version", "[]")
    assert (status, answer[0]) == (200, True)
    log = cluster.path("node1", "/var/log/ganeti/conf-daemon.log").read_text(errors="replace")
    assert "Traceback" not in log
