"""A small cluster as objects, for tests of everything that reads a configuration."""

from __future__ import annotations

import uuid
from typing import Any

from ganeti import constants, objects


def new_uuid(text: str) -> str:
    """The same text always gives the same uuid."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, text))


def group(name: str = "default", **values: Any) -> objects.NodeGroup:
    return objects.NodeGroup(uuid=new_uuid(f"group {name}"), name=name, **values)


def node(index: int, in_group: objects.NodeGroup, **values: Any) -> objects.Node:
    name = f"node{index}.example.org"
    return objects.Node(uuid=new_uuid(name), name=name, primary_ip=f"192.0.2.{index}",
                        secondary_ip=f"198.51.100.{index}", group=in_group.uuid, **values)


def cluster(master: objects.Node, **values: Any) -> objects.Cluster:
    return objects.Cluster(
        uuid=new_uuid("cluster"), cluster_name="cluster.example.org", mac_prefix="aa:00:00",
        master_node=master.uuid, master_ip="192.0.2.100", master_netdev="lo",
        master_netmask=32, enabled_hypervisors=[constants.HT_FAKE, constants.HT_KVM],
        enabled_disk_templates=[constants.DT_DRBD8, constants.DT_FILE], **values)


def disk(name: str, template: str, nodes: list[objects.Node], size: int = 1024,
         **values: Any) -> objects.Disk:
    return objects.Disk(uuid=new_uuid(f"disk {name}"), dev_type=template, size=size,
                        logical_id=["loop", f"/srv/{name}"],
                        nodes=[item.uuid for item in nodes], **values)


def instance(name: str, primary: objects.Node, disks: list[objects.Disk] | None = None,
             **values: Any) -> objects.Instance:
    values.setdefault("hypervisor", constants.HT_FAKE)
    return objects.Instance(uuid=new_uuid(name), name=name, primary_node=primary.uuid,
                            os="debian+default", disks=[item.uuid for item in disks or []],
                            **values)


def config(count: int = 3) -> objects.ConfigData:
    """Three nodes, and `count` instances web1… whose odd ones are mirrored."""
    default = group()
    nodes = [node(index, default, master_candidate=index < 3) for index in (1, 2, 3)]
    instances, disks = [], []
    for index in range(1, count + 1):
        primary, other = nodes[index % 3], nodes[(index + 1) % 3]
        mirrored = index % 2 == 1
        template = constants.DT_DRBD8 if mirrored else constants.DT_FILE
        disks.append(disk(f"web{index}", template, [primary, other] if mirrored else [primary]))
        instances.append(instance(f"web{index}.example.org", primary, [disks[-1]],
                                  admin_state="up" if mirrored else "down"))
    return objects.ConfigData(
        version=constants.CONFIG_VERSION, cluster=cluster(nodes[0]),
        nodes={item.uuid: item for item in nodes}, nodegroups={default.uuid: default},
        instances={item.uuid: item for item in instances},
        disks={item.uuid: item for item in disks})
