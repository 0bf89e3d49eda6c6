"""What the LUXI client does when there is no daemon, or one that fails half-way."""

import socket
import threading

import pytest

from ganeti.luxi import client, protocol


def serve(path, *behaviours):
    """Accept one connection after the other and treat each by a function."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(5)

    def run():
        with listener:
            for behaviour in behaviours:
                connection, _ = listener.accept()
                with connection:
                    behaviour(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def read_request(connection):
    data = b""
    while not data.endswith(protocol.END):
        data += connection.recv(65536)
    return data


def answer(connection):
    read_request(connection)
    connection.sendall(protocol.encode_reply(True, "done"))


def hang_up(connection):
    read_request(connection)


def make(path, **kwargs):
    pauses = []
    made = client.Client(str(path), is_master=lambda: False, sleep=pauses.append, **kwargs)
    return made, pauses


def test_no_daemon_on_another_node(tmp_path):
    luxi, _ = make(tmp_path / "none")
    with pytest.raises(client.NoMasterError, match="master node only"):
        luxi.call("Query")


def test_no_daemon_on_the_master_is_waited_for(tmp_path):
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            serve(str(tmp_path / "socket"), answer)

    luxi = client.Client(str(tmp_path / "socket"), is_master=lambda: True, sleep=sleep)
    assert luxi.call("Query") == "done"
    assert pauses == [1.0, 1.0, 1.0]
    luxi.close()


def test_no_daemon_on_the_master_for_too_long(tmp_path):
    luxi = client.Client(str(tmp_path / "none"), is_master=lambda: True, connect_timeout=0.05,
                         sleep=lambda _s: threading.Event().wait(0.1))
    with pytest.raises(client.NoMasterError, match="daemon-util start-master"):
        luxi.call("Query")


def test_a_question_is_asked_again_after_a_broken_connection(tmp_path):
    path = tmp_path / "socket"
    serve(str(path), hang_up, hang_up, answer)
    luxi, pauses = make(path)
    assert luxi.call("Query") == "done"
    assert pauses == [0.0, 5.0]
    luxi.close()


def test_a_submission_is_never_sent_twice(tmp_path):
    path = tmp_path / "socket"
    serve(str(path), hang_up, answer)
    luxi, pauses = make(path)
    with pytest.raises(client.ConnectionLostError, match="gnt-job list"):
        luxi.submit_job([])
    assert pauses == []


def test_no_answer_in_time(tmp_path):
    path = tmp_path / "socket"
    done = threading.Event()
    serve(str(path), lambda _connection: done.wait(5))
    luxi, _ = make(path, read_timeout=0.1)
    with pytest.raises(client.LuxiTimeoutError, match="no answer within 0.1 s"):
        luxi.call("Query")
    done.set()


def test_an_answer_that_is_garbage(tmp_path):
    path = tmp_path / "socket"
    serve(str(path), lambda connection: (read_request(connection),
                                         connection.sendall(b"nonsense\x03")))
    luxi, _ = make(path)
    with pytest.raises(protocol.ProtocolError, match="no valid JSON"):
        luxi.call("Query")
    luxi.close()


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    luxi, _ = make(tmp_path / "socket")
    with pytest.raises(client.PermissionDeniedError, match="as root"):
        luxi.call("Query")


@pytest.mark.parametrize(("value", "expected"), [
    ("", "QUERY_SOCKET"), ("query", "QUERY_SOCKET"), ("master", "MASTER_SOCKET")])
def test_the_socket_may_be_forced(monkeypatch, value, expected):
    from ganeti import pathutils
    monkeypatch.setenv("FORCE_LUXI_SOCKET", value)
    assert client.socket_path() == getattr(pathutils, expected)
    monkeypatch.setenv("FORCE_LUXI_SOCKET", "/run/other")
    assert client.socket_path() == "/run/other"
