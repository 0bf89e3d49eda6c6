"""Damaged files under the master daemon: refused in one line or worked around, never guessed."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import pathlib
import stat
import time
from collections.abc import Callable, Iterator

import pytest

from test.vcluster.fixture import VirtualCluster

CONFIG = "/var/lib/ganeti/config.data"
QUEUE = "/var/lib/ganeti/queue"
FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


@contextlib.contextmanager
def _stopped(cluster: VirtualCluster) -> Iterator[None]:
    """Inside the block the master daemon is down; the block must leave things mended."""
    cluster.daemon_util("node1", "stop-master")
    try:
        yield
    finally:
        cluster.daemon_util("node1", "start-master")


def _submit(cluster: VirtualCluster, duration: float = 0) -> int:
    with cluster.luxi() as client:
        return client.submit_job([{"OP_ID": "OP_TEST_DELAY", "duration": duration}])


def _tree(change: Callable[[dict], object]) -> Callable[[bytes], bytes]:
    def damage(whole: bytes) -> bytes:
        tree = json.loads(whole)
        change(tree)
        return json.dumps(tree).encode()

    return damage


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda whole: whole[:len(whole) * 2 // 3],
    "empty": lambda whole: b"",
    "zeros": lambda whole: bytes(len(whole)),
    "other-list": lambda whole: b"[1, 2, 3]",
    "other-object": lambda whole: b'{"name": "x"}',
    "text": lambda whole: b"not the configuration",
    "latin": lambda whole: whole.replace(b"node1", b"n\xf6de1"),
    "no-cluster": _tree(lambda tree: tree.pop("cluster")),
    "cluster-list": _tree(lambda tree: tree.update(cluster=[])),
    "nodes-list": _tree(lambda tree: tree.update(nodes=[])),
    "nodes-null": _tree(lambda tree: tree.update(nodes=None)),
    "node-text": _tree(lambda tree: tree["nodes"].update(dict.fromkeys(tree["nodes"], "x"))),
    "no-nodes": _tree(lambda tree: tree.update(nodes={})),
    "no-groups": _tree(lambda tree: tree.update(nodegroups={})),
    "serial-text": _tree(lambda tree: tree.update(serial_no="many")),
    "hvparams-list": _tree(lambda tree: tree["cluster"].update(hvparams=[1])),
    "version-text": _tree(lambda tree: tree.update(version="3.1")),
    "version-newer": _tree(lambda tree: tree.update(version=9990000)),
    "version-ancient": _tree(lambda tree: tree.update(version=1020000)),
}


def test_garbage_configurations(battered: VirtualCluster) -> None:
    cluster = battered
    cluster.run("gnt-cluster redist-conf")
    util = f"{cluster.layout.node('node1').root}/usr/lib/ganeti/daemon-util"
    config = cluster.path("node1", CONFIG)
    with _stopped(cluster):
        whole = config.read_bytes()
        try:
            for name, damage in DAMAGES.items():
                damaged = damage(whole)
                config.write_bytes(damaged)
                result = cluster.try_run(f"{util} start ganeti-masterd")
                lines = [line for line in result.stderr.splitlines() if line.strip()]
                assert result.returncode != 0, name
                assert any("config.data" in line and ("node2" in line or "node3" in line)
                           for line in lines), f"{name}: no word on the good copy: {lines}"
                assert "Traceback" not in result.stderr + result.stdout, name
                assert len([line for line in lines if "config.data" in line]) == 1, lines
                assert config.read_bytes() == damaged, f"{name}: overwritten by a guess"
        finally:
            config.write_bytes(whole)
    assert "ERROR" not in cluster.run("gnt-cluster verify")


def test_the_named_copy_is_a_cure(battered: VirtualCluster) -> None:
    cluster = battered
    cluster.run("gnt-cluster add-tags before-the-damage")
    config = cluster.path("node1", CONFIG)
    with _stopped(cluster):
        config.write_bytes(b"")
        config.write_bytes(cluster.path("node2", CONFIG).read_bytes())
    assert "before-the-damage" in cluster.run("gnt-cluster list-tags")
    cluster.run("gnt-cluster remove-tags before-the-damage")


@pytest.mark.parametrize(("mode", "word"), [(0o666, "mode"), (0o000, "")])
def test_permissions_of_the_configuration(battered: VirtualCluster, mode: int, word: str) -> None:
    cluster = battered
    if mode == 0 and os.getuid() == 0:
        pytest.skip("root reads files of any mode")
    config = cluster.path("node1", CONFIG)
    before = stat.S_IMODE(config.stat().st_mode)
    with _stopped(cluster):
        config.chmod(mode)
        result = cluster.try_run(f"{cluster.layout.node('node1').root}/usr/lib/ganeti/daemon-util"
                                 " start ganeti-masterd")
        config.chmod(before)
        assert result.returncode != 0
        assert "config.data" in result.stderr
        assert word in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", [b"", b"\x00\xff\x00", b"garbage\n", b"-5\n", b"9" * 5000,
                                     b"17 18\n", "\u00b2\n".encode()], ids=range(7))
def test_garbage_serial_file(battered: VirtualCluster, content: bytes) -> None:
    """The ids go on above the newest job, whatever the serial file says."""
    cluster = battered
    newest = _submit(cluster)
    serial = cluster.path("node1", f"{QUEUE}/serial")
    with _stopped(cluster):
        serial.write_bytes(content)
    number = _submit(cluster)
    assert number > newest
    cluster.run(f"gnt-job wait {number}")
    assert int(serial.read_text()) >= number, "the file is mended by the next job"


def _job_garbage(good: bytes) -> dict[str, bytes]:
    tree = json.loads(good)
    return {
        "empty": b"", "zeros": bytes(300), "text": b"\x00\xff{not a job", "half": good[:-40],
        "list": b"[]", "null": b"null", "number": b"5", "object": b"{}",
        "no-ops": json.dumps(tree | {"ops": []}).encode(),
        "ops-null": json.dumps(tree | {"ops": None}).encode(),
        "ops-text": json.dumps(tree | {"ops": ["x", 5, None]}).encode(),
        "foreign-op": json.dumps(tree | {"ops": [{**tree["ops"][0], "input": {
            "OP_ID": "OP_OF_TOMORROW"}, "status": "queued"}]}).encode(),
        "wrong-input": json.dumps(tree | {"ops": [{**tree["ops"][0], "input": {
            "OP_ID": "OP_TEST_DELAY", "duration": []}, "status": "queued"}]}).encode(),
        "status": json.dumps(tree | {"ops": [{**tree["ops"][0], "status": "happy"}]}).encode(),
        "deep": b"[" * 100000,
        "timestamps": json.dumps(tree | {"received_timestamp": "noon"}).encode(),
        "other-id": json.dumps(tree | {"id": 1}).encode(),
    }


def test_garbage_job_files(battered: VirtualCluster) -> None:
    cluster = battered
    good = _submit(cluster)
    cluster.run(f"gnt-job wait {good}")
    queue = cluster.path("node1", QUEUE)
    with _stopped(cluster):
        forms = _job_garbage((queue / f"job-{good}").read_bytes())
        for number, data in enumerate(forms.values(), good + 1):
            (queue / f"job-{number}").write_bytes(data)
        for name in ("job-", "job-x", "job-0x5", "job--1", "job-5.new", "core"):
            (queue / name).write_bytes(b"?")
    log = cluster.path("node1", "/var/log/ganeti/master-daemon.log").read_text(errors="replace")
    assert "Traceback" not in log[-20000:]
    assert f"{good} success" in cluster.run(
        "gnt-job list --no-headers -o id,status --separator=' '")
    newest = _submit(cluster)
    assert newest > good + len(forms), "ids of damaged files are not given out again"
    for number, name in enumerate(forms, good + 1):
        result = cluster.try_run(f"gnt-job info {number}")
        assert "Traceback" not in result.stdout + result.stderr, name
        # What is no job at all is told to be damaged; the rest is a job that has ended.
        cluster.run(f"gnt-job archive {number}")
        assert not (queue / f"job-{number}").exists(), name
    for name in ("job-", "job-x", "job-0x5", "job--1", "job-5.new", "core"):
        (queue / name).unlink()


def test_job_file_of_a_future_id(battered: VirtualCluster) -> None:
    """A copy from a longer history (a candidate that was ahead): ids go on above it."""
    cluster = battered
    good = _submit(cluster)
    cluster.run(f"gnt-job wait {good}")
    queue = cluster.path("node1", QUEUE)
    future = good + 500
    with _stopped(cluster):
        tree = json.loads((queue / f"job-{good}").read_text())
        (queue / f"job-{future}").write_text(json.dumps(tree | {"id": future}))
    assert _submit(cluster) == future + 1
    assert f"{future} success" in cluster.run(
        "gnt-job list --no-headers -o id,status --separator=' '")


def test_garbage_in_the_journal(battered: VirtualCluster) -> None:
    cluster = battered
    good = _submit(cluster)
    cluster.run(f"gnt-job wait {good}")
    queue = cluster.path("node1", QUEUE)
    with _stopped(cluster):
        (queue / "journal-1").write_bytes(os.urandom(3000))
        (queue / "journal-2").write_bytes(b"12 00000000\nwrite\0job-1\0x\n")
    assert _submit(cluster) > good


def test_read_only_configuration(battered: VirtualCluster) -> None:
    """The administrator froze the file (chattr +i): nothing is acknowledged, nothing is lost."""
    cluster = battered
    config = cluster.path("node1", CONFIG)
    directory = config.parent
    import subprocess

    if os.getuid() == 0:
        frozen = subprocess.run(["chattr", "+i", str(config)], capture_output=True, text=True,
                                check=False)
        if frozen.returncode:
            pytest.skip(f"no immutable files here: {frozen.stderr.strip()}")
        thaw = ["chattr", "-i", str(config)]
    else:
        directory.chmod(0o500)
        thaw = ["chmod", "750", str(directory)]
    try:
        before = config.read_bytes()
        result = cluster.try_run("gnt-cluster add-tags while-frozen", timeout=60)
        assert result.returncode == 1
        assert "config.data" in result.stderr
        assert "Traceback" not in result.stderr
        assert config.read_bytes() == before
        cluster.run("gnt-cluster list-tags")
    finally:
        subprocess.run(thaw, check=True)
    cluster.run("gnt-cluster add-tags after-the-thaw")
    assert "after-the-thaw" in json.loads(config.read_text())["cluster"]["tags"]


@pytest.mark.parametrize("name", ["ssconf_master_node", "ssconf_master_candidates_certs",
                                  "ssconf_node_list"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"x" * 200000], ids=range(3))
def test_garbage_ssconf_is_mended(battered: VirtualCluster, name: str, content: bytes) -> None:
    """A node whose ssconf is damaged says so, and the next redistribution mends it."""
    cluster = battered
    file = cluster.path("node2", f"/var/lib/ganeti/{name}")
    before = file.read_bytes()
    mode = stat.S_IMODE(file.stat().st_mode)
    file.chmod(0o644)
    file.write_bytes(content)
    result = cluster.try_run("gnt-cluster getmaster", "node2")
    assert "Traceback" not in result.stdout + result.stderr
    if name != "ssconf_master_candidates_certs":
        cluster.run("gnt-cluster redist-conf")
    else:  # the master's calls are refused from then on: by hand, as the refusal says
        file.write_bytes(before)
        cluster.run("gnt-cluster redist-conf")
    file.chmod(mode)
    assert file.read_bytes() == before


def _jump(file: pathlib.Path, offset: str) -> None:
    """Set the clock of the programs that follow this file."""
    file.write_text(offset + "\n")
    time.sleep(1.2)  # the library looks at its file each second


@pytest.mark.skipif(not FAKETIME, reason="faketime is not installed (tools/prepare does, as root)")
def test_the_clock_jumps(battered: VirtualCluster, tmp_path: pathlib.Path) -> None:
    """The clock of a running master daemon is set forth and back by hours and days."""
    cluster = battered
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    serial = _serial(cluster)
    cluster.daemon_util("node1", "stop-master")
    numbers: list[int] = []
    try:
        cluster.run(f"env FAKETIME_TIMESTAMP_FILE={clock} FAKETIME_CACHE_DURATION=1"
                    f" FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD={FAKETIME[0]} ganeti-masterd")
        for number, offset in enumerate(("+3d", "-1h", "-2d")):
            slow = _submit(cluster, 1.5)
            _jump(clock, offset)
            numbers += [slow, _submit(cluster)]
            for job in numbers[-2:]:
                cluster.run(f"gnt-job wait {job}")
            cluster.run(f"gnt-cluster add-tags jump{number}")
            assert _serial(cluster) > serial
            serial = _serial(cluster)
        rows = cluster.run("gnt-job list --no-headers --separator=: -o id,status").split()
        assert {f"{job}:success" for job in numbers} <= set(rows)
        cluster.run("gnt-job archive " + " ".join(map(str, numbers)))
    finally:
        cluster.daemon_util("node1", "stop-master")
        cluster.daemon_util("node1", "start-master")
    assert numbers == sorted(set(numbers)), "no id is given out twice"
    assert _submit(cluster) > max(numbers)
    assert {f"jump{number}" for number in range(3)} <= set(
        cluster.run("gnt-cluster list-tags").split())
    assert "ERROR" not in cluster.run("gnt-cluster verify")


def _serial(cluster: VirtualCluster) -> int:
    number: int = json.loads(cluster.path("node1", CONFIG).read_text())["serial_no"]
    return number
