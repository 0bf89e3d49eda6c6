"""One cluster of three nodes for tests that leave it as they found it; a fresh one where not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from test.vcluster.fixture import VirtualCluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[VirtualCluster]:
    """Three nodes, shared by all tests of the session: remove what you add."""
    with VirtualCluster(3) as made:
        yield made


@pytest.fixture
def own_cluster() -> Iterator[VirtualCluster]:
    """Three nodes for one test that breaks things."""
    with VirtualCluster(3) as made:
        yield made


@pytest.fixture(scope="session")
def _battered() -> Iterator[VirtualCluster]:
    with VirtualCluster(3) as made:
        yield made


@pytest.fixture
def battered(_battered: VirtualCluster) -> Iterator[VirtualCluster]:
    """Three nodes, shared by tests that break things and mend them before they end."""
    yield _battered
    for node in _battered.layout.nodes:
        _battered.daemon_util(node.name, "start-all")
    _battered.run("gnt-cluster redist-conf")


@pytest.fixture
def instance(cluster: VirtualCluster) -> Iterator[str]:
    """A running instance of the fake hypervisor on node1, shared-file disk, no guest in it."""
    cluster.run("gnt-instance add -t sharedfile -s 16m -H fake -o demo-linux+default "
                "-n node1 --net 0:ip=192.0.2.1 --no-ip-check --no-name-check inst1")
    yield "inst1"
    for name in cluster.run("gnt-instance list --no-headers -o name").split():
        cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {name}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/vcluster/" in str(item.path):
            item.add_marker(pytest.mark.vcluster)
