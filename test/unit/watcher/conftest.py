"""A node in a temporary directory, and a master daemon's double at its socket."""

from __future__ import annotations

import os

import pytest

from ganeti import pathutils, ssconf
from test import luxidouble, noderoot


@pytest.fixture(autouse=True)
def node(tmp_path, monkeypatch):
    """Be on the master node, whose daemons are started by a script that only takes notes."""
    noderoot.move_node_to(str(tmp_path), monkeypatch)
    monkeypatch.setenv("GANETI_HOSTNAME", "node1")
    monkeypatch.setenv("GANETI_ROOTDIR", str(tmp_path))
    (tmp_path / "etc").mkdir(exist_ok=True)
    (tmp_path / "etc/hosts").write_text("127.0.77.1 node1\n")
    util = tmp_path / "daemon-util"
    util.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/started\n'
                    f'test ! -e {tmp_path}/broken || {{ echo no luck; exit 1; }}\n')
    util.chmod(0o755)
    monkeypatch.setattr(pathutils, "DAEMON_UTIL", str(util))
    ssconf.SimpleStore().write({"master_node": "node1", "cluster_name": "cluster",
                                "hypervisor_list": "fake"})
    return tmp_path


@pytest.fixture
def served():
    os.makedirs(pathutils.SOCKET_DIR)
    served = luxidouble.Served(pathutils.QUERY_SOCKET)
    yield served
    served.close()


@pytest.fixture
def master(served):
    return served.master
