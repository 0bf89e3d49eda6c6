"""A node in a temporary directory, and instances as the master sends them."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from ganeti import constants, objects, pathutils
from ganeti.backend import blockdev, volumes
from ganeti.storage import registry
from ganeti.storage.base import DiskRequest
from test import noderoot

FILE_DIR = "/srv/ganeti/file-storage"


@pytest.fixture(autouse=True)
def node(tmp_path, monkeypatch) -> str:
    """Be on a node; its root."""
    root = str(tmp_path / "node1")
    noderoot.move_node_to(root, monkeypatch)
    monkeypatch.setenv("GANETI_HOSTNAME", "node1.example.org")
    return root


@pytest.fixture
def script() -> Callable[..., str]:
    """Write an executable shell script and return its path."""
    def write(path: str, *lines: str, mode: int = 0o755, interpreter: str = "/bin/sh") -> str:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as fobj:
            fobj.write("\n".join([f"#!{interpreter}", *lines, ""]))
        os.chmod(path, stat.S_IMODE(mode))
        return path
    return write


def make_disk(index: int = 0, size: int = 4, instance: str = "inst1.example.org",
              **changes: Any) -> objects.Disk:
    """A file based disk as the master lays it out."""
    request = DiskRequest(
        uuid=f"disk-uuid-{index}", unique_id=str(uuid.uuid4()), instance_name=instance,
        instance_uuid="i-uuid", index=index, size=size, primary_node="n1-uuid",
        directory=f"{FILE_DIR}/{instance}")
    return registry.template(constants.DT_FILE).layout(request).replace(**changes)


def make_instance(name: str = "inst1.example.org", disks: list[objects.Disk] | None = None,
                  **changes: Any) -> objects.Instance:
    """An instance of the fake hypervisor with filled parameters."""
    values: dict[str, Any] = {
        "name": name, "uuid": "i-uuid", "primary_node": "n1-uuid", "os": "tiny",
        "hypervisor": constants.HT_FAKE, "admin_state": constants.ADMINST_UP,
        "hvparams": constants.HV_TABLES[constants.HT_FAKE].defaults(),
        "beparams": {**constants.BE_TABLE.defaults(), constants.BE_MAXMEM: 128,
                     constants.BE_MINMEM: 128, constants.BE_VCPUS: 2},
        "osparams": {}, "disks": [disk.uuid for disk in disks or ()],
        "disks_info": list(disks or ()), "secondary_nodes": [], "ctime": 1.5, "mtime": 2.5}
    return objects.Instance(**{**values, **changes})


def create_disks(instance: objects.Instance) -> None:
    """Create the disks of an instance as its creation does."""
    volumes.file_storage_dir_create(f"{FILE_DIR}/{instance.name}")
    for disk in instance.disks_info or ():
        blockdev.blockdev_create(disk, disk.size, instance.name, True, "info", False)


def link(instance: objects.Instance, index: int) -> str:
    return os.path.join(pathutils.DISK_LINKS_DIR, f"{instance.name}:{index}")
