"""Garbage at every port and socket: a clear answer, the daemon lives, nothing is lost."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator

import pytest

from test.vcluster.fixture import VirtualCluster


@pytest.fixture(autouse=True)
def everything_lives(cluster: VirtualCluster) -> Iterator[None]:
    """The daemons that ran before run after, under the same process ids, and still answer."""
    before = cluster.daemon_pids("node1")
    yield
    assert cluster.daemon_pids("node1") == before
    cluster.run("gnt-node list")


def _luxi_raw(cluster: VirtualCluster, data: bytes) -> dict | None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(cluster.path("node1", "/var/run/ganeti/socket/ganeti-query")))
        sock.sendall(data)
        answer = b""
        while not answer.endswith(b"\x03"):
            piece = sock.recv(65536)
            if not piece:
                return None
            answer += piece
        return json.loads(answer[:-1])


@pytest.mark.parametrize(("method", "args"), [
    ("NoSuchMethod", []),
    ("Query", []),
    ("Query", ["instance", "name", None]),
    ("Query", ["planet", ["name"], None]),
    ("Query", ["node", ["name"], ["??"]]),
    ("SubmitJob", [[{"OP_ID": "OP_NO_SUCH_THING"}]]),
    ("SubmitJob", [[{"OP_ID": "OP_TEST_DELAY"}]]),
    ("SubmitJob", [[{"OP_ID": "OP_TEST_DELAY", "duration": "long"}]]),
    ("SubmitJob", [[{"OP_ID": "OP_TEST_DELAY", "duration": 1, "speed": 3}]]),
    ("SubmitJob", [["OP_TEST_DELAY"]]),
    ("SubmitJob", [[]]),
    ("WaitForJobChange", [10 ** 9, ["status"], None, None, 1]),
    ("WaitForJobChange", ["one", ["status"], None, None, 1]),
    ("CancelJob", [{"id": 1}]),
    ("ChangeJobPriority", [1, "urgent"]),
    ("QueryJobs", [["x"], ["id"]]),
])
def test_luxi_refuses_clearly(cluster: VirtualCluster, method: str, args: list) -> None:
    request = json.dumps({"method": method, "args": args}).encode() + b"\x03"
    answer = _luxi_raw(cluster, request)
    assert answer is not None
    assert answer["success"] is False
    name, details = answer["result"]
    assert name not in ("KeyError", "TypeError", "AttributeError", "IndexError"), details
    assert "Traceback" not in json.dumps(details)


@pytest.mark.parametrize("data", [
    b"\x03", b"{}\x03", b"[]\x03", b"null\x03", b'{"method": "Query"}\x03', b"\xff\xfe\x00\x03",
    b'{"method": 5, "args": 5}\x03', os.urandom(5000).replace(b"\x03", b"") + b"\x03",
    b"GET / HTTP/1.1\r\n\r\n\x03", b"[" * 100000 + b"\x03",
], ids=range(10))
def test_luxi_garbage(cluster: VirtualCluster, data: bytes) -> None:
    answer = _luxi_raw(cluster, data)
    assert answer is None or answer["success"] is False


def test_luxi_client_vanishes(cluster: VirtualCluster) -> None:
    path = str(cluster.path("node1", "/var/run/ganeti/socket/ganeti-query"))
    for _ in range(50):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
            sock.sendall(b'{"method": "QueryClusterInfo", "args": []}\x03{"method": "Wai')


def _tls(cluster: VirtualCluster, port: int, certificate: str | None,
         data: bytes) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    with socket.create_connection((cluster.address("node1"), port), timeout=20) as raw:
        with context.wrap_socket(raw) as tls:
            tls.sendall(data)
            return tls.recv(65536)


def _post(call: str, body: bytes) -> bytes:
    return (f"POST /{call} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode() + body


def test_node_daemon_refuses_strangers(cluster: VirtualCluster, tmp_path) -> None:
    foreign = tmp_path / "foreign.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=stranger", "-keyout", str(foreign), "-out",
                    str(tmp_path / "cert.pem")], check=True, capture_output=True)
    foreign.write_bytes(foreign.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    for certificate in (None, str(foreign)):
        try:
            answer = _tls(cluster, 1811, certificate, _post("version", b"[]"))
        except (ssl.SSLError, ConnectionError):
            continue
        assert answer.split()[1:2] in ([], [b"401"], [b"403"]), answer


def test_node_daemon_survives_garbage(cluster: VirtualCluster) -> None:
    own = str(cluster.path("node1", "/var/lib/ganeti/client.pem"))
    cases = {
        _post("version", b"{]"): b"false", _post("version", b"[1, 2, 3]"): b"false",
        _post("instance_start", b'["no", "such", 5]'): b"false",
        _post("version", b'{"a": 1}'): b"false",
        _post("no_such_call", b"[]"): b"404", b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n": b"400",
    }
    for request, expected in cases.items():
        assert expected in _tls(cluster, 1811, own, request), request
    for data in (b"\x00" * 1000, os.urandom(2000), b"POST " + b"/" * 100000):
        with socket.create_connection((cluster.address("node1"), 1811), timeout=20) as raw:
            raw.sendall(data)


def test_rapi_survives_garbage(cluster: VirtualCluster) -> None:
    def ask(request: bytes) -> bytes:
        return _tls(cluster, 5080, None, request)

    assert b" 404 " in ask(b"GET /2/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 401 " in ask(b"POST /2/instances HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                           b"Content-Type: application/json\r\n\r\n{}")
    assert b" 400 " in ask(os.urandom(50).hex().encode() + b"\r\n\r\n")
    with socket.create_connection((cluster.address("node1"), 5080), timeout=20) as raw:
        raw.sendall(os.urandom(3000))


def test_confd_drops_garbage(cluster: VirtualCluster) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for data in (b"", b"plj0", b"plj0{}", b"plj0" + os.urandom(500), b"x" * 60000,
                     b'plj0{"msg": "{}", "salt": "1", "hmac": "00"}'):
            sock.sendto(data, (cluster.address("node1"), 1814))
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.recv(65536)


@pytest.mark.parametrize("line", [
    "gnt-instance add", "gnt-instance add -t nosuch -o x y", "gnt-instance nosuch",
    "gnt-instance list --no-such-option", "gnt-node modify node2 --offline=maybe",
    "gnt-debug delay soon", "gnt-job info one", "gnt-node info node9",
    "gnt-instance modify -H kvm_flag=perhaps nosuch", "gnt-cluster modify -H kvm:speed=fast",
    "gnt-debug submit-job /nonexistent", "gnt-group add default", "gnt-cluster verify --colour",
])
def test_command_line_mistakes(cluster: VirtualCluster, line: str) -> None:
    result = cluster.try_run(line)
    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stdout + result.stderr
    assert (result.stderr or result.stdout).strip()
