"""The exact environment of OS scripts, and what every storage type can do.

People's OS definitions read these variables: a diff shows what a change does to them. After a
wanted change: UPDATE_GOLDEN=1 pytest test/golden/node, and look at the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti import constants, objects, pathutils
from ganeti.backend import osdefinition, osenv
from ganeti.storage import base, registry
from test import noderoot

HERE = Path(__file__).parent
DIRECTORY = "/srv/ganeti/shared-file-storage/inst1.example.org"


def compare(name: str, text: str) -> None:
    """Compare with the recorded text, or record it."""
    path = HERE / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, (
        f"{name} has changed; if that is wanted: UPDATE_GOLDEN=1 pytest test/golden/node")


@pytest.fixture
def root(tmp_path, monkeypatch) -> str:
    noderoot.move_node_to(str(tmp_path / "node"), monkeypatch)
    return pathutils.ROOT


@pytest.fixture
def instance(root) -> objects.Instance:
    """A KVM guest with two disks and two interfaces, one of them in a network."""
    disks = [objects.Disk(uuid=f"disk-{number}", dev_type=constants.DT_SHARED_FILE, size=1024,
                          logical_id=["loop", f"{DIRECTORY}/u.sharedfile.disk{number}"],
                          iv_name=f"disk/{number}", mode=mode, name=name)
             for number, (mode, name) in enumerate([("rw", "root"), ("ro", None)])]
    os.makedirs(pathutils.local(DIRECTORY))
    for disk in disks:
        registry.device(disk).create(1)
    network = {"name": "net1", "uuid": "net-uuid", "network": "192.0.2.0/24",
               "gateway": "192.0.2.1", "network6": "2001:db8::/64", "gateway6": "2001:db8::1",
               "mac_prefix": "aa:00:01", "tags": ["blue", "green"]}
    nics = [objects.Nic(uuid="nic-0", mac="aa:00:00:00:00:01", ip="192.0.2.7", name="front",
                        nicparams={"mode": "bridged", "link": "br0", "vlan": ""},
                        netinfo=network),
            objects.Nic(uuid="nic-1", mac="aa:00:00:00:00:02",
                        nicparams={"mode": "routed", "link": "main", "vlan": ""})]
    return objects.Instance(
        uuid="inst-uuid", name="inst1.example.org", primary_node="node1-uuid",
        secondary_nodes=["node2-uuid"], os="debian+minimal", hypervisor=constants.HT_KVM,
        hvparams=constants.HV_TABLES[constants.HT_KVM].defaults(),
        beparams=constants.BE_TABLE.defaults(), osparams={"mirror-url": "http://mirror/"},
        disks=[disk.uuid for disk in disks], disks_info=disks, nics=nics,
        ctime=1700000000.25, mtime=1700000001.5)


def test_os_environment(instance, root):
    definition = osdefinition.OSDefinition(
        name="debian", path="/srv/ganeti/os/debian", api_versions=[15, 20],
        variants=["default", "minimal"])
    env = osenv.instance(instance, definition, debug=1)
    env.update(osenv.transfer(instance, "IMPORT", 1, instance.disks_info[1]))
    env.update(osenv.transfer(instance, "EXPORT", 0, instance.disks_info[0]))
    text = "".join(f"{name}={value}\n" for name, value in sorted(env.items()))
    compare("os_environment.txt", text.replace(root, "ROOT"))


def test_storage_types():
    """A line a type and capability, so that a changed ability is one changed line."""
    names = sorted(name for name, value in vars(base.DiskTemplate).items()
                   if isinstance(value, bool))
    lines = []
    for template in sorted(registry.templates(), key=lambda template: template.name):
        lines.append(f"{template.name}: storage {template.storage_type},"
                     f" copies {template.mirroring.value},"
                     f" {'usable' if template.usable else 'no driver'}")
        lines += [f"{template.name}: {name}" for name in names if getattr(template, name)]
    compare("storage_types.txt", "\n".join(lines) + "\n")
