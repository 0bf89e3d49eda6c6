"""Masters in this process, whose nodes answer from a script (see test.masterside)."""

from __future__ import annotations

import pytest

from test import masterside, noderoot


@pytest.fixture
def node_root(tmp_path, monkeypatch):
    """This process as a node of its own in a temporary directory."""
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    return tmp_path


@pytest.fixture
def start_master(node_root):
    """Starts masters for given configurations."""
    started: list[masterside.Master] = []

    def start(config=None, **values) -> masterside.Master:
        config = masterside.make_config(**values) if config is None else config
        started.append(masterside.Master(config, str(node_root / "var/lib/ganeti/config.data")))
        return started[-1]

    yield start
    for master in started:
        master.stop()


@pytest.fixture
def master(start_master):
    """A master of three nodes."""
    return start_master()
