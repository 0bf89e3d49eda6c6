"""A daemon's life: a real one, started, asked, stopped."""

import os
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from ganeti.utils import process, retry

PROGRAM = textwrap.dedent("""
    import sys
    from ganeti import errors
    from ganeti.utils import daemon

    def options(parser):
        parser.add_argument("--how", default="serve")

    def check(opts):
        if opts.how == "refuse":
            raise daemon.Refusal("this is not the master", 11)

    def begin(opts, life):
        if opts.how == "error":
            raise errors.ConfigurationError("the configuration is truncated")
        if opts.how == "bug":
            raise ZeroDivisionError("oops")
        if opts.how == "die":
            import os
            os._exit(3)
        life.on_reload.append(lambda: open(sys.argv[1], "w").close())
        life.ready()

    def run(opts, life):
        begin(opts, life)
        life.stop.wait()

    async def arun(opts, life):
        begin(opts, life)
        await life.stop.wait()

    sys.exit(daemon.main("ganeti-noded", check, arun if sys.argv[2] == "async" else run,
                         options=options, port=1811, argv=sys.argv[3:]))
""")


@pytest.fixture
def start(tmp_path):
    def begin(kind, *args, notify=None):
        env = {**os.environ, "GANETI_ROOTDIR": str(tmp_path), "GANETI_HOSTNAME": "127.0.0.1"}
        if notify:
            env["NOTIFY_SOCKET"] = notify
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "reloaded"), kind, *args], env=env,
            stderr=subprocess.PIPE, text=True)
    yield begin
    pid_file = tmp_path / "var/run/ganeti/ganeti-noded.pid"
    if pid_file.exists():
        process.end(int(pid_file.read_text()), 5)


def finish(started):
    _, text = started.communicate(timeout=20)
    return started.returncode, text


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_detached_life(start, tmp_path, kind):
    assert finish(start(kind)) == (0, "")
    pid_file = tmp_path / "var/run/ganeti/ganeti-noded.pid"
    log = tmp_path / "var/log/ganeti/node-daemon.log"
    pid = int(pid_file.read_text())
    assert process.alive(pid)
    code, text = finish(start(kind))
    assert code == 1 and f"It runs already (process {pid}" in text

    log.rename(tmp_path / "rotated")
    os.kill(pid, signal.SIGHUP)
    assert retry.wait_until((tmp_path / "reloaded").exists, 5)
    assert retry.wait_until(log.exists, 5)

    os.kill(pid, signal.SIGTERM)
    assert retry.wait_until(lambda: not process.alive(pid), 5)
    assert not pid_file.exists()
    assert "ganeti-noded has stopped" in log.read_text()


@pytest.mark.parametrize(("how", "code", "text"), [
    ("refuse", 11, "ganeti-noded: this is not the master\n"),
    ("error", 1, "ganeti-noded: the configuration is truncated\n"),
    ("die", 1, "ganeti-noded: ended during its start; see its log\n"),
])
@pytest.mark.parametrize("foreground", [False, True])
def test_bad_start_is_one_line_and_a_status(start, how, code, text, foreground):
    if foreground and how == "die":
        code, text = 3, ""  # nobody is there who could tell
    args = ["--how", how] + (["-f"] if foreground else [])
    found, said = finish(start("async", *args))
    assert found == code
    assert said.endswith(text) if foreground else said == text
    assert "Traceback" not in said


def test_unexpected_error_is_told_without_traceback_and_logged(start, tmp_path):
    code, text = finish(start("sync", "--how", "bug"))
    assert code == 1
    assert text.startswith("ganeti-noded: internal error: ZeroDivisionError: oops (see ")
    assert text.count("\n") == 1
    assert "Traceback" in (tmp_path / "var/log/ganeti/node-daemon.log").read_text()


def test_foreground_tells_systemd(start, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        sock.settimeout(10)
        running = start("async", "-f", notify=path)
        assert sock.recv(100) == b"READY=1"
        running.send_signal(signal.SIGTERM)
        assert sock.recv(100) == b"STOPPING=1"
    code, text = finish(running)
    assert code == 0 and "ganeti-noded has stopped" in text


@pytest.mark.parametrize(("args", "text"), [
    (["-p", "0"], "no port number"), (["-p", "x"], "no port number"),
    (["-b", "1.2.3.4", "-i", "lo"], "-b or -i, not both"), (["--nonsense"], "unrecognized"),
    (["-i", "none0"], "no address")])
def test_bad_options(start, args, text):
    code, said = finish(start("sync", *args))
    assert code != 0 and text in said
