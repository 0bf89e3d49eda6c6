"""gnt-instance on instances of the fake hypervisor: every command, without waiting for a guest."""

from __future__ import annotations

import json

from test.vcluster.fixture import VirtualCluster


def _field(cluster: VirtualCluster, name: str, field: str) -> str:
    return cluster.run(f"gnt-instance list --no-headers -o {field} {name}").strip()


def test_life(cluster: VirtualCluster, instance: str) -> None:
    assert _field(cluster, instance, "status") == "running"
    cluster.run(f"gnt-instance shutdown --timeout=0 {instance}")
    assert _field(cluster, instance, "status") == "ADMIN_down"
    cluster.run(f"gnt-instance startup {instance}")
    cluster.run(f"gnt-instance reboot --type=hard {instance}")
    assert _field(cluster, instance, "status") == "running"


def test_migrate_and_failover(cluster: VirtualCluster, instance: str) -> None:
    cluster.run(f"gnt-instance migrate -f -n node2 {instance}")
    assert _field(cluster, instance, "pnode") == "node2"
    assert _field(cluster, instance, "status") == "running"
    cluster.run(f"gnt-instance failover -f -n node3 --shutdown-timeout=0 {instance}")
    assert _field(cluster, instance, "pnode") == "node3"
    assert _field(cluster, instance, "status") == "running"
    assert "ERROR" not in cluster.run("gnt-cluster verify")


def test_list_columns(cluster: VirtualCluster, instance: str) -> None:
    header, row = cluster.run("gnt-instance list").splitlines()
    assert header.split() == ["Instance", "Hypervisor", "OS", "Primary_node", "Status", "Memory"]
    assert row.split()[:5] == [instance, "fake", "demo-linux+default", "node1", "running"]
    text = cluster.run("gnt-instance list -o name,be/maxmem,disk.sizes,nic.macs --separator=^ "
                       "--no-headers").strip().split("^")
    assert text[:3] == [instance, "128", "16"]
    assert text[3].startswith("aa:00:00:")


def test_info(cluster: VirtualCluster, instance: str) -> None:
    text = cluster.run(f"gnt-instance info {instance}")
    assert text.startswith(f"- Instance name: {instance}\n")
    assert "  State: configured to be up, actual state is up\n" in text
    assert "  Nodes: \n    - primary: node1\n" in text
    assert "Disk template: sharedfile" in text


def test_rename(cluster: VirtualCluster, instance: str) -> None:
    cluster.run(f"gnt-instance shutdown --timeout=0 {instance}")
    cluster.run(f"gnt-instance rename -f --no-name-check --no-ip-check {instance} renamed")
    assert _field(cluster, "renamed", "status") == "ADMIN_down"
    assert not (cluster.root / "shared" / instance).exists()
    assert list((cluster.root / "shared/renamed").iterdir())


def test_modify(cluster: VirtualCluster, instance: str) -> None:
    cluster.run(f"gnt-instance modify -B vcpus=3,maxmem=256 {instance}")
    assert _field(cluster, instance, "be/vcpus") == "3"
    cluster.run(f"gnt-instance modify -B vcpus=default {instance}")
    assert _field(cluster, instance, "be/vcpus") == "1"
    cluster.run(f"gnt-instance shutdown --timeout=0 {instance}")
    cluster.run(f"gnt-instance modify --net add:ip=192.0.2.2,link=second {instance}")
    assert _field(cluster, instance, "nic.links") == "main,second"
    cluster.run(f"gnt-instance modify --offline {instance}")
    assert _field(cluster, instance, "status") == "ADMIN_offline"
    assert cluster.try_run(f"gnt-instance startup {instance}").returncode == 1
    cluster.run(f"gnt-instance modify --online {instance}")


def test_tags(cluster: VirtualCluster, instance: str) -> None:
    cluster.run(f"gnt-instance add-tags {instance} gold")
    assert cluster.run("gnt-instance list --no-headers -o name -F \"'gold' in tags\"").split() == [
        instance]


def test_remove_leaves_nothing(cluster: VirtualCluster, instance: str) -> None:
    cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {instance}")
    assert not (cluster.root / "shared" / instance).exists()
    assert cluster.run("gnt-instance list --no-headers") == ""
    assert instance not in cluster.path("node1", "/var/lib/ganeti/config.data").read_text()


def test_refusals_are_clear(cluster: VirtualCluster, instance: str) -> None:
    cases = {
        "gnt-instance startup nosuch": "nosuch",
        f"gnt-instance add -t sharedfile -s 16m -H fake -o demo-linux -n node1 "
        f"--no-nics --no-ip-check --no-name-check {instance}": "already",
        "gnt-instance add -t sharedfile -s 16m -H fake -o demo-linux+default "
        "-n node9 --no-nics --no-ip-check --no-name-check other": "node9",
        "gnt-instance add -t sharedfile -s 16m -H fake -o nosuchos -n node1 "
        "--no-nics --no-ip-check --no-name-check other": "nosuchos",
        f"gnt-instance modify -B colour=red {instance}": "colour",
        f"gnt-instance migrate -f -n node1 {instance}": "node1",
        "gnt-instance add -t plain -s 1g -H fake -o demo-linux+default -n node1 "
        "--no-nics --no-ip-check --no-name-check other": "plain",
    }
    for line, word in cases.items():
        result = cluster.try_run(line)
        assert result.returncode == 1, line
        assert word in result.stderr, (line, result.stderr)
        assert "Traceback" not in result.stderr
    assert cluster.run("gnt-instance list --no-headers -o name").split() == [instance]


def test_failed_os_script_leaves_nothing(cluster: VirtualCluster) -> None:
    definition = cluster.path("node1", "/srv/ganeti/os/broken")
    definition.mkdir()
    for script in ("create", "rename", "export", "import", "verify"):
        (definition / script).write_text("#!/bin/sh\necho no space for me >&2\n"
                                         + ("exit 0\n" if script == "verify" else "exit 7\n"))
        (definition / script).chmod(0o755)
    (definition / "ganeti_api_version").write_text("20\n")
    (definition / "parameters.list").write_text("")
    try:
        result = cluster.try_run("gnt-instance add -t sharedfile -s 16m -H fake -o broken -n node1 "
                                 "--no-nics --no-ip-check --no-name-check other")
        assert result.returncode == 1
        assert "no space for me" in result.stderr
        assert not (cluster.root / "shared/other").exists()
        assert cluster.run("gnt-instance list --no-headers") == ""
    finally:
        for file in definition.iterdir():
            file.unlink()
        definition.rmdir()


def test_batch_create(cluster: VirtualCluster) -> None:
    spec = [{"instance_name": f"batch{n}", "disk_template": "diskless", "hypervisor": "fake",
             "os_type": "demo-linux+default", "pnode": "node2", "nics": [],
             "disks": [], "mode": "create", "name_check": False, "ip_check": False}
            for n in (1, 2, 3)]
    file = cluster.root / "batch.json"
    file.write_text(json.dumps(spec))
    cluster.run(f"gnt-instance batch-create {file}")
    try:
        table = cluster.run("gnt-instance list --no-headers -o name,status --separator=:")
        assert table.split() == ["batch1:running", "batch2:running", "batch3:running"]
    finally:
        for name in cluster.run("gnt-instance list --no-headers -o name").split():
            cluster.run(f"gnt-instance remove -f --shutdown-timeout=0 {name}")


def test_dry_run_changes_nothing(cluster: VirtualCluster, instance: str) -> None:
    cluster.run(f"gnt-instance remove -f --dry-run {instance}")
    assert _field(cluster, instance, "status") == "running"
