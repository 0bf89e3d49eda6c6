"""Configurations of large clusters: many nodes in some groups, instances on DRBD and plain disks.

    python -m test.bench.generate [NODES [INSTANCES]] > config.data
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ganeti import objects

GROUPS = 4
NETWORK = "99999999-0000-4000-8000-000000000001"
VG = "xenvg"


def _uuid(kind: str, number: int) -> str:
    return f"{kind * 8}-0000-4000-8000-{number:012d}"


def large(nodes: int, instances: int) -> Callable[[objects.ConfigData], objects.ConfigData]:
    """Fill a small configuration up; its own nodes stay as they are.

    Further nodes have the addresses that follow those of the first two.
    """
    def fill(config: objects.ConfigData) -> objects.ConfigData:
        first = list(config.nodes.values())
        groups = [*config.nodegroups.values(), *(objects.NodeGroup(
            uuid=_uuid("a", number), name=f"group{number}") for number in range(2, GROUPS + 1))]
        prefix = first[0].primary_ip.rpartition(".")[0]
        more = [objects.Node(
            uuid=_uuid("b", number), name=f"n{number}.test", primary_ip=f"{prefix}.{number}",
            secondary_ip=f"{prefix}.{number}", group=groups[number % GROUPS].uuid,
            master_candidate=False) for number in range(len(first) + 1, nodes + 1)]
        uuids = [node.uuid for node in (*first, *more)]
        cluster = config.cluster.replace(
            volume_group_name=VG, enabled_disk_templates=["drbd", "plain", "sharedfile"],
            candidate_pool_size=len(first), highest_used_port=11000 + instances)
        puts: list[Any] = [cluster, *groups, *more, _network(instances)]
        for number in range(instances):
            puts += _instance(number, uuids)
        return config.with_changes(puts)
    return fill


def _network(instances: int) -> objects.Network:
    used = min(instances // 2, 4000)
    return objects.Network(uuid=NETWORK, name="lan", network="10.64.0.0/20",
                           gateway="10.64.15.254", reservations="0" + "1" * used
                           + "0" * (4095 - used), ext_reservations="1" + "0" * 4093 + "11")


def _instance(number: int, nodes: list[str]) -> list[Any]:
    """An instance and its disk; minors are unique on each node as rows go round them."""
    primary, secondary = nodes[number % len(nodes)], nodes[(number + 1) % len(nodes)]
    row = 2 * (number // len(nodes))
    mirrored = number % 4 != 3
    parts = [objects.Disk(uuid=_uuid("d", 4 * number + index), dev_type="plain", size=size,
                          logical_id=[VG, f"{_uuid('d', 4 * number)}.{kind}"], serial_no=1,
                          nodes=[primary, secondary] if mirrored else [primary],
                          iv_name="" if mirrored else "disk/0")
             for index, (kind, size) in enumerate((("data", 10240), ("meta", 128)), 1)]
    disk = parts[0] if not mirrored else objects.Disk(
        uuid=_uuid("d", 4 * number), dev_type="drbd", size=10240, iv_name="disk/0", serial_no=1,
        logical_id=[primary, secondary, 11000 + number, row, row + 1, f"secret{number:034d}"],
        nodes=[primary, secondary], children=parts)
    mac = f"aa:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}:01"
    pooled = number % 2 == 0 and number < 8000
    offset = number // 2 + 1
    nic = objects.Nic(uuid=_uuid("f", number), mac=mac, nicparams={},
                      ip=f"10.64.{offset >> 8}.{offset & 255}" if pooled else None,
                      network=NETWORK if pooled else None)
    return [disk, objects.Instance(
        uuid=_uuid("e", number), name=f"inst{number:05d}.example.org", primary_node=primary,
        os="debian+default", hypervisor="fake", admin_state="up", disks=[disk.uuid],
        beparams={"maxmem": 2048, "minmem": 1024, "vcpus": 2}, disks_active=True, nics=[nic],
        osparams={"dhcp": "yes"}, tags=[f"owner:{number % 50}", "service:web"])]


def main() -> int:
    """Print a configuration whose first two nodes are n1.test and n2.test."""
    from test import daemons
    words = [int(word) for word in sys.argv[1:]]
    with daemons.Cluster(2, large(*(words or [200, 4000]))) as cluster:
        sys.stdout.buffer.write(cluster.config.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
