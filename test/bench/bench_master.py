"""The master daemon: jobs, queries, commits; against raw flushes of the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from ganeti import objects
from ganeti.config import store
from ganeti.luxi import client as luxi_client
from test import daemons
from test.bench.rows import Row, at_least, at_most, median_ms

JOBS = 1000
REPEAT = 40
DELAY = {"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": False}
STATIC_FIELDS = ["name", "os", "pnode", "snodes", "admin_state", "be/memory", "be/vcpus",
                 "disk_template", "hypervisor", "tags"]


def rows() -> Iterator[Row]:
    flush = flush_ms(1000)
    yield from _jobs(1, 10, flush)
    yield from _jobs(3, 20, flush)
    yield _instance_list()
    yield from _commits()


def flush_ms(size: int) -> float:
    """A file of this size: written, flushed, renamed, its directory flushed."""
    directory = tempfile.mkdtemp(prefix="gntb", dir="/tmp")
    data = b"x" * size

    def write() -> None:
        path = os.path.join(directory, "file")
        with open(path + ".new", "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(path + ".new", path)
        fd = os.open(directory, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)

    try:
        return median_ms(write, 15)
    finally:
        shutil.rmtree(directory)


def _jobs(candidates: int, budget_ms: float, flush: float) -> Iterator[Row]:
    words = "1 node" if candidates == 1 else f"{candidates} candidates"
    with daemons.Cluster(candidates) as cluster:
        cluster.start()
        with cluster.client() as luxi:
            _settle(luxi)
            took = median_ms(lambda: _one_job(luxi), REPEAT, warm=10)
            yield at_most(f"zero-length job, submit to done, {words}", took, "ms", budget_ms,
                          flush, "fsync")
            yield at_least(f"trivial jobs, many submitted, {words}", _many_jobs(luxi), "/s", 200)


def _settle(luxi: luxi_client.Client) -> None:
    """Let the daemons finish their starts."""
    time.sleep(0.5)
    _one_job(luxi)


def _one_job(luxi: luxi_client.Client) -> None:
    daemons.wait_for_job(luxi, luxi.call("SubmitJob", [[DELAY]]))


def _many_jobs(luxi: luxi_client.Client) -> float:
    """Jobs a second: submitted in one call, all of them ended, replicated, and in success."""
    start = time.perf_counter()
    answers = luxi.call("SubmitManyJobs", [[[DELAY]] * JOBS])
    ids = [job_id for good, job_id in answers if good]
    for job_id in ids:
        daemons.wait_for_job(luxi, job_id)
    took = time.perf_counter() - start
    ends = luxi.call("QueryJobs", [ids, ["status"]])
    assert len(ids) == JOBS and all(row == ["success"] for row in ends)
    return JOBS / took


def with_instances(count: int) -> Callable[[objects.ConfigData], objects.ConfigData]:
    """Add instances with one disk and one interface each."""
    def add(config: objects.ConfigData) -> objects.ConfigData:
        nodes = list(config.nodes)
        puts: list[Any] = []
        for number in range(count):
            disk = objects.Disk(
                uuid=f"ffffffff-0000-4000-8000-{number:012d}", dev_type="sharedfile",
                logical_id=["loop", f"/srv/ganeti/shared-file-storage/i{number}/d0"], size=1024,
                nodes=[], iv_name="disk/0", serial_no=1)
            puts.append(disk)
            puts.append(objects.Instance(
                uuid=f"eeeeeeee-0000-4000-8000-{number:012d}", name=f"inst{number}.example.org",
                primary_node=nodes[number % len(nodes)], os="debian", hypervisor="fake",
                beparams={"maxmem": 512, "minmem": 512, "vcpus": 2}, admin_state="up",
                disks=[disk.uuid], disks_active=True, tags=["bench"],
                nics=[objects.Nic(uuid=f"nic{number}", nicparams={},
                                  mac=f"aa:00:{number >> 16:02x}:{number >> 8 & 255:02x}:"
                                      f"{number & 255:02x}:01")]))
        return config.with_changes(puts)
    return add


def _instance_list() -> Row:
    with daemons.Cluster(1, with_instances(1000)) as cluster:
        cluster.start()
        with cluster.client() as luxi:
            _settle(luxi)
            took = median_ms(
                lambda: luxi.call("Query", ["instance", STATIC_FIELDS, None]), 15, warm=3)
    return at_most("list of 1000 instances, static fields, through LUXI", took, "ms", 50)


def _commits() -> Iterator[Row]:
    directory = tempfile.mkdtemp(prefix="gntb", dir="/tmp")
    path = os.path.join(directory, "config.data")
    with daemons.Cluster(1) as cluster:
        config = with_instances(4000)(cluster.config)
    cfg = store.ConfigStore(config, path)
    cfg.start()
    size = len(config.encode())
    try:
        uuids = list(config.instances)
        counter = iter(range(10 ** 6))

        def commit(durable: bool) -> None:
            number = next(counter)
            with cfg.edit() as draft:
                draft.update(config.instances[uuids[number]], admin_state="down")
            if durable:
                cfg.wait_durable()

        flush = flush_ms(size)
        took = median_ms(lambda: commit(True), 30, warm=5)
        yield at_most("commit, 4000 instances, until it is on disk", took, "ms", 20, flush,
                      f"fsync of {size >> 10} KiB")
        yield at_most("commit, 4000 instances, until it is visible",
                      median_ms(lambda: commit(False), 30), "ms", 20)
    finally:
        cfg.stop()
        shutil.rmtree(directory)
