"""The LUXI server and client on a real socket: order, pieces, garbage, vanishing clients."""

import asyncio
import json
import os
import socket
import threading
import time

import pytest

from ganeti import errors
from ganeti.luxi import client, protocol, server


class Daemon:
    """A LUXI server in a thread, with a few methods to play with."""

    def __init__(self, path, allowed=None):
        self.path = str(path)
        self.peers = []
        self.abandoned = threading.Event()
        self.completed = threading.Event()
        self._allowed = allowed
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self):
        self.thread.start()
        self.server = self.run(self._start())
        return self

    async def _start(self):
        made = server.LuxiServer({
            "Echo": self.echo, "Fail": self.fail, "Crash": self.crash, "Unsendable": self.odd,
            "WaitForJobChange": self.wait, "SubmitJob": self.submit}, self._allowed)
        await made.start(self.path)
        return made

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def __exit__(self, *_exc):
        self.run(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def echo(self, args, peer):
        self.peers.append(peer)
        return args

    async def fail(self, args, peer):
        raise errors.OpPrereqError("no", errors.ECODE_STATE)

    async def crash(self, args, peer):
        raise ZeroDivisionError("oops")

    async def odd(self, args, peer):
        return object()

    async def wait(self, args, peer):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.abandoned.set()
            raise

    async def submit(self, args, peer):
        await asyncio.sleep(1)
        self.completed.set()
        return 17


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path / "luxi") as running:
        yield running


@pytest.fixture
def raw(daemon):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(daemon.path)
        yield connection


def answers(connection, count):
    framer, found = protocol.Framer(), []
    while len(found) < count:
        data = connection.recv(65536)
        if not data:
            break
        found += framer.feed(data)
    return [json.loads(message) for message in found]


def test_many_requests_over_one_connection_are_answered_in_order(raw):
    raw.sendall(b"".join(protocol.encode_request("Echo", [number]) for number in range(200)))
    assert [reply["result"] for reply in answers(raw, 200)] == [[n] for n in range(200)]


def test_a_request_in_single_bytes(raw):
    for byte in protocol.encode_request("Echo", ["grüße"]):
        raw.sendall(bytes([byte]))
    assert answers(raw, 1)[0]["result"] == ["grüße"]


def test_fifty_megabytes_there_and_back(daemon):
    big = "x" * (50 * 1024 * 1024)
    with client.Client(daemon.path) as luxi:
        assert luxi.call("Echo", [big]) == [big]
        assert luxi.call("Echo", [1]) == [1]


def test_a_long_question_does_not_hold_up_others(daemon):
    with client.Client(daemon.path) as slow, client.Client(daemon.path) as quick:
        thread = threading.Thread(target=slow.submit_job, args=([],))
        thread.start()
        assert quick.call("Echo", [1]) == [1]
        assert not daemon.completed.is_set()
        thread.join()


@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.0\r\n\r\n\x03", b"\x03", b"\xff\xfe\x00\x03", b"[1]\x03", b"{}\x03",
    b'{"method": 5, "args": []}\x03', b'{"method": "Echo", "args": 7}\x03', b"[" * 5000 + b"\x03",
])
def test_garbage_gets_one_clear_line_and_the_connection_ends(daemon, raw, garbage):
    raw.sendall(garbage)
    reply = answers(raw, 1)[0]
    assert reply["success"] is False
    assert reply["result"][0] in ("LuxiError",)
    assert "\n" not in reply["result"][1][0]
    assert raw.recv(10) == b""
    with client.Client(daemon.path) as luxi:
        assert luxi.call("Echo", ["alive"]) == ["alive"]


def test_a_message_cut_off_in_the_middle_is_answered(raw):
    raw.sendall(b'{"method": "Ec')
    raw.shutdown(socket.SHUT_WR)
    assert "inside a message" in answers(raw, 1)[0]["result"][1][0]


def test_endless_garbage_is_cut_off(daemon, raw, monkeypatch):
    monkeypatch.setattr(protocol.Framer.__init__, "__defaults__", (1024 * 1024,))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(daemon.path)
        try:
            for _ in range(100):
                connection.sendall(b"y" * 65536)
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            pytest.fail("6 MB were taken where 1 MB is the limit")


def test_errors_of_methods_keep_their_class_and_the_connection(daemon):
    with client.Client(daemon.path) as luxi:
        with pytest.raises(errors.OpPrereqError) as caught:
            luxi.call("Fail")
        assert caught.value.args == ("no", errors.ECODE_STATE)
        with pytest.raises(errors.LuxiError, match="no method 'Nonsense'"):
            luxi.call("Nonsense")
        with pytest.raises(errors.GenericError, match="Internal error in Crash.*oops"):
            luxi.call("Crash")
        with pytest.raises(errors.ProgrammerError, match="can not be sent"):
            luxi.call("Unsendable")
        assert luxi.call("Echo", [2]) == [2]


def test_the_kernel_says_who_calls(daemon):
    with client.Client(daemon.path) as luxi:
        luxi.call("Echo")
    assert daemon.peers == [server.Peer(os.getpid(), os.getuid(), os.getgid())]


def test_a_peer_may_be_refused(tmp_path):
    with Daemon(tmp_path / "luxi", allowed=lambda peer: peer.uid != os.getuid()) as running:
        with client.Client(running.path) as luxi, \
                pytest.raises(errors.LuxiError, match="may not talk"):
            luxi.call("Echo")


def test_waiting_ends_with_its_client_but_work_goes_on(daemon, raw):
    raw.sendall(protocol.encode_request("WaitForJobChange", []))
    time.sleep(0.1)
    raw.close()
    assert daemon.abandoned.wait(30)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(daemon.path)
        connection.sendall(protocol.encode_request("SubmitJob", [[]]))
        time.sleep(0.05)
    assert daemon.completed.wait(30)


def test_a_client_that_never_reads_stops_only_itself(daemon, raw):
    raw.settimeout(0.5)
    request = protocol.encode_request("Echo", ["z" * 100000])
    with pytest.raises(TimeoutError):
        for _ in range(1000):
            raw.sendall(request)
    with client.Client(daemon.path) as luxi:
        assert luxi.call("Echo", [3]) == [3]


def test_a_second_daemon_is_refused_and_a_dead_ones_socket_replaced(daemon, tmp_path):
    async def start(path):
        other = server.LuxiServer({})
        await other.start(path)
        return other

    with pytest.raises(errors.LuxiError, match="already listens"):
        daemon.run(start(daemon.path))
    stale = str(tmp_path / "stale")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(stale)
    daemon.run(daemon.run(start(stale)).stop())
    assert not os.path.exists(stale)


def test_the_socket_has_its_mode_from_the_first_moment(daemon):
    assert os.stat(daemon.path).st_mode & 0o777 == 0o660
