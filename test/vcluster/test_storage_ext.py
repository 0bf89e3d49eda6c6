"""External storage: the documentation's provider in shell, with real guests on two nodes."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Iterator

import pytest

from test.drivers import results
from test.drivers.devicekits import PROVIDER, loops_on, why_no_fuse, why_no_loops
from test.vcluster import storylines
from test.vcluster.fixture import VirtualCluster

WHY_NOT = why_no_loops() or why_no_fuse() or (
    None if shutil.which("qemu-system-x86_64") else "qemu-system-x86_64 is not installed")
pytestmark = [pytest.mark.qemu, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "")]
NAME = "shared-files"


@pytest.fixture(scope="module")
def cluster() -> Iterator[VirtualCluster]:
    """Two nodes that have the provider."""
    with VirtualCluster(2) as made:
        made.run("gnt-cluster modify --enabled-disk-templates=ext,sharedfile,blockdev,diskless"
                 " --ipolicy-disk-templates=ext,sharedfile,blockdev,diskless")
        for node in ("node1", "node2"):
            shutil.copytree(PROVIDER, made.path(node, f"/srv/ganeti/extstorage/{NAME}"))
        yield made


@pytest.fixture
def volumes(cluster: VirtualCluster, tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """The directory of the volumes, common to both nodes; nothing is left in it."""
    directory = tmp_path / "volumes"
    yield directory
    assert list(directory.glob("*")) == []
    assert loops_on(directory) == []


def script_calls(cluster: VirtualCluster) -> set[str]:
    """Actions of the provider of which a node has a log."""
    return {path.name.partition("-")[0] for node in ("node1", "node2")
            for path in cluster.path(node, "/var/log/ganeti/extstorage").glob("*.log")}


def test_diagnosis(cluster: VirtualCluster) -> None:
    told = cluster.run("gnt-storage diagnose")
    assert f"Provider: {NAME}" in told
    assert told.count("status: OK") == 2
    told = cluster.run(f"gnt-storage info {NAME}")
    assert "directory: Directory on shared storage that holds the volumes" in told
    script = cluster.path("node2", f"/srv/ganeti/extstorage/{NAME}/grow")
    script.chmod(0o644)
    try:
        result = cluster.try_run("gnt-storage diagnose")
        assert result.returncode == 1
        assert "grow is not an executable file" in result.stdout
    finally:
        script.chmod(0o755)


@pytest.mark.parametrize("access", ["kernelspace", "userspace"])
def test_the_life_of_a_guest(cluster: VirtualCluster, volumes: pathlib.Path, access: str) -> None:
    kind = "ext (shell provider, loop devices)" if access == "kernelspace" \
        else "ext (shell provider, by address)"
    guest = storylines.create(
        cluster, kind, f"size=4m,provider={NAME},directory={volumes},class=fast,access={access},"
        "name=system", "ext")
    (owner,) = volumes.glob("*.owner")
    assert owner.read_text() == "originstname+guest1\n"
    (volume,) = volumes.glob("*.ext.disk0")
    assert bool(loops_on(volumes)) is (access == "kernelspace")
    storylines.migrate(cluster, kind, guest, "node2")
    storylines.grow(cluster, kind, guest)
    assert volume.stat().st_size == 8 * 1024 * 1024
    storylines.fail_over(cluster, kind, guest, "node1")
    assert "shared-files" in cluster.run("gnt-instance info guest1")
    assert script_calls(cluster) >= {"create", "remove", "grow", "detach", "setinfo", "verify",
                                     "open", "close"} - {"remove"}
    storylines.remove(cluster, kind, guest)
    assert "remove" in script_calls(cluster)


def test_what_does_not_fit_is_refused_before_anything_is_made(
        cluster: VirtualCluster, volumes: pathlib.Path) -> None:
    add = f"gnt-instance add -t ext {storylines.SMALL} --no-start -n node1"
    for disk, text in [
            ("size=4m", "needs provider=NAME"),
            ("size=4m,provider=none", "no storage provider 'none'"),
            (f"size=4m,provider={NAME},directory={volumes},clas=fast", "no parameter clas"),
            (f"size=4m,provider={NAME},directory={volumes},class=slow", "class 'slow' is unknown"),
            ("size=4m,provider=shared-files,directory=relative", "has to be an absolute path")]:
        result = cluster.try_run(f"{add} --disk 0:{disk} guest2")
        assert result.returncode == 1
        assert text in result.stderr
        assert "Traceback" not in result.stderr
    assert cluster.run("gnt-instance list --no-headers -o name").split() == []


def test_conversion_recreation_and_the_refusal_of_mirrors(
        cluster: VirtualCluster, volumes: pathlib.Path) -> None:
    cluster.run(f"gnt-instance add -t sharedfile --disk 0:size=4m {storylines.SMALL} --no-start"
                " -n node1 guest3")
    try:
        refused = cluster.try_run("gnt-instance modify -t ext guest3")
        assert "--ext-params provider=NAME" in refused.stderr
        cluster.run(f"gnt-instance modify -t ext --ext-params provider={NAME},directory={volumes}"
                    " guest3")
        (volume,) = volumes.glob("*.ext.disk0")
        assert volume.read_bytes()[510:512] == b"\x55\xaa", "the boot sector was copied"
        refused = cluster.try_run("gnt-instance replace-disks -p guest3")
        assert "no mirrors that could be replaced" in refused.stderr
        assert loops_on(volumes) == [], "a stopped instance holds nothing"
        volume.unlink()
        told = cluster.try_run("gnt-instance activate-disks guest3")
        assert "there is no volume" in told.stderr
        cluster.run("gnt-instance recreate-disks guest3")
        assert volume.read_bytes() == bytes(4 * 1024 * 1024)
        assert loops_on(volumes) == []
        cluster.run("gnt-instance modify -t sharedfile guest3")
        assert list(volumes.glob("*")) == []
    finally:
        cluster.run("gnt-instance remove -f guest3")
    results.record("ext (shell provider, loop devices)", "convert")
