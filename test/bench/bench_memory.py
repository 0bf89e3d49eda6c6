"""Memory of an idle master: all its daemons together, proportional set size."""

from __future__ import annotations

import pathlib

from test.bench.rows import Row, at_most
from test.vcluster.fixture import VirtualCluster


def _pss_mib(pid: int) -> float:
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def rows() -> list[Row]:
    with VirtualCluster(1) as cluster:
        total = sum(_pss_mib(pid) for pid in cluster.daemon_pids("node1").values())
    return [at_most("memory of an idle master, all daemons", total, "MiB", 200)]
