"""The conformance suites of test/drivers, run on a machine of the lab with its real devices."""

from __future__ import annotations

import re
import shlex

from ganeti.tools.vcluster import layout
from test.drivers import results, storages, test_storage
from test.lab.vm.machine import CommandFailed, Machine

_OUTCOME = re.compile(
    r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL)\S* (?:\[\d+\] )?\S*::(\w+)", re.MULTILINE)


def run(node: Machine, files: str, kit: str, label: str = "") -> dict[str, str]:
    """Run suites for one kit on a node; test -> outcome. A test that fails is raised.

    `files` are names below test/drivers, `kit` is an expression as of pytest's -k. `label` is the
    kit's in the table of storage types, where its template has several kits.
    """
    paths = " ".join(f"test/drivers/{file}" for file in files.split())
    top = layout.checkout()
    result = node.try_run(
        f"cd {top} && python3=$(ls -d {top}/.venv/bin/python3 /opt/ganeti/env/bin/python3 "
        "2>/dev/null | head -1) && PYTHONDONTWRITEBYTECODE=1 $python3 -m pytest -q -rA --tb=short "
        "--noconftest -c /dev/null --rootdir=. -p no:cacheprovider --basetemp=/tmp/conformance "
        f"{paths} -k {shlex.quote(kit)}", timeout=900)
    outcomes = {test: outcome for outcome, test in _OUTCOME.findall(result.stdout)}
    labels = {found.template_name: found.label() for found in storages.KITS}
    _record(label or next((labels[word] for word in kit.split() if word in labels), None),
            outcomes)
    if result.returncode:
        raise CommandFailed(f"{node.name}: {files} for {kit}:\n{result.stdout}{result.stderr}")
    return outcomes


def _record(kind: str | None, outcomes: dict[str, str]) -> None:
    """Enter what was seen in the table of storage types at the end of the tests."""
    for test, outcome in outcomes.items():
        for mark in getattr(getattr(test_storage, test, None), "pytestmark", ()):
            if kind is not None and mark.name == "capability" and outcome != "SKIPPED":
                for capability in mark.args:
                    results.record(kind, capability,
                                   results.PASSED if outcome == "PASSED" else results.FAILED)
