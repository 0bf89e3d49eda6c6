"""Transfers of disks between two ends on this node, with real processes and scripts."""

from __future__ import annotations

import os
import signal

import pytest

from ganeti import constants, errors, pathutils
from ganeti.backend import crypto_keys, transfer
from ganeti.utils import process, x509
from test.waiting import wait_until

from .conftest import create_disks, make_disk, make_instance

MAGIC = "a-magic-text"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def place(monkeypatch):
    """The directories and the certificate that a node has; it listens on the loopback."""
    for path in (pathutils.IMPORT_EXPORT_DIR, pathutils.CRYPTO_KEYS_DIR, pathutils.EXPORT_DIR):
        os.makedirs(path, exist_ok=True)
    x509.write(pathutils.NODED_CERT_FILE, x509.create_self_signed())
    monkeypatch.setattr(transfer.net, "default_bind", lambda family: "127.0.0.1")


@pytest.fixture
def instance(script):
    os_dir = os.path.join(pathutils.OS_SEARCH_PATH[0], "tiny")
    os.makedirs(os_dir)
    for name, text in (("ganeti_api_version", "20\n"), ("parameters.list", "")):
        with open(os.path.join(os_dir, name), "w", encoding="ascii") as fobj:
            fobj.write(text)
    for name in ("create", "rename", "verify"):
        script(f"{os_dir}/{name}", "exit 0")
    script(f"{os_dir}/export", 'echo dumping $EXPORT_INDEX $OSP_COLOUR >&2',
           'head -c 8 "$EXPORT_DEVICE"')
    script(f"{os_dir}/import", 'cat > "$IMPORT_DEVICE"', 'echo restored $IMPORT_INDEX; pwd')
    made = make_instance(disks=[make_disk(0), make_disk(1)], osparams={"colour": "blue"})
    create_disks(made)
    return made


@pytest.fixture
def started():
    names = []
    yield names
    for name in names:
        transfer.impexp_cleanup(name)
    assert os.listdir(pathutils.IMPORT_EXPORT_DIR) == []


def wait(name, done):
    def look():
        [found] = transfer.impexp_status([name])
        return found if found and done(found) else None
    return wait_until(look, lambda: transfer.impexp_status([name]), 60)


def ended(name):
    return wait(name, lambda found: found["exit_status"] is not None)


def move(started, instance, source, dest, **opts):
    """Move data from one end to the other; the last statuses of source and target."""
    opts = {"compress": "gzip", "magic": MAGIC, "ipv6": False, "connect_timeout": 30, **opts}
    target = transfer.import_start(opts, instance, "disk0", dest)
    started.append(target)
    port = wait(target, lambda found: found["listen_port"])["listen_port"]
    started.append(transfer.export_start(opts, "127.0.0.1", port, instance, "disk0", source))
    return ended(started[-1]), ended(target)


def contents(disk):
    with open(pathutils.local(disk.logical_id[1]), "rb") as fobj:
        return fobj.read()


def write(disk, data):
    with open(pathutils.local(disk.logical_id[1]), "r+b") as fobj:
        fobj.write(data)


def the_log(action):
    [name] = [name for name in os.listdir(pathutils.LOG_OS_DIR) if name.startswith(action)]
    with open(os.path.join(pathutils.LOG_OS_DIR, name), encoding="utf-8") as fobj:
        return fobj.read()


def test_a_raw_disk_is_copied_whole(started, instance):
    first, second = instance.disks_info
    write(first, os.urandom(3 * MIB))
    before = contents(first)
    source, target = move(started, instance, [constants.IEIO_RAW_DISK, [first]],
                          [constants.IEIO_RAW_DISK, [second]])
    assert (source["exit_status"], target["exit_status"]) == (0, 0), (source, target)
    assert contents(second) == before
    assert source["progress_percent"] == 100


def test_scripts_dump_to_a_file_and_restore_from_it(started, instance):
    first, second = instance.disks_info
    write(first, b"precious and more")
    dump = "/srv/ganeti/export/inst1.example.org.new/disk-uuid-0"
    source, target = move(started, instance, [constants.IEIO_SCRIPT, [first, 0]],
                          [constants.IEIO_FILE, [dump]])
    assert (source["exit_status"], target["exit_status"]) == (0, 0), (source, target)
    with open(pathutils.local(dump), "rb") as fobj:
        assert fobj.read() == b"precious"
    assert os.stat(pathutils.local(dump)).st_mode & 0o777 == 0o600
    assert the_log("export-tiny-inst1.example.org-disk0") == "dumping 0 blue\n"
    source, target = move(started, instance, [constants.IEIO_FILE, [dump]],
                          [constants.IEIO_SCRIPT, [second, 1]])
    assert (source["exit_status"], target["exit_status"]) == (0, 0), (source, target)
    assert contents(second)[:8] == b"precious"
    assert the_log("import").startswith("restored 1\n")


def test_own_keys_of_two_clusters(started, instance):
    first, second = instance.disks_info
    write(first, b"abroad")
    (one, one_pem), (two, two_pem) = (crypto_keys.x509_cert_create(86400) for _ in range(2))
    opts = {"compress": "none", "magic": MAGIC, "connect_timeout": 30}
    target = transfer.import_start({**opts, "key_name": one, "ca_pem": two_pem}, instance, "disk1",
                                   [constants.IEIO_RAW_DISK, [second]])
    started.append(target)
    port = wait(target, lambda found: found["listen_port"])["listen_port"]
    source = transfer.export_start({**opts, "key_name": two, "ca_pem": one_pem}, "127.0.0.1", port,
                                   instance, "disk0", [constants.IEIO_RAW_DISK, [first]])
    started.append(source)
    assert (ended(source)["exit_status"], ended(target)["exit_status"]) == (0, 0)
    assert contents(second)[:6] == b"abroad"
    crypto_keys.x509_cert_remove(one)
    crypto_keys.x509_cert_remove(one)
    assert os.listdir(pathutils.CRYPTO_KEYS_DIR) == [two]
    with pytest.raises(errors.OpExecError, match="no key"):
        transfer.import_start({**opts, "key_name": one, "ca_pem": two_pem}, instance, "disk1",
                              [constants.IEIO_RAW_DISK, [second]])


def test_a_failing_script_is_told_by_both_ends(started, instance, script):
    script(os.path.join(pathutils.OS_SEARCH_PATH[0], "tiny/export"), "echo some; exit 7")
    source, target = move(started, instance,
                          [constants.IEIO_SCRIPT, [instance.disks_info[0], 0]],
                          [constants.IEIO_FILE, ["/srv/ganeti/export/x.new/d"]])
    assert "exit status 7" in source["error_message"]
    assert target["exit_status"] == 1


def test_a_killed_process_is_seen(started, instance):
    name = transfer.import_start({"compress": "none"}, instance, "disk0",
                                 [constants.IEIO_RAW_DISK, [instance.disks_info[0]]])
    started.append(name)
    wait(name, lambda found: found["listen_port"])
    with open(os.path.join(pathutils.IMPORT_EXPORT_DIR, name, "pid"), encoding="ascii") as fobj:
        pid = int(fobj.read())
    os.kill(pid, signal.SIGKILL)
    process.end(pid)
    assert "gone without a word" in ended(name)["error_message"]
    transfer.impexp_abort(name)


def test_an_aborted_one_keeps_its_status_until_cleaned(started, instance):
    name = transfer.import_start({"compress": "none"}, instance, "disk0",
                                 [constants.IEIO_RAW_DISK, [instance.disks_info[0]]])
    started.append(name)
    wait(name, lambda found: found["listen_port"])
    transfer.impexp_abort(name)
    assert "aborted" in ended(name)["error_message"]
    transfer.impexp_cleanup(name)
    transfer.impexp_cleanup(name)
    assert not os.path.exists(os.path.join(pathutils.IMPORT_EXPORT_DIR, name))


@pytest.mark.parametrize("path", ["/etc/passwd", "/srv/ganeti/export/../x", "/srv/ganeti/export"])
def test_files_lie_below_the_export_directory_only(instance, path):
    with pytest.raises(errors.OpExecError, match="not below"):
        transfer.import_start({}, instance, "disk0", [constants.IEIO_FILE, [path]])
    assert os.listdir(pathutils.IMPORT_EXPORT_DIR) == []


@pytest.mark.parametrize("name", ["../x", ".", "a b", ""])
def test_names_are_checked(name, instance):
    for call in (transfer.impexp_abort, transfer.impexp_cleanup):
        with pytest.raises(errors.OpExecError, match="no name of a transfer"):
            call(name)
    with pytest.raises(errors.OpExecError, match="no name of a key"):
        crypto_keys.x509_cert_remove(name)


def test_half_a_key_is_refused(instance):
    with pytest.raises(errors.OpExecError, match="go together"):
        transfer.import_start({"key_name": "x509-abc"}, instance, "disk0",
                              [constants.IEIO_RAW_DISK, [instance.disks_info[0]]])
