"""ensure-dirs and ganeti-cleaner."""

import os
import time

import pytest

from ganeti import pathutils, ssconf
from ganeti.tools import cleaner, ensure_dirs
from ganeti.utils import directories, io, x509
from test import noderoot

OLD = time.time() - 22 * 86400


def _log(*_args, logfile=None, **_options):
    """Leave pytest's own logging alone, but make the file."""
    if logfile is not None:
        io.write_file(logfile, "")


@pytest.fixture(autouse=True)
def node(tmp_path, monkeypatch):
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    monkeypatch.setenv("GANETI_HOSTNAME", "node1")
    monkeypatch.setattr(cleaner.log, "setup", _log)
    return tmp_path


def old(path, content=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (OLD, OLD))
    return path


def mode(path):
    return path.stat().st_mode & 0o7777


def test_directories_are_made_and_set_right(node, capsys):
    (node / "var/lib/ganeti").chmod(0o700)
    secret = node / "var/lib/ganeti/hmac.key"
    secret.write_text("x")
    secret.chmod(0o644)
    assert ensure_dirs.main(["-v"]) == 0
    said = capsys.readouterr().out
    assert f"made {node}/var/lib/ganeti/queue/archive\n" in said
    assert f"{secret} now has mode 0440\n" in said
    assert mode(node / "var/lib/ganeti") == 0o755
    assert mode(node / "var/lib/ganeti/queue") == 0o750
    assert mode(node / "var/run/ganeti/crypto") == 0o700
    assert mode(secret) == 0o440
    assert ensure_dirs.main(["-v"]) == 0
    assert capsys.readouterr().out == "Everything is as it should be\n"


def test_full_run_looks_at_jobs(node):
    job = node / "var/lib/ganeti/queue/archive/3/job-30001"
    old(job).chmod(0o600)
    ensure_dirs.main([])
    assert mode(job) == 0o600
    ensure_dirs.main(["-f"])
    assert mode(job) == 0o640


def test_umask_does_not_matter(node):
    previous = os.umask(0o077)
    try:
        directories.ensure_directories([directories.Entry(str(node / "a/b/c"), 0o755)])
    finally:
        os.umask(previous)
    assert mode(node / "a") == mode(node / "a/b/c") == 0o755


def test_trouble_is_one_line(node, capsys):
    (node / "var/run/ganeti/socket").write_text("a file in the way")
    assert ensure_dirs.main([]) == 1
    said = capsys.readouterr().err
    assert said == f"ensure-dirs: {node}/var/run/ganeti/socket: File exists\n"


def test_old_watcher_state_goes(node):
    data = node / "var/lib/ganeti"
    group = "0a0a0a0a-1111-4222-8333-444444444444"
    gone = [old(data / f"watcher.{group}.data"), old(data / f"watcher.{group}.instance-status")]
    kept = [old(data / "config.data"), old(data / "watcher.pause"), data / "watcher.b-1-2-3-4.data"]
    kept[-1].write_text("")
    assert cleaner.main(["node"]) == 0
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)


def test_expired_certificates_go(node):
    crypto = node / "var/run/ganeti/crypto"
    for name, days in (("new", 1), ("expired", 0)):
        (crypto / name).mkdir(parents=True)
        (crypto / name / "key").write_text("x")
        (crypto / name / "cert").write_bytes(x509.create_self_signed(days=days))
    (crypto / "odd").mkdir()
    (crypto / "odd" / "cert").write_text("garbage")
    time.sleep(1.1)
    assert cleaner.main(["node"]) == 0
    assert sorted(os.listdir(crypto)) == ["new", "odd"]


@pytest.mark.parametrize("master", ["node1", "node2", None])
def test_old_archived_jobs_go_on_the_master(node, master):
    if master:
        ssconf.SimpleStore().write({"master_node": master})
    archive = node / "var/lib/ganeti/queue/archive"
    gone, live = old(archive / "0/job-7"), old(node / "var/lib/ganeti/queue/job-8")
    young = archive / "0/job-9"
    young.write_text("")
    assert cleaner.main(["master"]) == 0
    assert gone.exists() is (master != "node1")
    assert live.exists() and young.exists()


def test_logs_of_its_own_runs(node):
    logs = node / "var/log/ganeti/cleaner"
    for number in range(60):
        old(logs / f"cleaner-{number}.log")
    assert cleaner.main(["node"]) == 0
    names = os.listdir(logs)
    assert len(names) == cleaner.KEPT_LOGS
    assert any(name.endswith(f".{os.getpid()}.log") for name in names)


def test_it_must_be_told_what_to_clean(capsys):
    with pytest.raises(SystemExit):
        cleaner.main(["everything"])
    assert pathutils.LOG_CLEANER_DIR
    assert "invalid choice" in capsys.readouterr().err
