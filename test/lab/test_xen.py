"""Real paravirtual guests of Xen on two emulated hosts.

What runs where: the units, locks and configuration on this machine, the node functions and the
driver in the hosts' dom0 (see `xenhost`), guests on their Xen. The build of Xen that Debian has
can not migrate paravirtual guests live (it has no shadow paging, so what they write can not be
tracked): here that is the failure of a migration, after which everything has to be as before. Not
live they move.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ganeti import errors
from ganeti.tools import demo_guest
from ganeti.tools.vcluster import layout
from test import incluster
from test.lab import xenhost
from test.lab.vm.lab import Lab
from test.lab.vm.machine import Machine
from test.waiting import wait_until

GOLDEN = Path(__file__).parents[1] / "golden/xen/config"
KERNEL, INITRD = "/boot/guest-vmlinuz", "/boot/guest-initrd"
#: Emulated machines: a guest boots in ten seconds when nothing else runs
PATIENCE = 120
_PIECE = 1 << 20
MEMORY = 112
GUEST, TRAVELLER = "xen1.example.org", "xen2.example.org"
LV = "/dev/xenvg/*.disk0"
HVPARAMS = {"kernel_path": KERNEL, "initrd_path": INITRD, "root_path": "",
            "blockdev_prefix": "xvd", "kernel_args": "console=hvc0",
            "vif_script": "/usr/lib/ganeti/vif-ganeti"}


class XenCluster(incluster.InCluster):
    """The master's side, whose nodes are the machines of a lab."""

    def __init__(self, directory: str, lab: Lab) -> None:
        super().__init__(directory, 2, enabled_hypervisors=["xen-pvm"], volume_group_name=lab.vg,
                         enabled_disk_templates=["plain", "diskless"],
                         nicparams={"default": {"mode": "bridged", "link": "xen-br0", "vlan": ""}})
        self.lab = lab
        with ThreadPoolExecutor() as pool:
            self.hosts = dict(zip(
                (self.address(1), self.address(2)),
                pool.map(lambda node: xenhost.Host(
                    node.ssh(xenhost.command(str(layout.checkout())))), lab.nodes), strict=True))
        self.nodes._answer = self._ask  # type: ignore[method-assign]
        with self.cfg.edit() as draft:
            for node in lab.nodes:
                draft.update(self.config.nodes[incluster.node_uuid(node.number)],
                             secondary_ip=node.address)

    def _ask(self, address: str, call: str, body: bytes) -> bytes:
        return self.hosts[address].ask(call, body)

    def close(self) -> None:
        for host in self.hosts.values():
            host.close()
        super().close()

    def create(self, name: str, **params: Any) -> None:
        self.add(name, hypervisor="xen-pvm", hvparams=HVPARAMS, osparams={},
                 os_type="demo-linux+default", ignore_ipolicy=True,
                 beparams={"minmem": 96, "maxmem": MEMORY, "vcpus": 1}, **params)

    def do(self, what: str, name: str, **params: Any) -> None:
        self.run(f"INSTANCE_{what}", instance_name=name, **params)

    def home(self, name: str) -> int:
        return int(self.instance(name).primary_node[-1])

    def state(self, number: int, name: str) -> dict[str, Any]:
        """What a node says of a guest."""
        result = self.rpc.instance_info(incluster.node_uuid(number), name, "xen-pvm", {})
        return dict(result.raise_if_failed("no answer"))


def prepare(node: Machine, image: demo_guest.Guest, key: str) -> None:
    """The guest's kernel, a script for disks that is quick enough to be emulated, ssh keys."""
    for path, source in ((KERNEL, image.kernel), (INITRD, image.initrd)):
        _send(node, path, source.read_bytes())
    node.run("cp /etc/xen/scripts/block-lab /etc/xen/scripts/block; mkdir -p /var/lib/ganeti")
    node.write("/root/.ssh/id_ed25519", key, 0o600)
    node.run("echo cluster.example.org $(cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)"
             " >/var/lib/ganeti/known_hosts")


def _send(node: Machine, path: str, content: bytes) -> None:
    """In pieces: a connection to an emulated dom0 has been seen to end under one large file."""
    node.run(f": >{path}")
    for number in range(-(-len(content) // _PIECE)):
        _send_piece(node, path, number, content[number * _PIECE:(number + 1) * _PIECE])


def _send_piece(node: Machine, path: str, number: int, piece: bytes) -> None:
    command = f"dd of={path} bs={_PIECE} seek={number} conv=notrunc iflag=fullblock"
    wait_until(lambda: not node.try_run(command, stdin=piece).returncode,
               f"piece {number} of {path} is on {node.name}", PATIENCE)


@pytest.fixture(scope="module")
def cluster(xen_hosts: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[XenCluster]:
    try:
        image = demo_guest.build()
    except demo_guest.GuestError as err:
        pytest.skip(f"no guest image: {err}")
    key = (xen_hosts.nodes[0]._image / "id").read_text()
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(prepare, node, image, key) for node in xen_hosts.nodes]:
            done.result()
    made = XenCluster(str(tmp_path_factory.mktemp("master")), xen_hosts)
    yield made
    made.close()


@contextlib.contextmanager
def created(cluster: XenCluster, name: str, **params: Any) -> Iterator[str]:
    cluster.create(name, **params)
    yield name
    cluster.do("REMOVE", name, shutdown_timeout=0)
    for node in cluster.lab.nodes:
        assert domains(node) == {}


@pytest.fixture(scope="module")
def guest(cluster: XenCluster) -> Iterator[str]:
    """A guest with a disk and an interface, that has just been created and started."""
    with created(cluster, GUEST, disk_template="plain", disks=[{"size": 16}],
                 nics=[{"ip": guest_address(cluster)}], name_check=False, ip_check=False) as name:
        yield name


@pytest.fixture(scope="module")
def traveller(cluster: XenCluster) -> Iterator[str]:
    """A guest without disks, which can go anywhere."""
    with created(cluster, TRAVELLER, disk_template="diskless", disks=[], nics=[],
                 name_check=False, ip_check=False) as name:
        assert tick(cluster, name) > 0
        yield name


def guest_address(cluster: XenCluster) -> str:
    return cluster.lab.node(1).address.rpartition(".")[0] + ".99"


def domains(node: Machine) -> dict[str, list[str]]:
    """Name -> the other columns of `xl list`."""
    rows = [line.split() for line in node.run("xl list").splitlines()[2:]]
    return {row[0]: row[1:] for row in rows}


def console(cluster: XenCluster, name: str, seconds: int = 8, until: str = "$^") -> str:
    """What the guest says while somebody is on the console that the driver describes.

    They leave after `seconds`, or with the first line that has the expression `until`.
    """
    number = cluster.home(name)
    wrapper = f"{layout.checkout()}/tools/xen-console-wrapper xl {name}"
    said = cluster.lab.node(number).try_run(
        f"timeout {seconds} script -qefc {shlex.quote(wrapper)} /dev/null </dev/null"
        f" | {{ sed '/{until}/q'; pkill -x script; }}")
    return said.stdout


def tick(cluster: XenCluster, name: str) -> int:
    """The guest's counter."""
    return ticks(console(cluster, name, PATIENCE, "TICK [0-9]* "))[0]


def ticks(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"TICK (\d+) ", text)]


def record(node: Machine) -> tuple[int, int]:
    """Boots and ticks, as the guest has written them to its disk."""
    text = node.run(f"dd if=$(echo {LV}) bs=512 skip=1 count=1 iflag=direct 2>/dev/null")
    found = re.match(r"BOOT (\d+) TICK (\d+)", text.strip("\0"))
    return (int(found[1]), int(found[2])) if found else (0, 0)


def test_the_hosts_tell_what_they_have(cluster: XenCluster) -> None:
    for number in (1, 2):
        result = cluster.rpc.node_info([incluster.node_uuid(number)], None, [("xen-pvm", {})])
        info = result[incluster.node_uuid(number)].raise_if_failed("no answer")[2][0]
        memory = cluster.lab.kind.memory
        assert memory - 68 < info["memory_total"] < memory > info["memory_free"] > 300
        assert info["memory_dom0"] == cluster.lab.kind.dom0_memory
        assert (info["cpu_total"], info["cpu_dom0"], info["hv_version"]) == (1, 1, [4, 17])


def test_a_guest_boots_from_its_disk_and_is_on_the_network(cluster, guest: str) -> None:
    node = cluster.lab.node(1)
    assert cluster.state(1, guest)["vcpus"] == 1
    wait_until(lambda: record(node)[1] > 3, "the guest ticks", PATIENCE)
    said = ticks(console(cluster, guest))
    assert len(said) > 1 and said == sorted(said)
    # vif-ganeti has put its interface on the bridge
    wait_until(lambda: cluster.lab.node(2).try_run(
        f"ping -c1 -W2 {guest_address(cluster)}").returncode == 0, "the guest answers", PATIENCE)


def test_the_guest_gives_memory_back(cluster, guest: str) -> None:
    cluster.do("SET_PARAMS", guest, runtime_mem=96)
    wait_until(lambda: cluster.state(1, guest)["memory"] == 96, "memory is smaller", PATIENCE)
    assert "\nmemory = 96\n" in cluster.lab.node(1).read(f"/etc/xen/{guest}")


def test_a_reboot_makes_a_new_domain(cluster, guest: str) -> None:
    node = cluster.lab.node(1)
    before, (boots, _) = domains(node)[guest][0], record(node)
    cluster.do("REBOOT", guest, reboot_type="soft")
    assert domains(node)[guest][0] != before
    wait_until(lambda: record(node)[0] == boots + 1, "the guest has booted", PATIENCE)


def test_a_guest_shuts_down_and_waits_for_its_console(cluster, guest: str) -> None:
    node = cluster.lab.node(1)
    cluster.do("SHUTDOWN", guest, timeout=PATIENCE)
    assert domains(node) == {} and cluster.state(1, guest) == {}
    assert node.try_run(f"test -e /etc/xen/{guest}").returncode
    cluster.do("STARTUP", guest, startup_paused=True)
    assert domains(node)[guest][3] == "--p---"
    assert cluster.state(1, guest)["state"] == 0
    assert "GUEST-UP" in console(cluster, guest, PATIENCE, "GUEST-UP")


def test_a_crash_is_seen(cluster, guest: str) -> None:
    cluster.lab.node(1).run(f"xl destroy {guest}")
    assert cluster.state(1, guest) == {}
    cluster.do("STARTUP", guest)
    cluster.do("SHUTDOWN", guest, timeout=0)
    assert domains(cluster.lab.node(1)) == {}


def test_a_guest_is_saved_and_restored(cluster, traveller: str) -> None:
    """By Xen's own commands, a guest that the driver has started."""
    before = tick(cluster, traveller)
    cluster.lab.node(1).run(
        f"xl save {traveller} /root/saved && xl restore /root/saved && rm /root/saved")
    assert tick(cluster, traveller) > before
    assert cluster.state(1, traveller)["state"] == 0


def test_a_migration_that_fails_changes_nothing(cluster, traveller: str) -> None:
    before = tick(cluster, traveller)
    with pytest.raises(errors.OpExecError, match="logdirty.*--non-live.*stays on node node1"):
        cluster.do("MIGRATE", traveller, mode="live", target_node="node2.example.org")
    assert cluster.home(traveller) == 1
    assert domains(cluster.lab.node(2)) == {}
    assert cluster.lab.node(2).try_run(f"test -e /etc/xen/{traveller}").returncode
    assert tick(cluster, traveller) > before


def test_a_guest_moves_with_a_halt(cluster, traveller: str) -> None:
    before = tick(cluster, traveller)
    cluster.do("MIGRATE", traveller, mode="non-live", target_node="node2.example.org")
    assert cluster.home(traveller) == 2
    assert domains(cluster.lab.node(1)) == {}
    assert cluster.state(2, traveller)["state"] == 0
    said = console(cluster, traveller)
    assert "GUEST-UP" not in said and ticks(said)[0] > before


def test_a_move_that_fails_on_the_way_leaves_the_guest_where_it_was(cluster, traveller) -> None:
    home = cluster.home(traveller)
    away = cluster.lab.node(3 - home)
    before = tick(cluster, traveller)
    away.run("printf '#!/bin/sh\\n[ $1 != restore ] || {"
             " head -c 5000000 >/dev/null; exit 1; }\\nexec /usr/sbin/xl \"$@\"\\n'"
             " >/usr/local/sbin/xl && chmod 755 /usr/local/sbin/xl")
    try:
        with pytest.raises(errors.OpExecError, match=f"stays on node node{home}"):
            cluster.do("MIGRATE", traveller, mode="non-live",
                       target_node=f"node{3 - home}.example.org")
    finally:
        away.run("rm /usr/local/sbin/xl")
    assert cluster.home(traveller) == home
    assert domains(away) == {}
    assert tick(cluster, traveller) > before


def test_xl_understands_the_kept_configurations(cluster: XenCluster) -> None:
    """Every third of them, at each run the same."""
    node = cluster.lab.node(1)
    names = sorted(path.name for path in GOLDEN.iterdir())[::3]
    packed = subprocess.run(["tar", "-C", GOLDEN, "-c", *names], capture_output=True, check=True)
    node.run("mkdir -p /root/golden && tar -C /root/golden -x", stdin=packed.stdout)
    done = node.try_run(
        "cd /root/golden; for f in *; do xl create -n $f >/dev/null || echo $f; done")
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("Parsing")]
    assert (done.stdout, complaints) == ("", [])
