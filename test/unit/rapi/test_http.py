"""The web side: rights, errors, limits, and what comes of garbage."""

import base64
import json
import socket
import threading

import pytest

from ganeti import errors, rapi
from ganeti.luxi import protocol
from ganeti.rapi import client as rapi_client
from test.waiting import wait_until

JSON = {"Content-Type": "application/json"}


def basic(user, password):
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


JACK = basic("jack", "abc")


def test_form_of_an_answer(rig):
    rig.master.answers[protocol.REQ_QUERY_CLUSTER_INFO] = {"name": "c", "a": [1, 2]}
    connection = socket.create_connection(("127.0.0.1", rig.port))
    with connection, connection.makefile("rb") as stream:
        for _ in range(2):  # the connection stays open
            connection.sendall(b"GET /2/info HTTP/1.1\r\nHost: x\r\n\r\n")
            assert stream.readline().startswith(b"HTTP/1.1 200")
            length = 0
            while (line := stream.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = stream.read(length)
            assert body.startswith(b'{"name": "c", "a": [1, 2], ') and body.endswith(b"}\n")


def test_form_of_an_error(rig):
    status, headers, body = rig.raw("GET", "/2/nothing")
    assert status == 404
    assert headers["Content-Type"].startswith("application/json")
    assert body == {"code": 404, "message": "There is no resource /2/nothing",
                    "explain": "Nothing matches the given URI"}


def test_unsupported_method_is_501(rig):
    status, _, body = rig.raw("PATCH", "/2/info", headers=JACK)
    assert status == 501 and "it knows GET" in body["message"]


@pytest.mark.parametrize(("target", "credentials", "status"), [
    ("/2/features", {}, 200),
    ("/2/features", JACK, 200),
    ("/2/features", basic("jack", "wrong"), 401),
    ("/2/features", basic("nobody", "abc"), 401),
    ("/2/features", {"Authorization": "Bearer x"}, 401),
    ("/2/features", {"Authorization": "Basic !!!"}, 401),
    ("/2/query/node?fields=name", {}, 401),
    ("/2/query/node?fields=name", basic("ro", "secret"), 200),
    ("/2/query/node?fields=name", JACK, 200),
    ("/2/query/node?fields=name", basic("none", "plain"), 403),
])
def test_who_may_read(rig, target, credentials, status):
    rig.master.answers[protocol.REQ_QUERY] = {"fields": [], "data": []}
    found, headers, body = rig.raw("GET", target, headers=credentials)
    assert found == status, body
    assert (headers["WWW-Authenticate"] == 'Basic realm="Ganeti Remote API"') == (status == 401)


def test_reading_right_does_not_write(rig):
    status, _, body = rig.raw("PUT", "/2/redistribute-config", headers=basic("ro", "secret"))
    assert status == 403 and "write" in body["message"]
    assert rig.master.calls == []


def test_required_authentication_keeps_everybody_else_out(make_rig):
    rig = make_rig(require_authentication=True)
    assert rig.raw("GET", "/version")[0] == 401
    assert rig.raw("GET", "/version", headers=basic("none", "plain"))[::2] == (200, 2)


def test_users_file_is_read_anew_when_it_changes(rig):
    assert rig.raw("GET", "/version", headers=basic("new", "x"))[0] == 401
    rig.users.write_text("new x write\n")
    assert rig.raw("GET", "/version", headers=basic("new", "x"))[0] == 200
    assert rig.raw("GET", "/version", headers=JACK)[0] == 401
    rig.users.unlink()
    assert rig.raw("GET", "/version", headers=basic("new", "x"))[0] == 401


@pytest.mark.parametrize(("error", "status", "text"), [
    (errors.OpPrereqError("Node x is unknown", errors.ECODE_NOENT), 404, "Node x is unknown"),
    (errors.OpPrereqError("Locking is not there", errors.ECODE_INVAL), 400, "Locking"),
    (errors.OpExecError("it broke"), 500, "it broke"),
    (errors.GenericError("the queue is drained"), 500, "drained"),
    (errors.JobQueueFull(), 503, "queue is full"),
    (errors.JobQueueDrainError("closed"), 503, "closed"),
    (errors.LuxiError("other version"), 502, "other version"),
])
def test_errors_of_the_master(rig, error, status, text):
    rig.master.answers[protocol.REQ_QUERY_CLUSTER_INFO] = error
    found, _, body = rig.raw("GET", "/2/info")
    assert found == status and text in body["message"]


def test_no_master_daemon_is_502_and_its_return_is_noticed(rig):
    rig.master.answers[protocol.REQ_QUERY_CLUSTER_INFO] = {}
    rig.run(rig.luxi.stop())
    status, _, body = rig.raw("GET", "/2/info")
    assert status == 502 and "No master daemon listens" in body["message"]
    rig.run(rig.luxi.start(rig.socket))
    assert rig.raw("GET", "/2/info")[0] == 200


def test_silent_master_is_504(make_rig):
    rig = make_rig(read=0.2)
    gate = threading.Event()

    async def never():
        import asyncio
        while not gate.is_set():
            await asyncio.sleep(0.05)

    rig.master.answers[protocol.REQ_QUERY_CLUSTER_INFO] = never
    status, _, body = rig.raw("GET", "/2/info")
    gate.set()
    assert status == 504 and "no answer within" in body["message"]


@pytest.mark.parametrize(("body", "headers", "status", "text"), [
    ("{}", {}, 415, "must be application/json"),
    ("{}", {"Content-Type": "text/plain"}, 415, "text/plain"),
    ("{", JSON, 400, "Unable to parse JSON data"),
    (b"\xff\xfe", JSON, 400, "Unable to parse JSON data"),
    ("[" * 100000, JSON, 400, "Unable to parse JSON data"),
    ("[1]", JSON, 400, "must be a JSON object"),
    ('{"nonsense": 1}', JSON, 400, "Invalid body parameters"),
    ('{"instance_name": "x"}', JSON, 400, "set by the URI"),
])
def test_bad_bodies(rig, body, headers, status, text):
    found, _, answer = rig.raw("PUT", "/2/instances/web/shutdown", body, {**headers, **JACK})
    assert (found, text in answer["message"]) == (status, True), answer
    assert rig.master.calls == []


def test_body_over_the_limit_is_413(rig):
    body = json.dumps({"comment": "x" * rapi.MAX_BODY})
    try:
        status, _, answer = rig.raw("PUT", "/2/modify", body, {**JSON, **JACK})
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused while we were still sending
    else:
        assert status == 413 and answer["code"] == 413
    assert rig.raw("GET", "/version")[0] == 200


@pytest.mark.parametrize("garbage", [
    b"\0\xff" * 5000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 100,
    b"\x16\x03\x01\x02\x00\x01\x00", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"POST /2/groups HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"GET /%zz%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"{}\n",
])
def test_garbage_on_the_port_is_survived(rig, garbage):
    with socket.create_connection(("127.0.0.1", rig.port)) as sock:
        sock.settimeout(5)
        sock.sendall(garbage)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    assert b"Traceback" not in answer and not answer.startswith(b"HTTP/1.1 200")
    assert rig.raw("GET", "/version")[::2] == (200, 2)


@pytest.mark.parametrize("query", ["bulk=x", "bulk=1.5", "bulk=%ff"])
def test_query_that_is_no_integer(rig, query):
    status, _, body = rig.raw("GET", f"/2/nodes?{query}")
    assert status == 400 and "'bulk'" in body["message"]


def test_a_waiting_request_does_not_hold_up_the_others(make_rig):
    rig = make_rig(workers=1)
    release = threading.Event()

    async def wait(*_args):
        import asyncio
        while not release.is_set():
            await asyncio.sleep(0.02)
        return [["success"], []]

    rig.master.answers[protocol.REQ_WAIT_FOR_JOB_CHANGE] = wait
    rig.master.answers[protocol.REQ_QUERY_CLUSTER_INFO] = {}
    results = []

    def ask():
        with rig.client() as client:
            results.append(client.wait_for_change(1, ["status"]))

    waiting = [threading.Thread(target=ask) for _ in range(5)]
    for thread in waiting:
        thread.start()
    wait_until(lambda: len(rig.master.called(protocol.REQ_WAIT_FOR_JOB_CHANGE)) == 5)
    assert rig.raw("GET", "/2/info")[0] == 200
    assert results == []
    release.set()
    for thread in waiting:
        thread.join(10)
    assert results == [{"job_info": ["success"], "log_entries": []}] * 5


def test_client_library_names_the_trouble(rig):
    with rig.client(password="wrong") as client, pytest.raises(rapi_client.ApiError) as caught:
        client.info()
    assert caught.value.code == 401
    unreachable = rapi_client.Client("127.0.0.1", 1, context=None)
    with pytest.raises(rapi_client.RapiError, match="Can't talk to 127.0.0.1 port 1"):
        unreachable.version()
