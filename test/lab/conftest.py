"""The test machines as fixtures: one lab at a time, kept for all tests of its kind in a row."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from test.lab.vm.lab import Lab, why_not
from test.lab.vm.machine import Kind

#: Fixture that brings a lab -> what its machines are like. Tests are run in this order.
KINDS = {"bare_machine": Kind(), "vm_cluster": Kind(), "three_nodes": Kind(),
         "xen_hosts": Kind(memory=1152, xen=True)}
#: Seconds for one test, which may have to wait until the machines' image is built.
TIMEOUT = 1200


class Labs:
    """The lab that is up now; asking for another kind ends it."""

    def __init__(self) -> None:
        self._lab: Lab | None = None

    def get(self, kind: Kind, count: int = 2, formed: bool = True) -> Lab:
        if self._lab is not None and (self._lab.kind, self._lab.count) == (kind, count):
            self._lab.mend()
            return self._lab
        self.end()
        lab = Lab(kind=kind, count=count)
        self._lab = lab
        lab.up()
        if formed and not kind.xen:
            lab.form()
        return lab

    def end(self) -> None:
        if self._lab is not None:
            self._lab.down()
            self._lab = None


@pytest.fixture(scope="package")
def labs() -> Iterator[Labs]:
    """Whatever lab its tests ask for; gone after the last of them."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    found = Labs()
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield found
    finally:
        signal.signal(signal.SIGTERM, before)
        found.end()


def _interrupt(_number: int, _frame: object) -> None:
    """Who ends the tests wants their machines to end as well."""
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def bare_machine(labs: Labs) -> Lab:
    """The machine node1 alone, and no cluster: it becomes one by itself."""
    return labs.get(KINDS["bare_machine"], 1, formed=False)


@pytest.fixture(scope="module")
def vm_cluster(labs: Labs) -> Lab:
    """Two machines node1 and node2 in a cluster, their master on this machine.

    All modules share it: remove what you add, and mend what you break.
    """
    return labs.get(KINDS["vm_cluster"])


@pytest.fixture(scope="module")
def three_nodes(labs: Labs) -> Lab:
    """The same with a third machine node3, for what moves from one to another."""
    return labs.get(KINDS["three_nodes"], 3)


@pytest.fixture(scope="module")
def xen_hosts(labs: Labs) -> Lab:
    """Two machines that are Xen hosts, and no cluster: that takes an emulated dom0 minutes."""
    return labs.get(KINDS["xen_hosts"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with machines come last and kind by kind, so that each lab is started once."""
    places = [place for place, item in enumerate(items) if "/test/lab/" in str(item.path)]
    ordered = sorted((items[place] for place in places), key=_rank)
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
        if _rank(item):
            item.add_marker(pytest.mark.vm)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TIMEOUT))


def _rank(item: pytest.Item) -> int:
    wanted = getattr(item, "fixturenames", ())
    return next((rank for rank, name in enumerate(KINDS, 1) if name in wanted), 0)
