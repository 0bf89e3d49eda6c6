"""A cluster comes into being on a virtual node with real daemons, ends, and fails to be born."""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import pytest

from ganeti.tools.vcluster import layout, nodes

PROGRAM = """
import sys
from ganeti import errors
from ganeti.luxi import client
from ganeti import opcodes
from ganeti.masterd import bootstrap

def init():
    bootstrap.init_cluster(bootstrap.Wishes(sys.argv[2], settings={
        "enabled_hypervisors": ["fake"], "enabled_disk_templates": ["diskless", "file"],
        "master_netdev": "lo"}), print)

def destroy():
    with client.Client() as luxi:
        job = luxi.submit_job([opcodes.OpClusterDestroy()])
        row = None
        while not row or row[0] not in ("success", "error"):
            row, _log = luxi.wait_for_job_change_once(job, ["status", "opresult"], row, None)
        assert row[0] == "success", row
    bootstrap.finish_destroy(print)

try:
    globals()[sys.argv[1]]()
except errors.GenericError as err:
    print(errors.text(err), file=sys.stderr)
    sys.exit(1)
"""


@pytest.fixture
def machine():
    root = pathlib.Path(tempfile.mkdtemp(prefix="gboot"))
    prefix = f"127.{random.randint(121, 180)}.{random.randint(1, 250)}"  # noqa: S311
    cluster = layout.create(root, 1, prefix, netns=False)
    node = cluster.nodes[0]
    yield cluster, node
    for pid in nodes.processes(node):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(root)


def run(machine, action):
    cluster, node = machine
    env = {**os.environ, **cluster.environment(node), "PYTHONPATH": str(layout.checkout())}
    return subprocess.run([sys.executable, "-c", PROGRAM, action, cluster.name], env=env,
                          text=True, capture_output=True, check=False, timeout=100)


def files(machine):
    top = pathlib.Path(machine[1].root) / "var/lib/ganeti"
    return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())


def test_birth_and_end(machine):
    born = run(machine, "init")
    assert born.returncode == 0, born.stderr
    top = pathlib.Path(machine[1].root) / "var/lib/ganeti"
    for name in ("server.pem", "client.pem", "hmac.key", "cluster-domain-secret", "rapi.pem",
                 "config.data"):
        assert (top / name).stat().st_mode & 0o007 == 0, f"{name} may be read by everyone"
    again = run(machine, "init")
    assert again.returncode == 1
    assert "is part of a cluster already" in again.stderr
    gone = run(machine, "destroy")
    assert gone.returncode == 0, gone.stderr
    assert [name for name in files(machine) if not name.endswith(".lock")] == []
    assert nodes.processes(machine[1]) == {}


def test_a_birth_that_fails_leaves_nothing_behind(machine):
    root = pathlib.Path(machine[1].root)
    authorized = (root / "root/.ssh/authorized_keys").read_text()
    hosts = (root / "etc/hosts").read_text()
    with socket.create_server((machine[1].address, 1811)):
        failed = run(machine, "init")
    assert failed.returncode == 1
    assert "Cannot listen" in failed.stderr
    assert [name for name in files(machine) if not name.endswith(".lock")] == []
    assert (root / "root/.ssh/authorized_keys").read_text() == authorized
    assert (root / "etc/hosts").read_text() == hosts
    assert nodes.processes(machine[1]) == {}
    assert run(machine, "init").returncode == 0
