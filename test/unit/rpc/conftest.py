"""A node server on a loopback port, in a loop of its own, with real certificates."""

import asyncio
import threading
import time

import pytest

from ganeti import errors
from ganeti.rpc import client, defs, runner, server, tls
from ganeti.rpc.calls import LANE_SLOW, Arg, Call
from test import certs


class Loop:
    """An event loop in a thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, coroutine, timeout=30):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def stop(self):
        # Closed transports let go of their sockets in a later round.
        self.run(asyncio.sleep(0.02))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def quit_now():
    raise errors.QuitGanetiException(True, "Bye")


def die():
    raise SystemExit(3)


def crash():
    raise ZeroDivisionError("division by zero")


def refuse():
    raise errors.OpExecError("The disk is on fire")


HANG = threading.Event()

#: Calls of these tests only, beside those of the table.
EXTRA = [
    Call("t_echo", Arg("value"), timeout=60, idempotent=True, result="the same"),
    Call("t_sleep", Arg("seconds"), timeout=60, result="null", lane=LANE_SLOW),
    Call("t_nap", Arg("seconds"), timeout=0.3, idempotent=True, result="null"),
    Call("t_die", timeout=60, result="nothing"),
    Call("t_crash", timeout=60, result="nothing"),
    Call("t_refuse", timeout=60, result="nothing"),
    Call("t_quit", timeout=60, result="text"),
    Call("t_odd", timeout=60, result="nothing"),
    Call("t_hang", timeout=0.2, result="nothing"),
    Call("t_missing", timeout=60, result="nothing"),
]
BACKEND = {
    "version": lambda: 3010000, "blockdev_find": lambda disk: None,
    "upload_file": lambda file: None,
    "t_echo": lambda value: value, "t_sleep": time.sleep, "t_nap": time.sleep, "t_die": die,
    "t_crash": crash, "t_refuse": refuse, "t_quit": quit_now, "t_odd": object,
    "t_hang": lambda: HANG.wait(30),
}


class Node:
    """One running node server and the files that decide who may call it."""

    def __init__(self, loop, directory, lane_size=None, backend=BACKEND):
        self.loop = loop
        self.directory = directory
        self.candidates = directory / "ssconf_master_candidates_certs"
        self.authority = certs.make(directory / "server.pem", "ganeti.example.com")
        self.client = certs.make(directory / "client.pem", "node1", self.authority)
        self.candidates.write_text(f"uuid1={self.client.digest}\n")
        self.server, self.port = loop.run(self._start(lane_size, backend))

    async def _start(self, lane_size, backend):
        peers = tls.PeerCheck(str(self.candidates), self.authority.path)
        made = server.NodeServer(backend.get, peers, lane_size)
        port = await made.start("127.0.0.1", 0, tls.server_context(self.authority.path))
        return made, port

    def context(self, own=None, authority=None):
        return tls.client_context((own or self.client).path, (authority or self.authority).path)

    def runner(self, own=None, authority=None, address="127.0.0.1"):
        rpc_client = client.RpcClient(self.port, self.context(own, authority))
        return runner.RpcRunner.bootstrap({"node1": address}, rpc_client=rpc_client)

    def call(self, name, *args, **kwargs):
        with self.runner(**kwargs) as rpc:
            return rpc.call("node1", name, *args)


@pytest.fixture(autouse=True)
def extra_calls(monkeypatch):
    table = {**defs.table(), **{call.name: call for call in EXTRA}}
    monkeypatch.setattr(defs, "table", lambda: table)


@pytest.fixture
def loop():
    made = Loop()
    yield made
    made.stop()


@pytest.fixture
def make_node(loop, tmp_path):
    nodes = []

    def make(**kwargs):
        directory = tmp_path / f"node{len(nodes)}"
        directory.mkdir()
        nodes.append(Node(loop, directory, **kwargs))
        return nodes[-1]

    yield make
    HANG.set()
    for node in nodes:
        loop.run(node.server.stop())
    HANG.clear()


@pytest.fixture
def node(make_node):
    return make_node()
