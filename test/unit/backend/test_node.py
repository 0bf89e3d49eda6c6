"""A node as a member: watcher pause, certificates, leaving, commands of the administrator."""

import os
import time

import pytest

from ganeti import constants, errors, pathutils, ssconf
from ganeti.backend import node as backend_node
from ganeti.utils import io, sshkeys, x509


@pytest.fixture
def daemon_util(script, monkeypatch, tmp_path):
    """A daemon-util that notes its calls; 'check' says that nothing runs."""
    log = tmp_path / "calls"
    path = script(str(tmp_path / "daemon-util"), f'echo "$*" "${{EXTRA_MASTERD_ARGS:-}}" >> {log}',
                  '[ "$1" = check ] && exit 1', '[ "$2" = ganeti-rapi ] && exit 1', "exit 0")
    monkeypatch.setattr(pathutils, "DAEMON_UTIL", path)
    return lambda: [line.strip() for line in log.read_text().splitlines()]


@pytest.fixture
def keys_in_root(monkeypatch, tmp_path):
    monkeypatch.setattr(sshkeys, "ssh_directory", lambda user="root": str(tmp_path / "ssh"))
    return tmp_path / "ssh"


def test_protocol_version():
    assert backend_node.version() == constants.PROTOCOL_VERSION


def test_the_watcher_is_paused_and_goes_on():
    assert backend_node.get_watcher_pause() is None
    backend_node.set_watcher_pause(1234567.8)
    assert backend_node.get_watcher_pause() == 1234567
    backend_node.set_watcher_pause(None)
    assert backend_node.get_watcher_pause() is None
    with pytest.raises(errors.ParameterError):
        backend_node.set_watcher_pause("tomorrow")
    io.write_file(pathutils.WATCHER_PAUSEFILE, "nonsense")
    assert backend_node.get_watcher_pause() is None


def test_master_daemons_are_started_and_stopped(daemon_util):
    backend_node.node_start_master_daemons(True)
    backend_node.node_stop_master()
    assert daemon_util() == ["start-master --no-voting --yes-do-it", "stop-master"]


def test_single_daemons_are_kept_running(daemon_util):
    assert backend_node.node_ensure_daemon(constants.CONFD, True)
    assert not backend_node.node_ensure_daemon(constants.RAPI, False)
    assert daemon_util() == ["check-and-start ganeti-confd", "stop ganeti-rapi"]
    with pytest.raises(errors.OpExecError, match="no daemon 'sshd'"):
        backend_node.node_ensure_daemon("sshd", True)


def test_a_demoted_node_puts_its_configuration_aside(daemon_util):
    ssconf.SimpleStore().write({"master_node": "other.example.org"})
    io.write_file(pathutils.CLUSTER_CONF_FILE, "{}")
    backend_node.node_demote_from_mc()
    assert not os.path.exists(pathutils.CLUSTER_CONF_FILE)
    assert any(name.startswith("config.data.backup-") for name in os.listdir(pathutils.DATA_DIR))
    assert "stop ganeti-confd" in daemon_util()


def test_the_master_can_not_be_demoted(daemon_util):
    ssconf.SimpleStore().write({"master_node": "node1.example.org"})
    with pytest.raises(errors.OpExecError, match="is the master"):
        backend_node.node_demote_from_mc()


def test_client_certificates(node):
    request = [[constants.CRYPTO_TYPE_SSL_DIGEST, constants.CRYPTO_ACTION_GET, {}]]
    with pytest.raises(errors.OpExecError, match="no client certificate"):
        backend_node.node_crypto_tokens(request)
    create = [[constants.CRYPTO_TYPE_SSL_DIGEST, constants.CRYPTO_ACTION_CREATE,
               {constants.CRYPTO_OPTION_SERIAL_NO: 7}]]
    with pytest.raises(errors.X509CertError, match="server.pem"):
        backend_node.node_crypto_tokens(create)
    authority = x509.create_self_signed()
    io.write_file(pathutils.NODED_CERT_FILE, authority)
    [[kind, digest]] = backend_node.node_crypto_tokens(create)
    made = x509.load_file(pathutils.NODED_CLIENT_CERT_FILE)
    assert kind == constants.CRYPTO_TYPE_SSL_DIGEST
    assert x509.is_signed_by(made, x509.load(authority))
    assert (made.serial_number, x509.common_name(made)) == (7, "node1.example.org")
    assert backend_node.node_crypto_tokens(request) == [[kind, digest]]


@pytest.mark.parametrize("request_", [["ssl"], [["nonsense", "get"]], [["ssl", "nonsense"]],
                                      [["ssh", "create"]]])
def test_unknown_tokens_are_refused(request_, keys_in_root):
    with pytest.raises(errors.ParameterError):
        backend_node.node_crypto_tokens(request_)


def test_ssh_keys_are_told(keys_in_root):
    sshkeys.write_pair(str(keys_in_root / "id_ecdsa"), *sshkeys.generate("ecdsa", None, "root@n"))
    [[kind, key]] = backend_node.node_crypto_tokens([[constants.CRYPTO_TYPE_SSH, "get"]])
    assert (kind, key.split()[0]) == ("ssh", "ecdsa-sha2-nistp256")


def test_leaving_removes_keys_and_files_and_ends_the_daemon(daemon_util, keys_in_root):
    sshkeys.write_pair(str(keys_in_root / "id_ecdsa"), *sshkeys.generate("ecdsa", None, "root@n"))
    own = io.read_first_line(str(keys_in_root / "id_ecdsa.pub"))
    _private, other = sshkeys.generate("ecdsa", None, "root@n2")
    _private, admin = sshkeys.generate("ecdsa", None, "admin")
    sshkeys.PublicKeys().override({"u1": [own], "u2": [other]})
    authorized = sshkeys.authorized_keys_file()
    sshkeys.add_authorized(authorized, [own, other, admin])
    for path in (pathutils.NODED_CERT_FILE, pathutils.CONFD_HMAC_KEY, pathutils.CLUSTER_CONF_FILE,
                 pathutils.ssconf_file("cluster_name")):
        io.write_file(path, "x")
    os.makedirs(pathutils.JOB_QUEUE_ARCHIVE_DIR + "/0")
    io.write_file(pathutils.archived_job_file(5), "{}")
    with pytest.raises(errors.QuitGanetiException) as caught:
        backend_node.node_leave_cluster(True)
    assert caught.value.args[0] is True
    left = [name for _base, _dirs, names in os.walk(pathutils.DATA_DIR) for name in names]
    assert left == []
    assert io.read_file(authorized).splitlines() == [own, admin]


def test_power_helpers(script):
    script(pathutils.local("/etc/ganeti/oob"), 'echo "$1 of $2"',
           '[ "$1" = health ] && exit 4', "exit 0")
    said = backend_node.run_oob("/etc/ganeti/oob", "power-status", "n2", 5)
    assert said == "power-status of n2\n"
    with pytest.raises(errors.OpExecError, match="exit status 4.*health of n2"):
        backend_node.run_oob("/etc/ganeti/oob", "health", "n2", 5)
    with pytest.raises(errors.ParameterError, match="Unknown"):
        backend_node.run_oob("/etc/ganeti/oob", "explode", "n2", 5)
    script(pathutils.local("/etc/ganeti/slow"), "sleep 20")
    with pytest.raises(errors.OpExecError, match="took longer"):
        backend_node.run_oob("/etc/ganeti/slow", "power-on", "n2", 0.2)


@pytest.fixture
def commands(script, monkeypatch):
    monkeypatch.setattr(backend_node, "RESTRICTED_FAILURE_DELAY", 0.05)
    os.makedirs(pathutils.RESTRICTED_COMMANDS_DIR)
    os.chmod(pathutils.RESTRICTED_COMMANDS_DIR, 0o755)

    def make(name, *lines, mode=0o755):
        return script(os.path.join(pathutils.RESTRICTED_COMMANDS_DIR, name), *lines, mode=mode)

    return make


def test_a_restricted_command_runs_with_an_empty_environment(commands):
    commands("show", "env | grep -v -e ^PWD -e ^SHLVL -e ^_=", "echo done")
    assert backend_node.restricted_command("show") == "done\n"


@pytest.mark.parametrize("name", ["none", "../show", "a b", "", None, "writable", "plain", "link",
                                  "failing"])
def test_every_refusal_looks_the_same(commands, name):
    commands("show", "echo done")
    commands("writable", "echo done", mode=0o777)
    commands("plain", "echo done", mode=0o644)
    commands("failing", "exit 1")
    os.symlink("show", os.path.join(pathutils.RESTRICTED_COMMANDS_DIR, "link"))
    begun = time.monotonic()
    with pytest.raises(errors.OpExecError) as caught:
        backend_node.restricted_command(name)
    assert str(caught.value) == backend_node.RESTRICTED_FAILURE
    assert time.monotonic() - begun >= 0.05


def test_restricted_commands_are_off_without_their_directory(monkeypatch):
    monkeypatch.setattr(backend_node, "RESTRICTED_FAILURE_DELAY", 0.0)
    with pytest.raises(errors.OpExecError):
        backend_node.restricted_command("show")


def test_a_directory_that_others_may_write_disables_them(commands):
    commands("show", "echo done")
    os.chmod(pathutils.RESTRICTED_COMMANDS_DIR, 0o777)
    with pytest.raises(errors.OpExecError):
        backend_node.restricted_command("show")
