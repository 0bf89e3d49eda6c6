"""ganeti-rapi as a process: TLS, bad starts, a clean stop."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest

from ganeti.luxi import protocol
from ganeti.rapi import client
from ganeti.utils import net, x509
from test import luxidouble


@pytest.fixture
def node(tmp_path):
    """The tree of a master node, node1.test."""
    for name in ("var/lib/ganeti/rapi", "var/run/ganeti/socket", "etc"):
        (tmp_path / name).mkdir(parents=True)
    data = tmp_path / "var/lib/ganeti"
    (data / "ssconf_master_node").write_text("node1.test\n")
    (data / "rapi" / "users").write_text("jack abc write\n")
    (data / "rapi.pem").write_bytes(x509.create_self_signed("node1.test", alt_names=["127.0.0.1"]))
    (tmp_path / "etc/hosts").write_text("127.0.0.1 node1.test\n")
    return tmp_path


@pytest.fixture
def start(node):
    running = []

    def begin(*options, hostname="node1.test"):
        running.append(subprocess.Popen(
            [sys.executable, "-m", "ganeti.server.rapi", "-f", "-b", "127.0.0.1", *options],
            env={**os.environ, "GANETI_ROOTDIR": str(node), "GANETI_HOSTNAME": hostname},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate(timeout=10)


def connect(node, port):
    context = ssl.create_default_context(cafile=str(node / "var/lib/ganeti/rapi.pem"))
    api = client.Client("127.0.0.1", port, username="jack", password="abc", context=context)
    limit = time.monotonic() + 20
    while True:
        try:
            assert api.version() == 2
        except client.RapiError:
            assert time.monotonic() < limit
            time.sleep(0.05)
        else:
            return api


def test_life_of_the_daemon(node, start):
    port = net.free_port()
    process = start("-p", str(port))
    served = luxidouble.Served(str(node / "var/run/ganeti/socket/ganeti-query"))
    served.master.answers[protocol.REQ_QUERY_CLUSTER_INFO] = {"name": "c"}
    try:
        with connect(node, port) as api:
            assert api.info()["name"] == "c"
            assert api.redistribute_config() == 42
            with socket.create_connection(("127.0.0.1", port)) as plain:  # no TLS on a TLS port
                plain.sendall(b"GET / HTTP/1.1\r\n\r\n" + b"\0" * 1000)
            assert api.version() == 2
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in said and "ganeti-rapi has stopped" in said
        assert "PUT /2/redistribute-config of jack: 42" in said and "abc" not in said
    finally:
        served.close()


@pytest.mark.parametrize(("spoil", "hostname", "status", "text"), [
    (None, "node2.test", 11, "not the master node, that is node1.test"),
    ("missing", "node1.test", 1, "rapi.pem: No such file"),
    ("garbage", "node1.test", 1, "rapi.pem: no usable certificate"),
    ("no key", "node1.test", 1, "rapi.pem: not usable"),
])
def test_bad_start(node, start, spoil, hostname, status, text):
    pem = node / "var/lib/ganeti/rapi.pem"
    if spoil == "missing":
        pem.unlink()
    elif spoil == "garbage":
        pem.write_text("garbage")
    elif spoil == "no key":
        pem.write_bytes(x509.cert_part(pem.read_bytes()))
    process = start(hostname=hostname)
    _, said = process.communicate(timeout=20)
    assert process.returncode == status
    assert text in said and said.count("\n") == 1 and said.startswith("ganeti-rapi: ")


def test_port_in_use(node, start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("-p", str(taken.getsockname()[1]))
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Can't listen on 127.0.0.1 port" in said.splitlines()[-1]
