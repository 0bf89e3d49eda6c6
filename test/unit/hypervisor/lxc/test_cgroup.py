"""Which control groups there are, and what is read from and written to those of a container."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti import constants, errors, pathutils
from ganeti.hypervisor.lxc import cgroup, limits
from ganeti.hypervisor.lxc.cgroup import Group, Hierarchy, Tree
from ganeti.hypervisor.lxc.paths import Files

RECORDED = Path(__file__).parent / "recorded"
MIB = 1 << 20


def parsed(name: str) -> list[Hierarchy]:
    return cgroup.parse((RECORDED / f"{name}.mountinfo").read_text(),
                        (RECORDED / f"{name}.cgroup").read_text())


def bases(hierarchies: list[Hierarchy]) -> dict[str, tuple[int, str]]:
    return {name: (each.version, each.base) for each in hierarchies for name in each.controllers}


def test_version_1_has_a_hierarchy_a_controller() -> None:
    found = bases(parsed("v1"))
    assert found["memory"] == (1, "/sys/fs/cgroup/memory")
    assert found["cpu"] == (1, "/sys/fs/cgroup/cpu")
    assert found["name=systemd"] == (1, "/sys/fs/cgroup/systemd")


def test_version_2_is_one_hierarchy_beside_the_first_process_scope() -> None:
    (only,) = parsed("v2")
    assert (only.version, only.base) == (2, "/sys/fs/cgroup")
    assert {"devices", "freezer"} <= only.controllers


def test_where_both_are_version_1_counts() -> None:
    tree = Tree(parsed("hybrid"))
    assert tree.require("memory") == (1, {"memory"}, "/sys/fs/cgroup/memory")
    assert tree.require("cpuacct").base == "/sys/fs/cgroup/cpu,cpuacct"
    assert tree.require("devices").version == 2


def test_a_part_of_a_hierarchy_that_is_mounted() -> None:
    (only,) = cgroup.parse("9 8 0:31 /node1 /cg rw - cgroup cgroup rw,memory\n",
                           "4:memory:/node1/sub\n")
    assert only.base == "/cg/sub"


def test_a_missing_controller_is_told_with_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "_KNOWN", str(RECORDED / "v1.cgroups"))
    with pytest.raises(errors.HypervisorError, match="not mounted; 'mkdir .* mount -t cgroup"):
        Tree([]).require("net_cls")
    with pytest.raises(errors.HypervisorError, match="kernel of this node has no"):
        Tree([]).require("phlogiston")


def test_a_controller_that_is_off_needs_a_kernel_option(tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroups").write_text("#subsys_name hierarchy num_cgroups enabled\nmemory 0 1 0\n")
    monkeypatch.setattr(cgroup, "_KNOWN", str(tmp_path / "cgroups"))
    assert "cgroup_enable=memory" in cgroup.missing("memory")
    with pytest.raises(errors.HypervisorError, match="cgroup_enable=memory"):
        cgroup.mount("memory")


# A container's groups ------------------------------------------------------------------------


def group(base: Path, version: int, monkeypatch: pytest.MonkeyPatch, **files: str) -> Group:
    """A container's group with the given files (dots in names written as two underscores)."""
    monkeypatch.setattr(pathutils, "ROOT", "")
    own = base / "lxc.payload.inst1"
    own.mkdir()
    for name, content in files.items():
        (own / name.replace("__", ".")).write_text(content + "\n")
    controllers = frozenset(limits.CONTROLLERS)
    return Group(Tree([Hierarchy(version, controllers, str(base))]), Files("inst1"))


def test_version_1_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = group(tmp_path, 1, monkeypatch, memory__limit_in_bytes=str(512 * MIB),
                cpu__cfs_quota_us="300000", cpu__cfs_period_us="100000", cpu__shares="9",
                cpuacct__usage="2500000000")
    assert (limits.memory(own), limits.vcpus(own), limits.cpu_seconds(own)) == (512, 3, 2.5)


def test_without_a_quota_the_share_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = group(tmp_path, 1, monkeypatch, memory__limit_in_bytes="9223372036854771712",
                cpu__cfs_quota_us="-1", cpu__shares="4096")
    assert (limits.memory(own), limits.vcpus(own), limits.cpu_seconds(own)) == (-1, 4, 0.0)


def test_version_2_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = group(tmp_path, 2, monkeypatch, memory__max=str(512 * MIB), cpu__max="150000 100000",
                cpu__weight="100", cpu__stat="usage_usec 1500000\nuser_usec 1000000")
    assert (limits.memory(own), limits.vcpus(own), limits.cpu_seconds(own)) == (512, 2, 1.5)


def test_version_2_without_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = group(tmp_path, 2, monkeypatch, memory__max="max", cpu__max="max 100000",
                cpu__weight="300")
    assert (limits.memory(own), limits.vcpus(own)) == (-1, 3)


@pytest.mark.parametrize("size, order", [
    (256, ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]),
    (1024, ["memory.memsw.limit_in_bytes", "memory.limit_in_bytes"])])
def test_the_limit_with_swap_is_never_the_lower_one(
        size: int, order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = group(tmp_path, 1, monkeypatch, memory__limit_in_bytes=str(512 * MIB),
                memory__memsw__limit_in_bytes=str(512 * MIB))
    written: list[str] = []
    monkeypatch.setattr(Group, "write", lambda self, controller, name, value:
                        written.append(name))
    limits.set_memory(own, size)
    assert written == order


def test_memory_of_version_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = group(tmp_path, 2, monkeypatch, memory__max=str(512 * MIB),
                memory__current=str(100 * MIB))
    limits.set_memory(own, 200)
    assert limits.memory(own) == 200
    with pytest.raises(errors.HypervisorError, match="uses 100 MiB .* can not be given 64 MiB"):
        limits.set_memory(own, 64)
    assert limits.memory(own) == 200, "the kernel would have ended its programs"


def test_a_refused_limit_tells_what_is_in_use(tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    own = group(tmp_path, 1, monkeypatch, memory__limit_in_bytes=str(512 * MIB),
                memory__usage_in_bytes=str(300 * MIB))

    def refuse(self: Group, controller: str, name: str, value: str) -> None:
        raise errors.HypervisorError("Device or resource busy")
    monkeypatch.setattr(Group, "write", refuse)
    with pytest.raises(errors.HypervisorError, match="uses 300 MiB"):
        limits.set_memory(own, 64)
    with pytest.raises(errors.HypervisorError, match="busy"):
        limits.set_memory(own, 400)


def test_processes_of_groups_inside_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = group(tmp_path, 2, monkeypatch, cgroup__procs="")
    inner = tmp_path / "lxc.payload.inst1/system.slice"
    inner.mkdir()
    (inner / "cgroup.procs").write_text(f"{os.getpid()}\n1\n")
    (tmp_path / "lxc.payload.inst1/cgroup.procs").write_text("7\n")
    assert own.processes() == sorted({1, 7, os.getpid()})


def test_virtual_nodes_have_groups_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for root in ("", "/tmp/a/node1", "/tmp/a/node2"):
        monkeypatch.setattr(pathutils, "ROOT", root)
        names.add(Files("inst1").group("payload"))
    assert len(names) == 3 and "lxc.payload.inst1" in names


def test_names_with_paths_in_them_are_refused() -> None:
    for name in ("../../etc", ".hidden", "a/b"):
        with pytest.raises(errors.HypervisorError, match="Wrong instance name"):
            Files(name)


def test_disk_rules() -> None:
    status = os.stat("/dev/null")
    assert limits.disk_rule(status.st_rdev, status.st_mode, True) == "c 1:3 rwm"
    assert limits.disk_rule(status.st_rdev, 0o060660, False) == "b 1:3 rm"


def test_limits_follow_the_backend_parameters(tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    tree = group(tmp_path, 2, monkeypatch).tree
    hvp = constants.HV_TABLES[constants.HT_LXC].defaults()
    found = dict(limits.settings(hvp, {constants.BE_MAXMEM: 3, constants.BE_VCPUS: 5}, tree, []))
    assert found["lxc.cgroup2.memory.max"] == str(3 * MIB)
    assert found["lxc.cgroup2.cpu.max"] == "500000 100000"
