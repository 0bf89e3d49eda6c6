"""A hypervisor and a storage type of installed packages, in a cluster; and without them."""

from __future__ import annotations

import pathlib
import shlex
from collections.abc import Iterator

import pytest

from ganeti.rapi import client
from ganeti.tools.vcluster import main
from test import packages
from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

NEW = "-o demo-linux+default --no-ip-check --no-name-check"
WORDS = "/srv/ganeti/shared-file-storage/slab"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where pip would have installed the two packages of the documentation."""
    found = tmp_path_factory.mktemp("site")
    for name in ("hypervisor-package", "storage-package"):
        packages.install(found, packages.EXAMPLES / name)
    return found


@pytest.fixture(scope="module")
def own(site: pathlib.Path) -> Iterator[VirtualCluster]:
    """Two nodes of a cluster that was made with the packages' types and has no other driver."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(site))
        with VirtualCluster(2, formed=False) as made:
            words = [word for word in main.init_command(made.layout)
                     if not word.startswith(("-Hkvm", "--enabled-"))]
            words[2:2] = ["--enabled-hypervisors=program,fake", "-Hprogram:seconds=5000",
                          "--enabled-disk-templates=slab,sharedfile,diskless",
                          f"-Dslab:directory={WORDS}"]
            made.run(shlex.join(words))
            made.run("gnt-node add --no-ssh-key-check node2")
            restart(made)  # the second one's daemon was started by SSH, which hands nothing on
            yield made


def restart(cluster: VirtualCluster) -> None:
    """Every node's daemons with what is installed now; node1 comes last, for it needs votes."""
    for name in ("node2", "node1"):
        cluster.daemon_util(name, "stop-all")
        cluster.daemon_util(name, "start-all")


def refused(cluster: VirtualCluster, line: str) -> str:
    result = cluster.try_run(line)
    assert result.returncode, f"{line} was taken"
    assert "Traceback" not in result.stderr
    assert "fault in the program" not in result.stderr
    return result.stdout + result.stderr


def images(cluster: VirtualCluster) -> list[pathlib.Path]:
    return sorted(cluster.path("node1", WORDS).iterdir())


def shown(cluster: VirtualCluster, fields: str) -> list[str]:
    return cluster.run(f"gnt-instance list --no-headers --separator=, -o {fields}").split()


def test_the_life_of_an_instance(own: VirtualCluster) -> None:
    own.run(f"gnt-instance add {NEW} -t slab -s 16m -I hail --net 0:ip=192.0.2.1"
            " -H program:seconds=4000 first")
    assert shown(own, "name,hypervisor,disk_template,status,hv/seconds,hv/program,disk.sizes") == [
        "first,program,slab,running,4000,/bin/sleep,16"]
    (image,) = images(own)
    assert image.stat().st_size == 16 << 20
    own.run("gnt-instance modify -H seconds=3000 first")
    for line in ("shutdown", "startup", "reboot -t hard"):
        own.run(f"gnt-instance {line} first")
    assert shown(own, "status,hv/seconds") == ["running,3000"]
    own.run("gnt-instance grow-disk first 0 8m")
    assert image.stat().st_size == 24 << 20
    (before,) = shown(own, "pnode")
    own.run("gnt-instance failover -f first")  # hail knows that every other node will do
    assert shown(own, "pnode,status") == [
        f"{'node2' if before == 'node1' else 'node1'},running"]
    assert "seconds: 3000" in own.run("gnt-instance info first")
    own.run("gnt-cluster verify")
    own.run("gnt-instance remove -f first")
    assert images(own) == []


def test_parameters_are_those_of_the_packages(own: VirtualCluster) -> None:
    assert "seconds: 5000" in own.run("gnt-cluster info")
    own.run("gnt-cluster modify -D slab:reserve=yes -H program:seconds=6000")
    with own.luxi() as client:
        known = client.query_cluster_info()
    assert known["hvparams"]["program"] == {"program": "/bin/sleep", "seconds": 6000}
    assert known["diskparams"]["slab"] == {"directory": WORDS, "reserve": True}
    assert "ssconf_hvparams_program" in [
        path.name for path in own.path("node2", "/var/lib/ganeti").iterdir()]
    assert "slab has no parameter 'nope' (known: directory, reserve)" in refused(
        own, "gnt-cluster modify -D slab:nope=1")
    assert "seconds: expected an integer" in refused(
        own, "gnt-cluster modify -H program:seconds=x")
    assert "program: no file /no/such" in refused(
        own, "gnt-cluster modify -H program:program=/no/such")
    assert "hv/seconds" in own.run("gnt-instance list-fields")
    assert "slab" in own.run("gnt-instance add --help")


def test_the_remote_interface_takes_them(own: VirtualCluster) -> None:
    users = own.path("node1", "/var/lib/ganeti/rapi/users")
    users.write_text("operator {CLEARTEXT}secret write,read\n")
    with client.Client(own.address("node1"), username="operator", password="secret",
                       context=client.insecure_context()) as rapi:
        wait_until(lambda: allowed(rapi), "the daemon has read its users")
        info = rapi.info()
        assert set(info["hvparams"]["program"]) == {"program", "seconds"}
        assert info["enabled_disk_templates"][0] == "slab"
        rapi.wait(rapi.create_instance(
            "remote", disk_template="slab", hypervisor="program", hvparams={"seconds": 50},
            disks=[{"size": 4}], nics=[], pnode="node2", os_type="demo-linux+default",
            mode="create", name_check=False, ip_check=False))
        assert rapi.instance("remote")["hvparams"]["seconds"] == 50
        with pytest.raises(client.JobFailed, match="seconds: expected an integer"):
            rapi.wait(rapi.modify_instance("remote", hvparams={"seconds": "many"}))
        rapi.wait(rapi.remove_instance("remote"))
    users.unlink()


def allowed(rapi: client.Client) -> bool:
    try:
        rapi.info()
    except client.ApiError as err:
        assert err.code == 401
        return False
    return True


def test_the_balancer_moves_it(own: VirtualCluster) -> None:
    for number in range(2):
        own.run(f"gnt-instance add {NEW} -t slab -s 4m -n node1 --net 0:ip=192.0.2.{number + 5}"
                f" -B memory=512 moved{number}")
    plan = own.run("hbal -L -C -p")
    assert "gnt-instance migrate -f -n node2 moved" in plan, plan
    for number in range(2):
        own.run(f"gnt-instance remove -f --shutdown-timeout=0 moved{number}")


def test_without_the_packages_the_cluster_can_be_mended(
        own: VirtualCluster, site: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.run(f"gnt-instance add {NEW} -t slab -s 16m -n node1 --net 0:ip=192.0.2.1 lost")
    (site / "ganeti_slab.py").write_text("import a_library_that_was_removed\n")
    monkeypatch.delenv("PYTHONPATH")
    restart(own)
    assert shown(own, "name,hypervisor,disk_template,disk.sizes") == ["lost,program,slab,16"]
    assert "program" in own.run("gnt-cluster info")
    assert "actual state is unknown" in own.run("gnt-instance info lost")
    said = refused(own, "gnt-cluster verify")
    assert "unknown hypervisor 'program' is enabled: no installed package brings" in said
    assert "unknown disk template 'slab' is enabled: no installed package brings" in said
    assert "instance lost: unknown hypervisor 'program'" in said
    assert "disk/0 of instance lost: unknown disk template 'slab'" in said
    for line in ("startup lost", "modify -B maxmem=200 lost", "activate-disks lost"):
        assert "no installed package" in refused(own, f"gnt-instance {line}")
    assert "no hypervisor parameter 'seconds'" in refused(
        own, "gnt-instance modify -H seconds=5 lost")
    refused(own, "gnt-cluster modify --enabled-hypervisors=fake")

    own.run("gnt-instance remove -f --ignore-failures --shutdown-timeout=0 lost")
    own.run("gnt-cluster modify --enabled-hypervisors=fake --enabled-disk-templates=sharedfile,"
            "diskless --ipolicy-disk-templates=sharedfile,diskless")
    own.run("gnt-cluster verify")
    own.run(f"gnt-instance add {NEW} -t sharedfile -s 4m -I hail --net 0:ip=192.0.2.9 other")
    own.run("gnt-instance remove -f --shutdown-timeout=0 other")


def test_a_broken_package_is_named_in_the_logs(
        own: VirtualCluster, site: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "ganeti_slab.py").write_text("import a_library_that_was_removed\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    restart(own)
    for node, daemon in (("node1", "master"), ("node1", "node"), ("node2", "node")):
        log = own.path(node, f"/var/log/ganeti/{daemon}-daemon.log").read_text()
        assert "disk template 'slab' of package ganeti-slab 1.0 can not be used:" in log
        assert "No module named 'a_library_that_was_removed'" in log
    assert "package ganeti-slab 1.0 can not be used" in refused(
        own, "gnt-cluster modify --enabled-disk-templates=slab")
    own.run("gnt-cluster modify --enabled-hypervisors=program,fake")
    own.run(f"gnt-instance add {NEW} -t diskless -n node1 --no-install --no-nics alone")
    own.run("gnt-instance startup alone")
    assert shown(own, "hypervisor,status") == ["program,running"]
    own.run("gnt-instance remove -f --shutdown-timeout=0 alone")
