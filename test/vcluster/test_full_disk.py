"""No room on the master: clear refusals, nothing is lost, and all goes on afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from ganeti import errors
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="mounting a small file system needs root")


@contextlib.contextmanager
def _small(cluster: VirtualCluster, logical: str) -> Iterator[pathlib.Path]:
    """A directory of node1 on a file system of its own with a few MiB; the master is up in it."""
    directory = cluster.path("node1", logical)
    aside = directory.with_name(directory.name + ".large")
    cluster.daemon_util("node1", "stop-all")
    status = directory.stat()
    shutil.move(directory, aside)
    directory.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(directory)],
                          capture_output=True, text=True, check=False)
    if made.returncode:
        directory.rmdir()
        shutil.move(aside, directory)
        cluster.daemon_util("node1", "start-all")
        pytest.skip(f"no mounting here: {made.stderr.strip()}")
    try:
        shutil.copytree(aside, directory, dirs_exist_ok=True, symlinks=True)
        directory.chmod(status.st_mode)
        cluster.daemon_util("node1", "start-all")
        yield directory
    finally:
        cluster.daemon_util("node1", "stop-all")
        (directory / "filler").unlink(missing_ok=True)
        shutil.rmtree(aside)
        shutil.copytree(directory, aside, symlinks=True)
        subprocess.run(["umount", str(directory)], check=True)
        directory.rmdir()
        shutil.move(aside, directory)
        cluster.daemon_util("node1", "start-all")


def _fill(directory: pathlib.Path) -> None:
    """Take all the room there is."""
    with open(directory / "filler", "ab", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(4096))
    with open(directory / "filler", "ab", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"\0")


def _daemon_util(cluster: VirtualCluster) -> str:
    return f"{cluster.layout.node('node1').root}/usr/lib/ganeti/daemon-util"


def _delay(duration: float = 0) -> list[dict]:
    return [{"OP_ID": "OP_TEST_DELAY", "duration": duration}]


def _wait(cluster: VirtualCluster, numbers: list[int]) -> list[str]:
    with cluster.luxi() as client:
        def ended() -> bool:
            rows = client.call("QueryJobs", [numbers, ["status"]])
            return all(row[0] in ("success", "error") for row in rows)

        wait_until(ended, "all jobs end", 30)
        return [row[0] for row in client.call("QueryJobs", [numbers, ["status"]])]


def test_full_queue_directory(battered: VirtualCluster) -> None:
    cluster = battered
    with _small(cluster, "/var/lib/ganeti/queue") as queue:
        with cluster.luxi() as client:
            before = [client.submit_job(_delay()) for _ in range(3)]
            running = client.submit_job(_delay(1.5))
        _wait(cluster, before)
        _fill(queue)
        with cluster.luxi() as client:
            for _ in range(3):
                with pytest.raises(errors.GenericError, match="(?i)no space|room") as caught:
                    client.submit_job(_delay())
                assert "queue" in str(caught.value)
        result = cluster.try_run("gnt-cluster add-tags no-room")
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        listed = cluster.run("gnt-job list --no-headers -o id").split()
        assert {str(number) for number in before} <= set(listed), "questions are answered"
        # A daemon that dies now has lost nothing either, even if it can not be started in between:
        # its journal holds what the job files, which the crash has taken, do not.
        cluster.kill_daemon("node1", "ganeti-masterd")
        assert list(queue.glob("journal-*"))
        for number in before:
            (queue / f"job-{number}").unlink()
        _fill(queue)
        started = cluster.try_run(f"{_daemon_util(cluster)} start ganeti-masterd")
        assert started.returncode == 1 and "Traceback" not in started.stderr
        assert "nothing is lost: make room" in started.stderr
        (queue / "filler").unlink()
        cluster.daemon_util("node1", "start-master")
        assert _wait(cluster, before) == ["success"] * 3
        assert _wait(cluster, [running])[0] in ("success", "error")
        _fill(queue)
        with cluster.luxi() as client, pytest.raises(errors.GenericError):
            client.submit_job(_delay())
        (queue / "filler").unlink()

        def accepted() -> bool:
            with cluster.luxi() as client, contextlib.suppress(errors.JobQueueError):
                return bool(client.submit_job(_delay()))
            return False

        wait_until(accepted, "it goes on by itself when there is room", 10)
        cluster.run("gnt-cluster add-tags room-again")
    assert "no-room" not in cluster.run("gnt-cluster list-tags")
    assert "room-again" in cluster.run("gnt-cluster list-tags")
    assert "ERROR" not in cluster.run("gnt-cluster verify")


def test_full_data_directory(battered: VirtualCluster) -> None:
    """The configuration can not be written: no change is reported as done."""
    cluster = battered
    with _small(cluster, "/var/lib/ganeti") as data:
        cluster.run("gnt-cluster add-tags while-there-is-room")
        with cluster.luxi() as client:
            # Stored while there was room, carried out when there is none.
            number = client.submit_job([
                {"OP_ID": "OP_TEST_DELAY", "duration": 1},
                {"OP_ID": "OP_TAGS_SET", "kind": "cluster", "name": None, "tags": ["unwritten"]}])
        _fill(data)
        config = json.loads((data / "config.data").read_text())
        assert "while-there-is-room" in config["cluster"]["tags"]
        with cluster.luxi() as client, pytest.raises(errors.GenericError, match="(?i)space|room"):
            client.submit_job(_delay())
        cluster.run("gnt-node list")
        import time

        time.sleep(2)
        assert json.loads((data / "config.data").read_text()) == config, "old and whole"
        (data / "filler").unlink()
        (status,) = _wait(cluster, [number])
        cluster.run("gnt-cluster add-tags afterwards")
        on_disk = json.loads((data / "config.data").read_text())["cluster"]["tags"]
        assert ("unwritten" in on_disk) == (status == "success"), "a job tells the truth"
        cluster.kill_daemon("node1", "ganeti-masterd")
        cluster.daemon_util("node1", "start-master")
        tags = cluster.run("gnt-cluster list-tags")
        assert "afterwards" in tags
        assert "while-there-is-room" in tags
    cluster.run("gnt-cluster redist-conf")
    assert "ERROR" not in cluster.run("gnt-cluster verify")
