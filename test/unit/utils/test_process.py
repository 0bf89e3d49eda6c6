"""Running programs."""

import os
import sys
import time

import pytest

from ganeti import errors
from ganeti.utils import process, retry
from test.waiting import wait_until


def test_result_tells_how_it_ended():
    result = process.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert result.failed and result.fail_reason == "exit status 3"
    assert result.output == "out\nerr\n"
    with pytest.raises(errors.CommandError, match="sh -c .*: exit status 3: err"):
        result.require_success()
    assert process.run(["true"]).require_success().fail_reason == ""


def test_signal_is_told():
    result = process.run(["sh", "-c", "kill -9 $$"])
    assert (result.exit_code, result.signal) == (None, 9)
    assert result.failed and result.fail_reason == "ended by signal 9"


def test_a_list_never_meets_a_shell_and_a_string_does():
    assert process.run(["echo", "$HOME; true"]).stdout == "$HOME; true\n"
    assert process.run("echo $((1 + 1))").stdout == "2\n"


def test_time_out_ends_the_whole_group(tmp_path):
    pid_file = tmp_path / "pid"
    start = time.monotonic()
    result = process.run(["sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait"], timeout=0.2)
    assert time.monotonic() - start < 5
    assert result.failed and "longer than 0.2 s" in result.fail_reason
    assert retry.wait_until(lambda: not process.alive(int(pid_file.read_text())), 5)


def test_a_stubborn_program_is_killed():
    code = ("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "print('up', flush=True); time.sleep(60)")
    result = process.run([sys.executable, "-S", "-c", code], timeout=0.5)
    assert result.signal == 9 and result.stdout == "up\n"


def test_a_background_child_that_keeps_the_pipes_does_not_hold_us():
    start = time.monotonic()
    result = process.run("sleep 20 & echo $!")
    assert time.monotonic() - start < 5
    process.end(int(result.stdout))


def test_large_input_and_output():
    text = "x" * 3_000_000
    assert process.run(["cat"], input=text).stdout == text
    assert process.run(["head", "-c", "10"], input=text).stdout == "x" * 10
    assert process.run(["cat"]).stdout == ""


def test_output_does_not_fill_the_memory():
    result = process.run(["head", "-c", "20000000", "/dev/zero"])
    assert not result.failed
    assert len(result.stdout) < 17_000_000 and result.stdout.endswith("more output dropped]\n")


def test_environment():
    os.environ["PROCESS_TEST"] = "inherited"
    try:
        assert "PROCESS_TEST=inherited" in process.run(["env"], env={"A": "b"}).stdout
        only = process.run(["/usr/bin/env"], env={"A": "b"}, reset_env=True).stdout
        assert [line for line in only.splitlines() if not line.startswith("_=")] == ["A=b"]
    finally:
        del os.environ["PROCESS_TEST"]


def test_output_file_gets_both_streams(tmp_path):
    log = tmp_path / "log"
    log.write_text("before\n")
    result = process.run(["sh", "-c", "echo a; echo b >&2"], output=str(log), cwd=str(tmp_path))
    assert result.output == ""
    assert log.read_text() == "before\na\nb\n"


def test_missing_program_is_one_clear_error():
    with pytest.raises(errors.ProcessError, match="Can't run /no/such --x: .*No such file"):
        process.run(["/no/such", "--x"])


def test_secret_arguments_do_not_show():
    assert "hush" not in process.run(["echo", "hush"], secret=True).command
    with pytest.raises(errors.ProcessError) as caught:
        process.run(["/no/such", "hush"], secret=True)
    assert "hush" not in str(caught.value)


def test_no_descriptor_is_left_open():
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        process.run(["true"], input="x", timeout=5)
        process.run(["sleep", "9"], timeout=0.01)
    assert len(os.listdir("/proc/self/fd")) == before


def test_daemon_outlives_and_is_no_child_of_ours(tmp_path):
    log, pid_file = tmp_path / "log", tmp_path / "pid"
    pid = process.start_daemon(["sh", "-c", "echo $A; pwd; exec sleep 60"], env={"A": "word"},
                               cwd=str(tmp_path), output=str(log), pidfile=str(pid_file))
    try:
        assert process.alive(pid)
        assert int(pid_file.read_text()) == pid
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        assert os.getsid(pid) == pid
        assert retry.wait_until(lambda: log.read_text() == f"word\n{tmp_path}\n", 5)
    finally:
        process.end(pid, 5)
    assert not process.alive(pid)
    process.end(pid)


def test_daemon_that_can_not_start():
    with pytest.raises(errors.ProcessError, match="Can't start /no/such: .*No such file"):
        process.start_daemon(["/no/such"])


def test_daemon_keeps_a_passed_descriptor(tmp_path):
    read, write = os.pipe()
    process.start_daemon([sys.executable, "-S", "-c", f"import os; os.write({write}, b'hello')"],
                         pass_fds=[write])
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() == "hello"


def test_end_kills_what_does_not_listen(tmp_path):
    deaf = tmp_path / "deaf"
    code = ("import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "open(sys.argv[1], 'w').close(); time.sleep(60)")
    pid = process.start_daemon([sys.executable, "-S", "-c", code, str(deaf)])
    killed = []
    wait_until(deaf.exists)
    process.end(pid, 0.2, on_kill=lambda: killed.append(True))
    assert killed and not process.alive(pid)
