"""Start of the commands, against the bare interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from test.bench.rows import Row, at_most, median_ms
from test.vcluster.fixture import VirtualCluster

REPEAT = 15


def _program(argv: list[str], **kwargs: object) -> Callable[[], object]:
    return lambda: subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, **kwargs)  # type: ignore[call-overload]


def rows() -> list[Row]:
    bare = median_ms(_program([sys.executable, "-c", "import json, socket, argparse"]), REPEAT)
    limit = 3 * bare + 40
    found = []
    with VirtualCluster(1) as cluster:
        for line in ("gnt-job list", "gnt-instance list", "gnt-cluster getmaster"):
            argv, environment = cluster.command("node1", line)
            took = median_ms(_program(argv, env=environment), REPEAT)
            found.append(at_most(f"start of '{line}'", took, "ms", round(limit), bare,
                                 "bare interpreter"))
    return found
