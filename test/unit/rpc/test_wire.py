"""Both ends of the RPC over real TLS: who may call, what is answered, what happens on trouble."""

import asyncio
import json
import os
import socket
import ssl
import threading
import time

import pytest

from ganeti import errors
from ganeti.rpc import client, server, tls
from test import certs
from test.waiting import wait_until

from .conftest import HANG

DAY = certs.DAY
#: States of a connection in TCP_INFO that the other end has left (Linux, net/tcp_states.h)
TCP_CLOSE, TCP_CLOSE_WAIT = 7, 8


def test_a_call_arrives_and_its_answer_comes_back(node):
    result = node.call("t_echo", {"grüße": [1, None, "x" * 100000]})
    assert result.fail_msg == ""
    assert result.payload == {"grüße": [1, None, "x" * 100000]}


def test_the_bootstrap_certificate_counts_only_while_the_list_is_empty(node):
    assert "master candidates only" in node.call("version", own=node.authority).fail_msg
    node.candidates.write_text("")
    assert node.call("version", own=node.authority).payload == 3010000
    assert "master candidates only" in node.call("version").fail_msg
    node.candidates.unlink()
    assert node.call("version", own=node.authority).payload == 3010000


def test_a_demoted_candidate_is_refused_on_its_open_connection(node):
    with node.runner() as rpc:
        assert rpc.call("node1", "version").payload == 3010000
        node.candidates.write_text("uuid1=00:11\n")
        assert "master candidates only" in rpc.call("node1", "version").fail_msg
        node.candidates.write_text(f"uuid2=00:11\nuuid1={node.client.digest}\n")
        assert rpc.call("node1", "version").payload == 3010000


@pytest.mark.parametrize("kind", ["foreign", "self-signed", "expired"])
def test_bad_client_certificates_get_nowhere(node, tmp_path, kind):
    bad = {
        "foreign": lambda: certs.make(tmp_path / "bad.pem", "node1", certs.make(
            tmp_path / "other.pem", "ganeti.example.com")),
        "self-signed": lambda: certs.make(tmp_path / "bad.pem", "node1"),
        "expired": lambda: certs.make(tmp_path / "bad.pem", "node1", node.authority, ends=-DAY),
    }[kind]()
    # even if its digest is in the list
    node.candidates.write_text(f"uuid1={bad.digest}\nuuid2={node.client.digest}\n")
    result = node.call("version", own=bad)
    assert result.payload is None
    assert "no trust" in result.fail_msg
    assert node.call("version").payload == 3010000


def test_no_client_certificate_at_all(node):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(node.authority.path)
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as raw, \
            pytest.raises((ssl.SSLError, ConnectionResetError)), \
            context.wrap_socket(raw) as connection:
        connection.sendall(b"POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]")
        if not connection.recv(100):
            raise ConnectionResetError


def test_a_server_of_another_cluster_is_not_trusted(node, make_node):
    other = make_node()
    result = node.call("version", own=other.client, authority=other.authority)
    assert "not of this cluster" in result.fail_msg or "no trust" in result.fail_msg


def test_a_renewed_server_certificate_counts_without_restart(node):
    renewed = certs.make(node.directory / "new.pem", "ganeti.example.com")
    new_client = certs.make(node.directory / "newclient.pem", "node1", renewed)
    node.candidates.write_text(f"uuid1={new_client.digest}\n")
    os.replace(renewed.path, node.authority.path)
    renewed.path = node.authority.path
    result = node.call("version", own=new_client, authority=renewed)
    assert result.payload == 3010000


def request(node, data, read_all=True):
    """Send raw bytes over a good connection."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as raw, \
            node.context().wrap_socket(raw) as connection:
        connection.sendall(data)
        answer = b""
        while read_all and (part := connection.recv(65536)):
            answer += part
            if b"]" in part:
                break
        return answer


def post(path, body, method="POST"):
    return (f"{method} /{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            .encode() + body)


def parts(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(("data", "status", "words"), [
    (post("version", b"[]", "PUT"), 400, "by POST"),
    (post("nonsense", b"[]"), 404, "no call 'nonsense'"),
    (post("version", b"not json"), 200, "no valid JSON"),
    (post("version", b"\xff\xfe"), 200, "no UTF-8"),
    (post("version", b"{}"), 200, "expected a list of arguments"),
    (post("version", b"[1, 2]"), 200, "expected 0 arguments, got 2"),
    (post("version", b"[" * 100000), 200, "nested too deeply"),
    (post("blockdev_find", b"[5]"), 200, "argument 'disk' is not a valid disk"),
    (post("upload_file", b'[["/x", [1, "%%%"], 0, "a", "b", 0, 0]]'), 200, "damaged compressed"),
])
def test_bad_requests_get_a_clear_answer(node, data, status, words):
    got, (ok, text) = parts(request(node, data))
    assert (got, ok) == (status, False)
    assert words in text
    assert "\n" not in text
    assert node.call("version").payload == 3010000


def test_a_body_that_is_too_long_is_not_read(node, monkeypatch):
    monkeypatch.setattr(server, "MAX_BODY", 1000)
    assert "longer than 1000 bytes" in node.call("t_echo", "x" * 2000).fail_msg
    chunked = (b"POST /t_echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
               + b"400\r\n" + b"x" * 1024 + b"\r\n0\r\n\r\n")
    assert parts(request(node, chunked))[0] == 413


@pytest.mark.parametrize("garbage", [b"\x00" * 500, b"GET", b"\x16\x03\x01" + os.urandom(300),
                                     os.urandom(5000)])
def test_garbage_instead_of_tls_or_http_harms_nobody(node, garbage):
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as raw:
        raw.sendall(garbage)
        raw.shutdown(socket.SHUT_WR)
        raw.settimeout(10)
        try:
            while raw.recv(1000):
                pass
        except ConnectionResetError:
            pass
    request(node, garbage, read_all=False)
    assert node.call("version").payload == 3010000


def test_failures_of_the_backend_are_told(node):
    assert node.call("t_refuse").fail_msg == "The disk is on fire"
    assert "ZeroDivisionError" in node.call("t_crash").fail_msg
    assert "Unexpected TypeError" in node.call("t_odd").fail_msg
    assert "not supported by this node daemon" in node.call("t_missing").fail_msg


def test_a_call_that_kills_its_worker_is_answered_and_the_next_one_works(make_node):
    node = make_node(lane_size=1)
    with node.runner() as rpc:
        for _ in range(3):
            assert "ended its worker" in rpc.call("node1", "t_die").fail_msg
            assert rpc.call("node1", "version").payload == 3010000


def test_a_hanging_call_is_written_off_and_its_worker_replaced(make_node):
    node = make_node(lane_size=1)
    with node.runner() as rpc:
        assert "no answer to t_hang" in rpc.call("node1", "t_hang").fail_msg
        time.sleep(0.4)
        assert rpc.call("node1", "version").payload == 3010000
        for _ in range(server.workers.MAX_LOST - 1):
            rpc.call("node1", "t_hang")
            time.sleep(0.4)
        assert "overloaded" in rpc.call("node1", "version").fail_msg
        HANG.set()
        time.sleep(0.2)
        assert rpc.call("node1", "version").payload == 3010000


def test_slow_calls_do_not_hold_up_quick_ones(make_node):
    node = make_node(lane_size=2)
    with node.runner() as rpc:
        threads = [threading.Thread(target=rpc.call, args=("node1", "t_sleep", 1.0))
                   for _ in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        begun = time.monotonic()
        assert rpc.call("node1", "version").payload == 3010000
        assert time.monotonic() - begun < 0.25
        for thread in threads:
            thread.join()


def test_a_node_that_shall_stop_answers_first(node, loop):
    assert node.call("t_quit").payload == "Bye"
    loop.run(asyncio.wait_for(node.server.stopping.wait(), 5))


def test_an_answer_that_takes_too_long(node):
    begun = time.monotonic()
    result = node.call("t_nap", 1.5)
    assert "no answer to t_nap" in result.fail_msg
    assert "within 0.3 s" in result.fail_msg
    assert time.monotonic() - begun < 1.2


def test_a_peer_that_hangs_is_left_at_once(node):
    """It does not answer the farewell of TLS either, which would be waited for."""
    peers = []

    def take_one():
        connection, _ = listener.accept()
        peers.append(context.wrap_socket(connection, server_side=True))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(node.authority.path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take_one)
        thread.start()
        rpc_client = client.RpcClient(listener.getsockname()[1], node.context())
        with client_runner(rpc_client) as rpc:
            assert "no answer to t_nap" in rpc.call("node1", "t_nap", 0).fail_msg
            thread.join()
            with peers[0] as peer:
                wait_until(lambda: peer.getsockopt(
                    socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in (TCP_CLOSE, TCP_CLOSE_WAIT),
                    "the connection is closed", 5)


def test_nobody_listens(node, loop):
    loop.run(node.server.stop())
    assert "is ganeti-noded running there" in node.call("version").fail_msg


def test_a_peer_that_says_nothing_is_given_up_after_the_connect_time_out(node, monkeypatch):
    monkeypatch.setattr(client, "CONNECT_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        rpc_client = client.RpcClient(silent.getsockname()[1], node.context())
        with client_runner(rpc_client) as rpc:
            begun = time.monotonic()
            result = rpc.call("node1", "version")
    assert "no connection" in result.fail_msg
    assert time.monotonic() - begun < 3


def client_runner(rpc_client):
    from ganeti.rpc import runner
    return runner.RpcRunner.bootstrap({"node1": "127.0.0.1"}, rpc_client=rpc_client)


def test_a_server_that_answers_garbage(node):
    async def garbage(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]")
        await writer.drain()
        writer.close()

    async def start():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(node.authority.path)
        return await asyncio.start_server(garbage, "127.0.0.1", 0, ssl=context)

    listener = node.loop.run(start())
    rpc_client = client.RpcClient(listener.sockets[0].getsockname()[1], node.context())
    with client_runner(rpc_client) as rpc:
        assert "not of the form" in rpc.call("node1", "version").fail_msg
    node.loop.loop.call_soon_threadsafe(listener.close)


def test_a_restarted_server_is_reached_over_the_same_runner(node, loop):
    with node.runner() as rpc:
        assert rpc.call("node1", "version").payload == 3010000
        loop.run(node.server.stop())
        assert rpc.call("node1", "version").fail_msg

        async def again():
            peers = tls.PeerCheck(str(node.candidates), node.authority.path)
            made = server.NodeServer({"version": lambda: 5}.get, peers)
            await made.start("127.0.0.1", node.port, tls.server_context(node.authority.path))
            return made

        node.server = loop.run(again())
        assert rpc.call("node1", "version").payload == 5


def test_missing_and_damaged_certificate_files_are_named(tmp_path):
    with pytest.raises(errors.X509CertError, match="file is missing"):
        tls.server_context(str(tmp_path / "none.pem"))
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    with pytest.raises(errors.X509CertError, match="broken.pem"):
        tls.server_context(str(broken))
    missing = str(tmp_path / "none")
    with pytest.raises(errors.X509CertError, match="none"):
        tls.PeerCheck(missing, missing).allowed(b"x")
    assert not tls.PeerCheck(missing, str(broken)).allowed(b"x")


def test_connections_are_kept(node):
    accepted = []
    original = socket.socket.accept
    with node.runner() as rpc:
        for _ in range(20):
            assert rpc.call("node1", "version").payload == 3010000
        connector = rpc._client._session.connector
        accepted = sum(len(connections) for connections in connector._conns.values())
    assert accepted == 1
    assert original is socket.socket.accept
