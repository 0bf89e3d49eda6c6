"""SSH sessions with a real server: host keys, log-in, commands, copies."""

import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest

from ganeti import errors, pathutils
from ganeti.tools.vcluster import layout, nodes
from ganeti.utils import io, ssh, sshkeys
from test.waiting import wait_until

PORT = layout.SSH_PORT


@pytest.fixture(scope="module")
def server():
    """The ssh server of one virtual node."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="gssh"))
    prefix = f"127.{random.randint(60, 120)}.{random.randint(1, 250)}"  # noqa: S311
    cluster = layout.create(root, 1, prefix, netns=False)
    node = cluster.nodes[0]
    argv, environment = nodes.command(cluster, node, [
        sys.executable, "-m", "ganeti.tools.vcluster.sshd", str(root), node.name])
    environment["PYTHONPATH"] = str(layout.checkout())
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE)
    with process, process.stdout as pipe:
        assert pipe.readline() == b"ready\n"
        yield cluster, node
        process.kill()
    shutil.rmtree(root)


@pytest.fixture
def host_key(server):
    public = pathlib.Path(server[1].root) / "etc/ssh/ssh_host_rsa_key.pub"
    wait_until(public.exists)
    return public.read_text().split()


@pytest.fixture
def known(tmp_path, host_key):
    path = tmp_path / "known_hosts"
    path.write_text(sshkeys.known_hosts_line("cluster1", " ".join(host_key)))
    return str(path)


def connect(server, host_keys, **kwargs):
    cluster, node = server
    kwargs.setdefault("key_files", [str(cluster.key_file)])
    return ssh.SshSession("node1", host_keys, address=node.address, port=PORT, **kwargs)


@pytest.fixture
def session(server, known):
    with connect(server, ssh.ClusterHostKeys("cluster1", known)) as made:
        yield made


def test_commands_run_with_input_and_both_outputs(session):
    result = session.run(["sh", "-c", 'cat; echo "it\'s" >&2; exit 3'], input="grüße")
    assert (result.stdout, result.stderr, result.exit_code) == ("grüße", "it's\n", 3)
    assert result.failed
    assert session.run("echo $GANETI_HOSTNAME").stdout == "node1\n"


def test_much_data_both_ways(session):
    text = "0123456789abcdef" * 100_000
    assert session.run(["cat"], input=text, timeout=60).stdout == text


def test_a_command_that_takes_too_long(session):
    begun = time.monotonic()
    result = session.run(["sleep", "20"], timeout=0.3)
    assert result.failed
    assert "longer than 0.3 s" in result.fail_reason
    assert time.monotonic() - begun < 10


def test_files_are_copied_whole_with_mode_and_time(session, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(os.urandom(300_000))
    source.chmod(0o750)
    os.utime(source, (1000, 2000))
    target = tmp_path / "target"
    target.write_text("former")
    session.copy_file(str(source), str(target))
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o750
    with pytest.raises(ssh.SshError, match="Cannot copy"):
        session.copy_file(str(source), str(tmp_path / "no" / "such" / "directory"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["known_hosts", "source", "target"]


def test_another_host_key_is_refused(server, tmp_path):
    path = tmp_path / "wrong"
    _private, other = sshkeys.generate("rsa", 2048, "x")
    path.write_text(sshkeys.known_hosts_line("cluster1", other))
    with pytest.raises(ssh.SshError, match="shows another host key"):
        connect(server, ssh.ClusterHostKeys("cluster1", str(path)))
    with pytest.raises(ssh.SshError, match="knows no host key of cluster2"):
        connect(server, ssh.ClusterHostKeys("cluster2", str(path)))


def test_a_key_that_is_not_accepted(server, known, tmp_path):
    private, public = sshkeys.generate("rsa", 2048, "stranger")
    sshkeys.write_pair(str(tmp_path / "id_rsa"), private, public)
    with pytest.raises(ssh.SshError, match="accepts none of 1 SSH keys"):
        connect(server, ssh.ClusterHostKeys("cluster1", known),
                key_files=[str(tmp_path / "id_rsa"), str(tmp_path / "missing")])


class UserKeys(ssh.UserHostKeys):
    def __init__(self, path, ask=None, strict=True):
        super().__init__(ask, strict)
        self.paths = [str(path)]


def test_an_unknown_machine_is_asked_about_and_remembered(server, tmp_path):
    path = tmp_path / "mine" / "known_hosts"
    with pytest.raises(ssh.SshError, match="host key of node1 is not known"):
        connect(server, UserKeys(path))
    with pytest.raises(ssh.SshError, match="not known"):
        connect(server, UserKeys(path, ask=lambda text: False))
    questions = []
    connect(server, UserKeys(path, ask=lambda text: questions.append(text) or True)).close()
    assert "SHA256:" in questions[0]
    assert io.read_file(str(path)).startswith(f"[node1]:{PORT} ssh-rsa ")
    connect(server, UserKeys(path)).close()


def test_any_key_is_taken_if_the_check_is_off(server, tmp_path):
    connect(server, UserKeys(tmp_path / "none", strict=False)).close()
    assert not (tmp_path / "none").exists()


def test_hashed_names_are_understood(tmp_path):
    import base64
    import hashlib
    import hmac
    salt = os.urandom(20)
    digest = hmac.new(salt, b"node1", hashlib.sha1).digest()
    path = tmp_path / "known_hosts"
    pattern = "|1|" + "|".join(base64.b64encode(part).decode() for part in (salt, digest))
    path.write_text(f"# comment\n{pattern} ssh-rsa AAAA\n|1|broken ssh-rsa BBBB\n")
    assert ssh._known_in(str(path), "node1") == [("ssh-rsa", "AAAA")]
    assert ssh._known_in(str(path), "node2") == []


def test_machines_that_do_not_speak_ssh(known):
    keys = ssh.ClusterHostKeys("cluster1", known)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ssh.SshError, match=f"Cannot connect to n1.*{port}.*refused"):
        ssh.SshSession("n1", keys, address="127.0.0.1", port=port)
    with pytest.raises(errors.ResolverError):
        ssh.SshSession("no-such-host.invalid", keys)


def test_the_command_line_for_interactive_use():
    argv = ssh.build_command("node1", ["ls", "a b"], cluster_name="cluster1", port=77, tty=True,
                             batch=False)
    assert argv[0] == "ssh"
    assert {"-oHostKeyAlias=cluster1", "-oPort=77", "-oBatchMode=no", "-t",
            "-oStrictHostKeyChecking=yes",
            f"-oGlobalKnownHostsFile={pathutils.SSH_KNOWN_HOSTS_FILE}"} <= set(argv)
    assert argv[-2:] == ["root@node1", "ls 'a b'"]
    assert ssh.build_command("::1", None, cluster_name="c")[-1] == "root@::1"


def test_known_hosts_of_a_cluster(tmp_path):
    class Cluster:
        cluster_name = "c1"
        rsahostkeypub = "AAAAB3"
        dsahostkeypub = None

    ssh.write_known_hosts(Cluster, str(tmp_path / "known"))
    assert io.read_file(str(tmp_path / "known")) == "c1 ssh-rsa AAAAB3\n"
    Cluster.rsahostkeypub = "ssh-rsa AAAAB3"
    ssh.write_known_hosts(Cluster, str(tmp_path / "known"))
    assert io.read_file(str(tmp_path / "known")) == "c1 ssh-rsa AAAAB3\n"
