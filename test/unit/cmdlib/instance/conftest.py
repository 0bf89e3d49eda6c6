"""A cluster in one process, whose nodes run the real node functions (see test.incluster)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ganeti import pathutils
from ganeti.cmdlib.instance import migration
from test.incluster import InCluster

ALLOCATOR = """#!/usr/bin/python3
import json, sys
request = json.load(open(sys.argv[1]))["request"]
move = {"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "inst1.example.org"}
answer = {"allocate": ["node3.example.org"],
          "multi-allocate": [[["inst1.example.org", ["node2.example.org"]]],
                             ["inst2.example.org"]],
          "relocate": ["node3.example.org"],
          "node-evacuate": [[["inst1.example.org", "default", ["node2.example.org"]]], [],
                            [[move]]],
          "change-group": [[], [["inst1.example.org", "no room"]], []]}[request["type"]]
print(json.dumps({"success": True, "info": "", "result": answer}))
"""


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Iterator[InCluster]:
    """Three nodes in one group, with the fake hypervisor and file storage."""
    monkeypatch.setattr(migration, "PATIENCE", 0.2)
    made = InCluster(str(tmp_path))
    yield made
    made.close()


@pytest.fixture
def allocator(cluster) -> str:
    """An iallocator on the master that always gives the same answers; its name."""
    with cluster.on(1):
        directory = pathutils.IALLOCATOR_SEARCH_PATH[0]
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "fixed")
    with open(path, "w", encoding="ascii") as fobj:
        fobj.write(ALLOCATOR)
    os.chmod(path, 0o755)
    return "fixed"
