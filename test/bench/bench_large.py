"""A cluster of 200 nodes and 4000 instances, and a queue with 5000 finished jobs."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from ganeti.luxi import client as luxi_client
from ganeti.luxi import protocol
from test import daemons
from test.bench import generate
from test.bench.bench_master import DELAY, flush_ms
from test.bench.rows import Row, at_most, median_ms
from test.waiting import wait_until

NODES, INSTANCES = 200, 4000
WAITERS = 1000
FEW, MANY = 50, 5000
SLOW = {"OP_ID": "OP_TEST_DELAY", "duration": 300, "on_master": True}
NOISE = 1.5
"""How many times as long the same may take in two measurements on a shared machine."""


def rows() -> Iterator[Row]:
    """The rows of the table."""
    yield from _configuration()
    yield from _queue()


@contextlib.contextmanager
def _crowd(cluster: daemons.Cluster) -> Iterator[None]:
    """The nodes beyond the first two, all in one process."""
    prefix = cluster.master.address.rpartition(".")[0]
    process = subprocess.Popen(
        [sys.executable, "-m", "test.bench.crowd", cluster.master.path(""), cluster.master.name,
         *(f"{prefix}.{number}" for number in range(len(cluster.nodes) + 1, NODES + 1))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(20)


def _configuration() -> Iterator[Row]:
    with daemons.Cluster(2, generate.large(NODES, INSTANCES)) as cluster, _crowd(cluster):
        size = os.path.getsize(cluster.master.path("config.data"))
        words = f"{NODES} nodes, {INSTANCES} instances"
        cluster.start()
        parse = median_ms(lambda: json.loads(
            pathlib.Path(cluster.master.path("config.data")).read_bytes()), 5)
        starts = [_start_ms(cluster) for _ in range(3)]
        yield at_most(f"start of the master daemon, {words}", sorted(starts)[1], "ms", 3000, parse,
                      f"parsing of {size >> 10} KiB")
        with cluster.client() as luxi:
            daemons.wait_for_job(luxi, luxi.call("SubmitJob", [[DELAY]]))
            time.sleep(3)  # the start's distribution to all nodes ends
            took = median_ms(lambda: _commit(luxi), 25, warm=5)
            yield at_most("commit of one object, on disk and on a candidate", took, "ms", 20,
                          flush_ms(size), f"fsync of {size >> 10} KiB")
            yield at_most(f"{WAITERS} waiting clients, of a core", _waiters(cluster, luxi), "%", 1)
        yield at_most(f"memory of the master daemon, {words}",
                      _pss_mib(cluster), "MiB", 250)


def _start_ms(cluster: daemons.Cluster) -> float:
    """From the program's start to the first answer."""
    cluster.master.kill("ganeti-masterd")
    start = time.perf_counter()
    cluster.start_master()
    with cluster.client() as luxi:
        luxi.call("QueryClusterInfo", [])
    return (time.perf_counter() - start) * 1000


def _commit(luxi: luxi_client.Client) -> None:
    """A job filter is an object of the configuration; the answer comes when it is safe."""
    luxi.call("ReplaceFilter", ["88888888-0000-4000-8000-000000000001", 0, [], "CONTINUE", []])


def _waiters(cluster: daemons.Cluster, luxi: luxi_client.Client) -> float:
    """Per cent of a core that idle waiters cost."""
    job_id = luxi.call("SubmitJob", [[SLOW]])
    row: Any = None
    while row != ["running"]:
        row, _ = luxi.call("WaitForJobChange", [job_id, ["status"], row, None, 10])
    pid = cluster.master.processes["ganeti-masterd"].pid
    path = os.path.join(cluster.master.root, "var/run/ganeti/socket/ganeti-query")
    request = protocol.encode_request("WaitForJobChange", [job_id, ["status"], row, None, 80])
    with contextlib.ExitStack() as stack:
        for _ in range(WAITERS):
            waiter = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiter.connect(path)
            waiter.sendall(request)
        wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) >= WAITERS)
        time.sleep(1)
        before, start = _cpu_seconds(pid), time.perf_counter()
        time.sleep(10)
        used = 100 * (_cpu_seconds(pid) - before) / (time.perf_counter() - start)
    luxi.call("CancelJob", [job_id])
    daemons.wait_for_job(luxi, job_id)
    return used


def _cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pss_mib(cluster: daemons.Cluster) -> float:
    pid = cluster.master.processes["ganeti-masterd"].pid
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def _queue() -> Iterator[Row]:
    few, many = (_with_finished(count) for count in (FEW, MANY))
    for name in few:
        yield at_most(f"{name}, {MANY} finished jobs in the queue", many[name], "ms",
                      round(NOISE * few[name], 2), few[name], f"with {FEW}")


def _with_finished(count: int) -> dict[str, float]:
    """What clients do, measured with so many finished jobs in the queue."""
    with daemons.Cluster(1) as cluster:
        cluster.start()
        with cluster.client() as luxi:
            daemons.wait_for_job(luxi, luxi.call("SubmitJob", [[DELAY]]))
        cluster.master.kill("ganeti-masterd", 15)
        _multiply(pathlib.Path(cluster.master.path("queue")), count)
        cluster.start_master()
        with cluster.client() as luxi:
            time.sleep(1)
            return _measure(luxi, count)


def _multiply(queue: pathlib.Path, count: int) -> None:
    """Copies of the first job."""
    text = (queue / "job-1").read_text()
    for number in range(2, count + 1):
        (queue / f"job-{number}").write_text(text.replace('"id":1,', f'"id":{number},', 1))
        (queue / f"job-{number}").chmod(0o640)
    (queue / "serial").write_text(f"{count}\n")


def _measure(luxi: luxi_client.Client, count: int) -> dict[str, float]:
    fields = ["id", "status", "summary"]
    newest = list(range(count - FEW + 1, count + 1))
    first = iter(range(1, count + 1))
    per_row = median_ms(lambda: luxi.call("Query", ["job", fields, None]), 9, warm=2) * FEW / count
    return {
        f"list of {FEW} jobs by number": median_ms(
            lambda: luxi.call("QueryJobs", [newest, fields]), 25, warm=5),
        f"list of all jobs, for each {FEW}": per_row,
        "submit and run a job": median_ms(
            lambda: daemons.wait_for_job(luxi, luxi.call("SubmitJob", [[DELAY]])), 25, warm=5),
        "archive a job": median_ms(lambda: luxi.call("ArchiveJob", [next(first)]), 25, warm=5),
    }
