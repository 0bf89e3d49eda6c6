"""The commands against a master daemon's double at a real socket."""

from __future__ import annotations

import importlib
import shlex
from typing import Any

import pytest

from ganeti.luxi import protocol
from test import luxidouble, noderoot


class Outcome:
    """How a command ended, and what it wrote."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def __repr__(self) -> str:
        return f"exit {self.status}\n{self.out}\n{self.err}"


@pytest.fixture
def master(tmp_path, monkeypatch):
    """A master whose jobs succeed at once with the result `results[0]`, `results[1]`, …"""
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    monkeypatch.setenv("FORCE_LUXI_SOCKET", str(tmp_path / "luxi"))
    monkeypatch.setenv("TZ", "UTC")
    served = luxidouble.Served(str(tmp_path / "luxi"))
    double = served.master
    double.results = [None]
    double.log = []
    ids = iter(range(1, 1000))
    double.answers = {
        protocol.REQ_SUBMIT_JOB: lambda ops: next(ids),
        protocol.REQ_SUBMIT_MANY_JOBS: lambda jobs: [[True, next(ids)] for _job in jobs],
        protocol.REQ_WAIT_FOR_JOB_CHANGE: lambda *args: [["success"], double.log],
        protocol.REQ_QUERY_JOBS: lambda job_ids, fields: [
            ["success", ["success"], [_result(double.results, job_ids[0])]]],
    }
    yield double
    served.close()


def _result(results: list[Any], job_id: int) -> Any:
    return results[min(job_id, len(results)) - 1]


@pytest.fixture
def run(master, capsys):
    """Run a command line."""
    def run(line: str) -> Outcome:
        tool, *words = shlex.split(line)
        module = importlib.import_module(f"ganeti.client.{tool.replace('-', '_')}")
        capsys.readouterr()
        status = module.main(words)
        return Outcome(status, *capsys.readouterr())
    return run
