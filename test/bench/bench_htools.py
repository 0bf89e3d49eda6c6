"""The balancing programs as whole commands on generated clusters, and side by side with Debian's
compiled ones where those are installed (HTOOLS_REFERENCE names the `htools` binary).
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from ganeti.htools import hail
from ganeti.htools.load import iallocator, text
from test.bench import clusters
from test.bench.rows import Row, at_most
from test.unit.htools import documents

REFERENCE = os.environ.get("HTOOLS_REFERENCE", "/usr/bin/htools")


def _command(program: str, *arguments: str) -> tuple[float, int]:
    """Seconds and peak memory (MiB) of a whole command."""
    code = f"import sys;from ganeti.htools.prog.{program} import main;sys.exit(main())"
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *arguments],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{program} {arguments} ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss // 1024


def _reference(program: str, *arguments: str) -> float | None:
    """Seconds of the compiled program, if it is here."""
    if not os.access(REFERENCE, os.X_OK):
        return None
    start = time.perf_counter()
    subprocess.run([REFERENCE, *arguments], env={**os.environ, "HTOOLS": program},
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def _row(name: str, limit: float, program: str, *arguments: str, beside: bool = False) -> Row:
    taken, _memory = _command(program, *arguments)
    reference = _reference(program, *arguments) if beside else None
    return at_most(name, taken, "s", limit, reference, "the compiled one")


def rows() -> Iterator[Row]:
    """All rows, small clusters first."""
    with tempfile.TemporaryDirectory() as directory:
        files = {}
        for count in (4, 40, 80, 200, 1000):
            files[count] = os.path.join(directory, f"{count}.txt")
            pathlib.Path(files[count]).write_text(text.dump(clusters.realistic(count)))
        yield from _start(files)
        yield from _balancing(files)
        yield from _placing(files[200], directory)
        for program in ("hroller", "hinfo"):
            yield _row(f"{program}, 200 nodes", 1.0, program, "-t", files[200])
        yield _row("hcheck --no-simulation, 200 nodes", 1.0, "hcheck", "-t", files[200],
                   "--no-simulation")


def _start(files: dict[int, str]) -> Iterator[Row]:
    yield _row("hbal --version", 0.06, "hbal", "--version")
    yield _row("hinfo, 4 nodes", 0.25, "hinfo", "-t", files[4], beside=True)


def _balancing(files: dict[int, str]) -> Iterator[Row]:
    yield _row("hbal, one round, 40 nodes", 0.5, "hbal", "-t", files[40], "-l", "1", beside=True)
    yield _row("hbal to convergence, 40 nodes", 2, "hbal", "-t", files[40])
    yield _row("hbal to convergence, 80 nodes", 8, "hbal", "-t", files[80])
    yield _row("hbal to convergence, 200 nodes", 60, "hbal", "-t", files[200])
    taken, memory = _command("hbal", "-t", files[1000], "-l", "1")
    yield at_most("hbal, one round, 1000 nodes", taken, "s", 10)
    yield at_most("memory of that", memory, "MB", 500)


def _placing(file: str, directory: str) -> Iterator[Row]:
    cluster = text.load(file)
    document = documents.document(cluster)
    one = {**document, "request": documents.allocate()}
    path = pathlib.Path(directory) / "request"
    path.write_text(json.dumps(one))
    yield _row("hail allocate, 200 nodes", 0.6, "hail", str(path))
    hail.answer(one, hail.Settings())
    start = time.perf_counter()
    hail.answer(one, hail.Settings())
    yield at_most("hail allocate in-process, 200 nodes", (time.perf_counter() - start) * 1000,
                  "ms", 100)
    path.write_text(json.dumps({**document, "request": {"type": "multi-allocate", "instances": [
        documents.allocate(name=f"new{number}") for number in range(20)]}}))
    assert iallocator.load(str(path))
    yield _row("hail multi-allocate of 20, 200 nodes", 3, "hail", str(path))
    yield _row("hspace -l 20, 200 nodes", 5, "hspace", "-t", file, "-l", "20",
               "--disk-template", "drbd")
