"""Both ends of a transfer as the processes that they are, and socat as the end of an older one."""

import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from ganeti.impexpd import status
from test import certs
from test.waiting import wait_until

MIB = 1024 * 1024
MAGIC = "0123456789abcdef"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    base = tmp_path_factory.mktemp("keys")
    return certs.make(base / "a.pem", "one"), certs.make(base / "b.pem", "two")


class End:
    """One import-export process."""

    def __init__(self, tmp_path, name, mode, pair, *arguments):
        own, other = pair
        self.path = str(tmp_path / name)
        self.process = subprocess.Popen(
            [sys.executable, "-c",
             "import sys; from ganeti.impexpd.main import main; sys.exit(main())", self.path, mode,
             "--key", own.path, "--cert", own.path, "--ca", other.path,
             "--connect-timeout", "60", *arguments], stderr=subprocess.PIPE)

    @property
    def status(self):
        return status.read(self.path) or status.Status()

    def wait_for(self, condition):
        wait_until(lambda: condition(self.status), lambda: self.status, 60, pause=0.01)
        return self.status

    def end(self):
        self.process.wait(60)
        self.process.stderr.close()
        return self.status


@pytest.fixture
def start(tmp_path, keys):
    ends = []

    def begin(mode, *arguments, pair=None):
        pair = pair or (keys if mode == "import" else keys[::-1])
        ends.append(End(tmp_path, f"{mode}{len(ends)}", mode, pair, *arguments))
        return ends[-1]
    yield begin
    for end in ends:
        end.process.kill()
        end.end()


def receiver(start, *arguments):
    """A listening import and its port."""
    end = start("import", "--bind", "127.0.0.1", *arguments)
    return end, end.wait_for(lambda now: now.listen_port or now.exit_status).listen_port


def sender(start, port, *arguments, **options):
    return start("export", "--host", "127.0.0.1", "--port", str(port), *arguments, **options)


@pytest.mark.parametrize("compress", ["none", "gzip", "gzip-slow"])
def test_what_is_sent_arrives(start, tmp_path, compress):
    data = os.urandom(3 * MIB + 17)
    (tmp_path / "from").write_bytes(data)
    common = ["--compress", compress, "--magic", MAGIC]
    target, port = receiver(start, *common, "--cmd-suffix", f"| cat > {tmp_path}/to")
    source = sender(start, port, *common, "--expected-size", "4",
                    "--cmd-prefix", f"cat {tmp_path}/from |")
    assert (source.end().exit_status, target.end().exit_status) == (0, 0), target.status
    assert (tmp_path / "to").read_bytes() == data
    assert round(source.status.progress_mbytes, 3) == round(len(data) / MIB, 3)
    assert round(source.status.progress_percent) == 75
    assert target.status.progress_percent is None


def test_an_empty_disk_arrives_too(start, tmp_path):
    target, port = receiver(start, "--compress", "none", "--cmd-suffix", f"cat > {tmp_path}/to")
    sender(start, port, "--compress", "none", "--cmd-prefix", "true")
    assert target.end().exit_status == 0
    assert (tmp_path / "to").read_bytes() == b""


def test_another_stream_is_refused(start, tmp_path):
    target, port = receiver(start, "--compress", "none", "--magic", MAGIC,
                            "--cmd-suffix", f"cat > {tmp_path}/to")
    source = sender(start, port, "--compress", "none", "--magic", "another-one",
                    "--cmd-prefix", "seq 1 1000000")
    assert "Magic" in target.end().error_message
    assert source.end().exit_status != 0
    assert not (tmp_path / "to").exists()


def test_strangers_do_not_end_the_waiting(start, tmp_path, keys):
    target, port = receiver(start, "--compress", "none", "--cmd-suffix", f"cat > {tmp_path}/to")
    stranger = certs.make(tmp_path / "stranger.pem", "stranger")
    wrong = sender(start, port, "--compress", "none", "--cmd-prefix", "echo evil",
                   pair=(stranger, keys[0]))
    assert wrong.end().exit_status != 0
    with socket.create_connection(("127.0.0.1", port)) as garbage:
        garbage.sendall(b"GET / HTTP/1.0\r\n\r\n")
    sender(start, port, "--compress", "none", "--cmd-prefix", "echo good")
    assert target.end().exit_status == 0
    assert (tmp_path / "to").read_bytes() == b"good\n"


def test_the_sender_knows_its_receiver(start, tmp_path, keys):
    _, port = receiver(start, "--compress", "none", "--cmd-suffix", "cat")
    stranger = certs.make(tmp_path / "stranger.pem", "stranger")
    source = sender(start, port, "--compress", "none", "--cmd-prefix", f"touch {tmp_path}/ran",
                    pair=(keys[1], stranger))
    assert "not the expected receiver" in source.end().error_message
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("compress", ["none", "gzip"])
def test_a_sender_that_fails_half_way_is_no_success_for_the_receiver(start, tmp_path, compress):
    target, port = receiver(start, "--compress", compress, "--cmd-suffix", "cat > /dev/null")
    source = sender(start, port, "--compress", compress,
                    "--cmd-prefix", "head -c 100000 /dev/zero; echo disk broken >&2; exit 3")
    assert source.end().exit_status == 1
    assert "disk broken" in source.status.error_message
    assert "disk broken" in source.status.recent_output
    assert target.end().exit_status == 1


@pytest.mark.parametrize("compress", ["none", "gzip"])
def test_a_receiver_that_fails_is_no_success_for_the_sender(start, compress):
    target, port = receiver(start, "--compress", compress,
                            "--cmd-suffix", "cat > /dev/null; echo no room >&2; exit 4")
    source = sender(start, port, "--compress", compress, "--cmd-prefix", "echo data")
    assert source.end().exit_status == 1
    assert "no room" in target.end().error_message


def test_an_aborted_transfer_says_so(start):
    target, port = receiver(start, "--compress", "none", "--cmd-suffix", "cat > /dev/null")
    source = sender(start, port, "--compress", "none", "--cmd-prefix", "cat /dev/zero")
    source.wait_for(lambda now: now.progress_mbytes)
    source.process.send_signal(signal.SIGTERM)
    assert "aborted" in source.end().error_message
    assert target.end().exit_status == 1


def test_waiting_ends(start):
    target = start("import", "--bind", "127.0.0.1", "--connect-timeout", "1")
    assert "Nobody connected within 1 s" in target.end().error_message


def test_a_receiver_that_is_not_there_yet_is_tried_again(start, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    source = sender(start, port, "--connect-retries", "50", "--compress", "none",
                    "--cmd-prefix", "echo late")
    target, _ = receiver(start, "--port", str(port), "--compress", "none",
                         "--cmd-suffix", f"cat > {tmp_path}/to")
    assert (source.end().exit_status, target.end().exit_status) == (0, 0), source.status
    assert (tmp_path / "to").read_bytes() == b"late\n"


@pytest.mark.parametrize("arguments", [
    ["export"], ["export", "--host", "x", "--port", "99999"], ["import", "--host", "x"],
    ["import", "--magic", "a b c d e"], ["import", "--compress", "../gzip"],
    ["import", "--expected-size", "much"]])
def test_bad_arguments_are_one_clear_line(start, arguments):
    end = start(arguments[0], *arguments[1:])
    said = end.process.stderr.read().decode()
    assert end.process.wait(60) == 1
    assert said.startswith("import-export: ")
    assert said.count("\n") == 1


# socat is what Ganeti 3 runs at its end; -u makes it send or receive only.

socat = pytest.mark.skipif(shutil.which("socat") is None, reason="there is no socat")


@socat
def test_an_older_sender_is_understood(start, tmp_path, keys):
    target, port = receiver(start, "--compress", "none", "--magic", MAGIC,
                            "--cmd-suffix", f"cat > {tmp_path}/to")
    subprocess.run(
        ["socat", "-u", "-", f"OPENSSL:127.0.0.1:{port},cert={keys[1].path},key={keys[1].path},"
         f"cafile={keys[0].path},verify=1,commonname=one"],
        input=b"M=" + MAGIC.encode() + b"hello", check=True, timeout=60)
    assert target.end().exit_status == 0, target.status
    assert (tmp_path / "to").read_bytes() == b"hello"


@socat
def test_an_older_receiver_is_understood(start, tmp_path, keys):
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with subprocess.Popen(
            ["socat", "-u", f"OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,verify=1,"
             f"key={keys[0].path},cert={keys[0].path},cafile={keys[1].path}",
             f"OPEN:{tmp_path}/to,creat,trunc"]) as peer:
        source = sender(start, port, "--connect-retries", "30", "--compress", "none",
                        "--magic", MAGIC, "--cmd-prefix", "echo hello")
        assert source.end().exit_status == 0, source.status
        peer.wait(60)
    assert (tmp_path / "to").read_bytes() == b"M=" + MAGIC.encode() + b"hello\n"
