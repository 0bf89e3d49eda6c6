"""The units that move a running guest, with the Xen driver and a stand-in of `xl` under them."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator

import pytest

from ganeti import errors
from test import incluster

NAME = "inst1.example.org"
PROGRAMS = pathlib.Path(__file__).parents[3] / "drivers/xen"
RECORDED = pathlib.Path(__file__).parents[2] / "hypervisor/xen/recorded"


class XenCluster(incluster.InCluster):
    """Two nodes, each with its own stand-in of Xen."""

    def __init__(self, directory: str) -> None:
        super().__init__(directory, 2, enabled_hypervisors=["xen-pvm"])
        self._on = self.nodes.on
        self.nodes.on = self._with_xen  # type: ignore[method-assign]

    @contextlib.contextmanager
    def _with_xen(self, address: str) -> Iterator[None]:
        with self._on(address), pytest.MonkeyPatch.context() as monkeypatch:
            home = self.xen(int(address[-1]))
            home.mkdir(exist_ok=True)
            monkeypatch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")
            monkeypatch.setenv("XL_STAND_IN", str(home))
            yield

    def xen(self, number: int) -> pathlib.Path:
        return pathlib.Path(self.nodes.roots[self.address(number)], "xl")

    def domains(self, number: int) -> list[tuple[str, str]]:
        """Names and flags."""
        files = (self.xen(number) / "domains").glob("*")
        found = [json.loads(path.read_text()) for path in files]
        return [(domain["name"], domain["flags"]) for domain in found]

    def fail(self, number: int, command: str, text: str) -> None:
        marker = self.xen(number) / "fail" / command
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(text)

    def mend(self) -> None:
        for number in (1, 2):
            for marker in (self.xen(number) / "fail").glob("*"):
                marker.unlink()

    def migrate(self, **params: object) -> None:
        self.run("INSTANCE_MIGRATE", instance_name=NAME, **params)

    def home(self) -> str:
        return self.config.nodes[self.instance(NAME).primary_node].name

    def configured(self, number: int) -> bool:
        return os.path.exists(f"{self.nodes.roots[self.address(number)]}/etc/xen/{NAME}")


@pytest.fixture
def cluster(tmp_path):
    made = XenCluster(str(tmp_path))
    made.add(hypervisor="xen-pvm", hvparams={"kernel_path": "/bin/sh"}, ignore_ipolicy=True,
             beparams={"memory": 128}, nics=[])
    yield made
    made.close()


MOVE = {"target_node": "node2.example.org"}
RUNS, WAITS = [(NAME, "-b----")], [(NAME, "--p---")]


@pytest.mark.parametrize("mode", ["live", "non-live"])
def test_a_guest_moves(cluster, mode):
    cluster.migrate(mode=mode, **MOVE)
    assert (cluster.domains(1), cluster.domains(2)) == ([], RUNS)
    assert cluster.home() == "node2.example.org"
    assert (cluster.configured(1), cluster.configured(2)) == (False, True)


@pytest.mark.parametrize("mode", ["live", "non-live"])
def test_a_failure_says_why_and_leaves_everything_as_it_was(cluster, mode):
    text = (RECORDED / "migrate-no-logdirty.err").read_text()
    cluster.fail(1, "migrate", text)
    cluster.fail(2, "restore", text)
    with pytest.raises(errors.OpExecError, match=r"Failed to enable logdirty.*stays on node node1"):
        cluster.migrate(mode=mode, **MOVE)
    assert (cluster.domains(1), cluster.domains(2)) == (RUNS, [])
    assert cluster.home() == "node1.example.org"
    assert (cluster.configured(1), cluster.configured(2)) == (True, False)
    cluster.mend()
    cluster.migrate(mode=mode, **MOVE)
    assert cluster.home() == "node2.example.org"


def test_a_target_that_is_not_told_of_the_end_is_put_right_by_cleanup(cluster):
    cluster.nodes.failures["192.0.2.2", "instance_finalize_migration_dst"] = "cable cut"
    with pytest.raises(errors.OpExecError, match="--cleanup"):
        cluster.migrate(mode="non-live", **MOVE)
    assert (cluster.domains(1), cluster.domains(2)) == ([], WAITS)
    assert cluster.home() == "node2.example.org"
    cluster.nodes.failures.clear()
    cluster.migrate(cleanup=True)
    assert cluster.domains(2) == RUNS
    assert cluster.home() == "node2.example.org"


def test_the_guest_on_both_sides_is_settled_by_its_sender(cluster):
    """The master dies between the guest's arrival and the word of it."""
    cluster.nodes.failures["192.0.2.1", "instance_get_migration_status"] = "no route"
    cluster.nodes.failures["192.0.2.1", "instance_finalize_migration_src"] = "no route"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("ganeti.cmdlib.instance.migration.PATIENCE", 3.0)
        with pytest.raises(errors.OpExecError, match="--cleanup"):
            cluster.migrate(mode="non-live", **MOVE)
    assert (cluster.domains(1), cluster.domains(2)) == (WAITS, WAITS)
    assert cluster.home() == "node1.example.org"
    cluster.nodes.failures.clear()
    cluster.migrate(cleanup=True)
    assert (cluster.domains(1), cluster.domains(2)) == ([], RUNS)
    assert cluster.home() == "node2.example.org"


def test_an_instance_is_renamed_with_its_configuration(cluster):
    cluster.run("INSTANCE_SHUTDOWN", instance_name=NAME, timeout=5)
    assert not cluster.configured(1)
    cluster.run("INSTANCE_RENAME", instance_name=NAME, new_name="other.example.org",
                name_check=False, ip_check=False)
    cluster.run("INSTANCE_STARTUP", instance_name="other.example.org")
    assert cluster.domains(1) == [("other.example.org", "-b----")]
    assert not cluster.configured(1)


def test_memory_and_parameters_of_a_running_guest(cluster):
    cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, runtime_mem=128)
    cluster.run("INSTANCE_SHUTDOWN", instance_name=NAME, timeout=5)
    cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, hvparams={"cpu_weight": 300})
    cluster.run("INSTANCE_STARTUP", instance_name=NAME, startup_paused=True)
    root = cluster.nodes.roots[cluster.address(1)]
    assert "cpu_weight = 300\n" in pathlib.Path(root, "etc/xen", NAME).read_text()
    assert cluster.domains(1) == WAITS
    with pytest.raises(errors.OpPrereqError, match="no processor 9"):
        cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, hvparams={"cpu_mask": "9"})


@pytest.mark.parametrize("params", [
    {"hvparams": {"cpu_mask": "0:0:0"}},
    {"hvparams": {"cpu_mask": "0:0"}, "beparams": {"vcpus": 3}}])
def test_masks_that_do_not_fit_the_processors_are_refused_before_a_start(cluster, params):
    for operation in ("SET_PARAMS", "STARTUP"):
        with pytest.raises(errors.OpPrereqError, match="is for [23] virtual processors, the bac"):
            cluster.run(f"INSTANCE_{operation}", instance_name=NAME, **params)
    assert cluster.instance(NAME).hvparams == {"kernel_path": "/bin/sh"}
    with pytest.raises(errors.OpPrereqError, match="is for [23] virtual processors, the bac"):
        cluster.add("inst2.example.org", hypervisor="xen-pvm", ignore_ipolicy=True, nics=[],
                    beparams={"memory": 128, **params.get("beparams", {})},
                    hvparams={"kernel_path": "/bin/sh", **params["hvparams"]})


def test_fewer_processors_than_its_masks_are_refused(cluster):
    cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, beparams={"vcpus": 2},
                hvparams={"cpu_mask": "0:all"})
    with pytest.raises(errors.OpPrereqError, match="for 2 virtual processors.* 'vcpus' is 1"):
        cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, beparams={"vcpus": 1})
    cluster.run("INSTANCE_SET_PARAMS", instance_name=NAME, beparams={"vcpus": 1},
                hvparams={"cpu_mask": "default"})
    assert cluster.config.filled_beparams(cluster.instance(NAME))["vcpus"] == 1
