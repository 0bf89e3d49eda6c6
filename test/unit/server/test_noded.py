"""The node daemon as a program: bad starts, clean ends, renewed lists of callers."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from ganeti.rpc import client, runner, tls
from ganeti.utils import x509
from test import certs


class Noded:
    """A node's tree; `start` runs the daemon in the foreground."""

    def __init__(self, root):
        self.root = root
        self.data = root / "var/lib/ganeti"
        for directory in (self.data, root / "var/run/ganeti", root / "var/log/ganeti",
                          root / "var/lock"):
            directory.mkdir(parents=True)
        (root / "etc").mkdir()
        (root / "etc/hosts").write_text("127.0.0.1 node1\n")
        self.port = _free_port()
        self.process = None

    def keys(self):
        authority = x509.create_self_signed()
        own = x509.create_signed(authority, "node1")
        (self.data / "server.pem").write_bytes(authority)
        (self.data / "client.pem").write_bytes(own)
        (self.data / "ssconf_master_candidates_certs").write_text(f"u1={x509.digest(own)}\n")
        return own

    def command(self, *options):
        env = {**os.environ, "GANETI_ROOTDIR": str(self.root), "GANETI_HOSTNAME": "node1"}
        return [sys.executable, "-m", "ganeti.server.noded", *options], env

    def run(self, *options):
        argv, env = self.command(*options)
        return subprocess.run(argv, env=env, text=True, capture_output=True, timeout=60,
                              check=False)

    def start(self, *options):
        argv, env = self.command("-f", "-b", "127.0.0.1", "-p", str(self.port), *options)
        self.process = subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline
                assert self.process.poll() is None
                time.sleep(0.05)

    def caller(self):
        context = tls.client_context(str(self.data / "client.pem"), str(self.data / "server.pem"))
        return runner.RpcRunner.bootstrap({"node1": "127.0.0.1"},
                                          rpc_client=client.RpcClient(self.port, context))

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def noded(tmp_path):
    made = Noded(tmp_path)
    yield made
    made.end()


def test_it_serves_and_ends_cleanly(noded):
    noded.keys()
    noded.start()
    pid_file = noded.root / "var/run/ganeti/ganeti-noded.pid"
    assert int(pid_file.read_text()) == noded.process.pid
    with noded.caller() as rpc:
        assert rpc.call("node1", "version").payload
        begun = time.monotonic()
        noded.process.send_signal(signal.SIGTERM)
        assert noded.process.wait(20) == 0
        assert time.monotonic() - begun < 5
    assert not pid_file.exists()


def test_a_second_one_does_not_start(noded):
    noded.keys()
    noded.start()
    second = noded.run("-b", "127.0.0.1", "-p", str(_free_port()))
    assert second.returncode != 0
    assert len(second.stderr.splitlines()) == 1


@pytest.mark.parametrize(("options", "words", "status"), [
    ((), "not part of a cluster", 5), (("-p", "0"), "no port number", 2),
    (("--max-clients", "0"), "no positive number", 2), (("-b", "1", "-i", "lo"), "not both", 2),
    (("-i", "nodev0"), "has no address", 1), (("--nonsense",), "unrecognized", 2)])
def test_bad_starts_say_why(noded, options, words, status):
    done = noded.run(*options)
    assert done.returncode == status, done
    assert words in done.stderr.splitlines()[-1]


def test_a_port_in_use_and_a_damaged_certificate(noded):
    noded.keys()
    with socket.create_server(("127.0.0.1", noded.port)):
        done = noded.run("-b", "127.0.0.1", "-p", str(noded.port))
    assert done.returncode == 1
    assert "Cannot listen at 127.0.0.1" in done.stderr
    (noded.data / "server.pem").write_text("nonsense")
    done = noded.run("-b", "127.0.0.1", "-p", str(noded.port))
    assert done.returncode == 1
    assert "server.pem" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_renewed_cluster_certificate_needs_no_restart(noded):
    noded.keys()
    noded.start()
    with noded.caller() as rpc:
        assert rpc.call("node1", "version").payload
    noded.keys()
    with noded.caller() as rpc:
        assert rpc.call("node1", "version").payload
    stranger = certs.make(noded.root / "bad.pem", "node1")
    context = tls.client_context(stranger.path, str(noded.data / "server.pem"))
    with runner.RpcRunner.bootstrap({"node1": "127.0.0.1"}, rpc_client=client.RpcClient(
            noded.port, context)) as rpc:
        assert rpc.call("node1", "version").fail_msg
