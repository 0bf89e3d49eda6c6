"""confd over real sockets: the daemon's parts, the client's coverage, changes of the file."""

import asyncio
import os
import threading
import time

import pytest

from ganeti import constants, errors
from ganeti.confd import client, messages
from ganeti.confd import server as confd_server
from ganeti.config import files
from ganeti.server import confd as daemon
from ganeti.tools import confd_client
from test import masterside
from test.waiting import wait_until

KEY = "a key with a line end\n"
PORT_SPAN = 3


class Daemons:
    """confd on several loopback addresses with one port, each with its own configuration."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.transports = []
        self.port = 0

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def serve(self, address, config, key=KEY):
        async def start():
            responder = confd_server.Responder(lambda: key, config)
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: daemon.Protocol(responder), local_addr=(address, self.port))
            self.transports.append(transport)
            return transport.get_extra_info("sockname")[1]

        self.port = self.run(start())

    def stop(self):
        async def close():
            for transport in self.transports:
                transport.close()

        self.run(close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def daemons():
    made = Daemons()
    yield made
    made.stop()


def config(serial=1, **cluster):
    return masterside.make_config(**cluster).with_changes(serial_no=serial)


def test_the_newest_configuration_is_believed(daemons):
    for number, serial in ((1, 5), (2, 9), (3, 7)):
        made = config(serial, cluster_name=f"serial{serial}.example.com")
        daemons.serve(f"127.0.0.{number}", lambda made=made: made)
    peers = [f"127.0.0.{number}" for number in (1, 2, 3)]
    asker = client.ConfdClient(KEY, peers, daemons.port)
    for _ in range(5):
        answer = asker.ask(constants.CONFD_REQ_CONFIG_QUERY, "/cluster/cluster_name")
        assert answer.reply == messages.Reply(0, "serial9.example.com", 9)
        assert (answer.peer, answer.answers) == ("127.0.0.2", 3)
    assert asker.ask(constants.CONFD_REQ_PING, coverage=1).answers == 1


def test_a_candidate_without_configuration_counts_less_than_any(daemons):
    daemons.serve("127.0.0.1", lambda: None)
    daemons.serve("127.0.0.2", lambda: config(1))
    asker = client.ConfdClient(KEY, ["127.0.0.1", "127.0.0.2"], daemons.port)
    assert asker.ask(constants.CONFD_REQ_CLUSTER_MASTER).reply.ok


def test_silent_candidates_do_not_hold_up_an_answer(daemons):
    daemons.serve("127.0.0.1", lambda: config(1))
    asker = client.ConfdClient(KEY, ["127.0.0.1", "127.0.0.77", "127.0.0.78"], daemons.port)
    begun = time.monotonic()
    assert asker.ask(constants.CONFD_REQ_PING).reply.ok
    assert time.monotonic() - begun < 2


def test_nobody_answers(daemons):
    daemons.serve("127.0.0.1", lambda: config(1), key="another key")
    asker = client.ConfdClient(KEY, ["127.0.0.1"], daemons.port)
    with pytest.raises(errors.ConfdClientError, match="does ganeti-confd run there"):
        asker.ask(constants.CONFD_REQ_PING, timeout=0.3)
    with pytest.raises(errors.ConfdClientError, match="no master candidate"):
        client.ConfdClient(KEY, [])


def test_garbage_datagrams_harm_nobody(daemons):
    import socket
    daemons.serve("127.0.0.1", lambda: config(1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for size in (0, 1, 4, 100, 60000):
            sock.sendto(b"plj0"[:size] + os.urandom(max(0, size - 4)),
                        ("127.0.0.1", daemons.port))
    asker = client.ConfdClient(KEY, ["127.0.0.1"], daemons.port)
    assert asker.ask(constants.CONFD_REQ_PING).reply.answer == constants.CONFIG_VERSION


@pytest.fixture
def followed(daemons, tmp_path):
    path = tmp_path / "config.data"
    files.write(str(path), config(1).encode())
    (tmp_path / "hmac.key").write_text(KEY)
    made = daemon.FollowedConfig(str(path), str(tmp_path / "hmac.key"))

    async def start():
        follower = daemon.Follower(made, rate=0.2, timeout=30)
        follower.start()
        return follower

    follower = daemons.run(start())
    yield made
    daemons.loop.call_soon_threadsafe(follower.stop)


def test_changes_of_the_file_are_followed_soon_but_not_too_often(followed):
    assert followed.get().serial_no == 1
    reads = followed.reads
    for serial in range(2, 30):
        files.write(followed.path, config(serial).encode())
        time.sleep(0.005)
    wait_until(lambda: followed.get().serial_no == 29, timeout=5)
    assert followed.reads - reads < 10


def test_a_damaged_file_leaves_the_former_configuration(followed):
    reads = followed.reads
    with open(followed.path, "w", encoding="ascii") as stream:
        stream.write("{ nonsense")
    wait_until(lambda: followed.reads > reads, timeout=5)
    assert followed.get().serial_no == 1
    files.write(followed.path, config(3).encode())
    wait_until(lambda: followed.get().serial_no == 3, timeout=5)


def test_a_node_that_is_no_candidate_any_more_answers_nothing(followed):
    os.unlink(followed.path)
    wait_until(lambda: followed.get() is None, timeout=5)


def test_without_inotify_the_file_is_looked_at_now_and_then(daemons, tmp_path, monkeypatch):
    def fail(_directory, _handler):
        raise errors.InotifyError("no more watches")

    monkeypatch.setattr(daemon, "_notifier", fail)
    path = tmp_path / "config.data"
    files.write(str(path), config(1).encode())
    made = daemon.FollowedConfig(str(path), str(tmp_path / "none"))

    async def start():
        follower = daemon.Follower(made, rate=0.1, timeout=0.2)
        follower.start()
        return follower

    follower = daemons.run(start())
    files.write(str(path), config(2).encode())
    wait_until(lambda: made.get().serial_no == 2, timeout=5)
    daemons.loop.call_soon_threadsafe(follower.stop)


def test_the_key_is_used_as_it_is_and_read_again(followed, tmp_path):
    assert followed.key() == KEY
    (tmp_path / "hmac.key").write_text("other")
    assert followed.key() == "other"
    os.unlink(tmp_path / "hmac.key")
    assert followed.key() == "other"


def test_the_client_program_asks_everything(daemons, monkeypatch, capsys):
    daemons.serve("127.0.0.1", lambda: config(1))
    monkeypatch.setattr(client.net, "daemon_port", lambda _name: daemons.port)
    assert confd_client.main(["--hmac", KEY, "-a", "127.0.0.1", "-r", "5"]) == 0
    shown = capsys.readouterr().out
    assert "Master: node1.example.com (serial 1)" in shown
    assert "5 requests in" in shown
    assert confd_client.main(["--hmac", KEY, "-a", "no-such-host.invalid"]) == 1
    assert "Can't resolve" in capsys.readouterr().err
