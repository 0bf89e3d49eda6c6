"""A small configuration in a real file."""

import pytest

from ganeti import constants, objects
from ganeti.config import store

GROUP = "aaaaaaaa-0000-4000-8000-000000000001"
NET = "dddddddd-0000-4000-8000-000000000001"


def node_uuid(number):
    return f"bbbbbbbb-0000-4000-8000-{number:012d}"


def instance_uuid(number):
    return f"eeeeeeee-0000-4000-8000-{number:012d}"


def disk_uuid(number):
    return f"ffffffff-0000-4000-8000-{number:012d}"


def make_config(nodes=3, networks=()):
    cluster = objects.Cluster(
        uuid="cccccccc-0000-4000-8000-000000000001", cluster_name="cluster.example.org",
        mac_prefix="aa:00:00", master_node=node_uuid(1), master_ip="192.0.2.200",
        master_netdev="lo", master_netmask=32, enabled_hypervisors=["fake"],
        enabled_disk_templates=["drbd", "plain"])
    return objects.ConfigData(
        version=constants.CONFIG_VERSION, cluster=cluster,
        nodes={node_uuid(n): objects.Node(
            uuid=node_uuid(n), name=f"node{n}.example.org", primary_ip=f"192.0.2.{n}",
            secondary_ip=f"198.51.100.{n}", group=GROUP, master_candidate=True)
            for n in range(1, nodes + 1)},
        nodegroups={GROUP: objects.NodeGroup(uuid=GROUP, name="default")},
        networks={network.uuid: network for network in networks})


def make_disk(number, **values):
    return objects.Disk(**{"uuid": disk_uuid(number), "dev_type": "plain",
                           "logical_id": ["vg", f"disk{number}"], "size": 1024,
                           "nodes": [node_uuid(1)], "iv_name": "disk/0", **values})


def make_instance(number, **values):
    return objects.Instance(**{
        "uuid": instance_uuid(number), "name": f"inst{number}.example.org",
        "primary_node": node_uuid(1), "hypervisor": "fake",
        "nics": [objects.Nic(uuid=f"nic{number}", mac=f"aa:00:00:00:00:{number:02x}")], **values})


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "config.data")


@pytest.fixture
def network():
    return objects.Network(uuid=NET, name="lan", network="10.0.0.0/29", gateway="10.0.0.1",
                           ext_reservations="11000001")


@pytest.fixture
def cfg(path, network):
    made = store.ConfigStore(make_config(networks=[network]), path)
    made.start()
    yield made
    made.stop()
