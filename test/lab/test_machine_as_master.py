"""A cluster whose master is a machine with LVM of its own, from `gnt-cluster init` to its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ganeti.tools.vcluster import layout
from test.lab.vm.lab import Lab
from test.lab.vm.machine import Machine

#: The emulated machine takes seconds to start a program of ours
PATIENCE = 300
INIT = ("gnt-cluster init --master-netdev=xen-br0 --master-netmask=32 --enabled-hypervisors=fake"
        " --enabled-disk-templates=plain,drbd --drbd-usermode-helper=/bin/true -C 1"
        f" --node-parameters=ssh_port={layout.SSH_PORT} -Nmode=bridged,link=xen-br0"
        " --no-etc-hosts --vg-name={} {}")
#: Prints what there is of a cluster
REMAINS = "ls /var/lib/ganeti/config.data 2>/dev/null; pgrep -af '[/]ganeti-' || true"


@pytest.fixture
def master(bare_machine: Lab) -> Iterator[Machine]:
    """The machine, with a volume group that is too small beside its usual one."""
    node = bare_machine.node(1)
    node.run("modprobe drbd; vgcreate -q small /dev/vdd")
    yield node
    node.run("vgremove -q small; pvremove -q /dev/vdd")


def test_volume_groups_of_the_master(bare_machine: Lab, master: Machine) -> None:
    name = bare_machine.master.layout.name

    def init(group: str) -> str:
        result = master.try_run(INIT.format(group, name), PATIENCE)
        return "" if result.returncode == 0 else result.stderr

    assert "'other' is not on this machine; make it with vgcreate" in init("other")
    assert re.search(r"'small' of this machine has \d+ MiB, at least 20480 MiB", init("small"))
    assert master.run(REMAINS) == ""
    assert init("xenvg") == ""
    master.run("gnt-instance add -t plain -H fake -B memory=16 --no-install --no-name-check"
               " --no-ip-check --ignore-ipolicy -s 8m -n node1 inst1", PATIENCE)
    (volume,) = master.run("lvs --noheadings -o lv_name -S tags=originstname+inst1").split()
    assert volume.endswith(".disk0")
    master.run("gnt-instance remove -f --shutdown-timeout=0 inst1", PATIENCE)
    assert master.run("lvs --noheadings").strip() == ""
    master.run("gnt-cluster destroy --yes-do-it", PATIENCE)
    assert master.run(REMAINS) == ""
