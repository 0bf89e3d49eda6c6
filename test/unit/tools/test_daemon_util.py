"""daemon-util with daemons that are shell scripts."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from test.waiting import wait_until

DAEMON_UTIL = pathlib.Path(__file__).resolve().parents[3] / "daemons/daemon-util"
DAEMON = r"""#!/bin/sh
name=$(basename "$0")
run=$GANETI_ROOTDIR/var/run/ganeti
if [ "$1" = serve ]; then
    trap 'echo hup >>"$run/$name.hups"' HUP
    trap 'exit 0' TERM
    # Only from here on it can be signalled.
    echo $$ >"$run/$name.pid"
    while :; do sleep 0.02; done
fi
echo "$*" >"$run/$name.args"
[ -e "$run/$name.status" ] && exit "$(cat "$run/$name.status")"
"$0" serve "$@" >/dev/null 2>&1 &
# A file that lay there before does not mean that it runs.
while [ "$(cat "$run/$name.pid" 2>/dev/null)" != $! ]; do sleep 0.01; done
"""
NAMES = ("ganeti-noded", "ganeti-confd", "ganeti-masterd", "ganeti-rapi")


class Node:
    """A node's tree, with daemons on its PATH."""

    def __init__(self, root):
        self.root = root
        for directory in ("var/run/ganeti", "var/lib/ganeti", "etc/default", "bin"):
            (root / directory).mkdir(parents=True)
        for name in NAMES:
            path = root / "bin" / name
            path.write_text(DAEMON)
            path.chmod(0o755)

    def run(self, *words, **env):
        full = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "GANETI_ROOTDIR": str(self.root),
                "GANETI_HOSTNAME": "node1", **env}
        # a shell does not trap what its caller ignores, as nohup does
        return subprocess.run([str(DAEMON_UTIL), *words], env=full, text=True, timeout=60,
                              capture_output=True, check=False,
                              preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))

    def ok(self, *words, **env):
        result = self.run(*words, **env)
        assert result.returncode == 0, result
        return result.stdout

    def running(self):
        return [name for name in NAMES if self.run("check", name).returncode == 0]

    def file(self, name):
        return self.root / "var/run/ganeti" / name

    def data(self, name, text=""):
        (self.root / "var/lib/ganeti" / name).write_text(text)


@pytest.fixture
def node(tmp_path):
    made = Node(tmp_path)
    yield made
    made.run("stop-all")


def test_a_daemon_is_started_checked_and_stopped(node):
    (node.root / "etc/default/ganeti").write_text('NODED_ARGS="-b 127.0.0.9 -d"\n')
    node.ok("start", "ganeti-noded", "--more", EXTRA_NODED_ARGS="--extra")
    assert node.file("ganeti-noded.args").read_text() == "-b 127.0.0.9 -d --extra --more\n"
    assert node.running() == ["ganeti-noded"]
    pid = node.file("ganeti-noded.pid").read_text()
    node.ok("start", "ganeti-noded")
    assert node.file("ganeti-noded.pid").read_text() == pid
    node.ok("stop", "ganeti-noded")
    node.ok("stop", "ganeti-noded")
    assert node.running() == []


def test_former_names_mean_the_master_daemon(node):
    node.ok("start", "ganeti-luxid", LUXID_ARGS="--old")
    assert node.running() == ["ganeti-masterd"]
    assert node.run("check", "ganeti-wconfd").returncode == 0
    assert node.ok("daemon-pidfile", "ganeti-luxid").strip() == str(node.file("ganeti-masterd.pid"))
    assert node.file("ganeti-masterd.args").read_text().split() == ["--old"]


def test_a_pid_file_of_another_process_is_not_believed(node):
    node.file("ganeti-noded.pid").write_text(f"{os.getpid()}\n")
    assert node.running() == []
    node.file("ganeti-noded.pid").write_text("nonsense\n")
    node.ok("check-and-start", "ganeti-noded")
    assert node.running() == ["ganeti-noded"]


def test_everything_that_belongs_on_a_node_is_started(node):
    node.ok("start-all")
    assert node.running() == [], "not in a cluster"
    node.data("server.pem")
    node.ok("start-all")
    assert node.running() == ["ganeti-noded"]
    node.data("config.data")
    node.data("ssconf_master_node", "node2\n")
    node.ok("start-all")
    assert node.running() == ["ganeti-noded", "ganeti-confd"]
    node.data("ssconf_master_node", "node1\n")
    node.ok("start-all")
    assert node.running() == list(NAMES)
    node.ok("stop-master")
    assert node.running() == ["ganeti-noded", "ganeti-confd"]
    node.ok("start-master", EXTRA_MASTERD_ARGS="--no-voting --yes-do-it")
    assert "--no-voting" in node.file("ganeti-masterd.args").read_text()
    node.ok("stop-all")
    assert node.running() == []


def test_daemons_that_refuse_to_start(node):
    node.data("server.pem")
    node.data("ssconf_master_node", "node1")
    node.file("ganeti-masterd.status").write_text("11")
    node.ok("start-all")
    node.file("ganeti-noded.status").write_text("1")
    node.run("stop", "ganeti-noded")
    result = node.run("start-all")
    assert result.returncode == 1
    assert "ganeti-noded did not start" in result.stderr


def test_logs_are_reopened(node):
    node.ok("start", "ganeti-noded")
    # One after the other: the kernel keeps a single pending SIGHUP.
    for count, action in enumerate((["rotate-all-logs"], ["rotate-logs", "ganeti-noded"]), 1):
        node.ok(*action)
        wait_until(lambda count=count: node.file("ganeti-noded.hups").exists() and len(
            node.file("ganeti-noded.hups").read_text().split()) == count)


def test_facts(node):
    assert node.run("check-config").returncode == 1
    node.data("server.pem")
    node.ok("check-config")
    assert node.run("check-exitcode", "0").returncode == 0
    assert node.ok("check-exitcode", "11") == "not master\n"
    assert node.run("check-exitcode", "1").returncode == 1
    node.ok("is-daemon-name", "ganeti-confd")
    assert node.run("is-daemon-name", "sshd").returncode == 1
    listed = node.ok("list-start-daemons").split()
    assert [name for name in listed if name in NAMES] == list(NAMES)
    assert node.ok("list-stop-daemons").split() == listed[::-1]
    assert node.ok("daemon-executable", "ganeti-noded").strip() == f"{node.root}/bin/ganeti-noded"
    node.ok("reload-ssh-keys")


@pytest.mark.parametrize("words", [
    (), ("bogus",), ("start",), ("start", "sshd"), ("check", ""), ("daemon-pidfile", "../x"),
    ("daemon-executable", "ganeti-mond"), ("start", "ganeti-mond")])
def test_bad_words_get_one_clear_line(node, words):
    result = node.run(*words)
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("daemon-util: ")


def test_it_starts_fast(node):
    best = min(_timed(lambda: node.ok("is-daemon-name", "ganeti-noded")) for _ in range(5))
    assert best < 0.1


def _timed(action):
    begun = time.monotonic()
    action()
    return time.monotonic() - begun
