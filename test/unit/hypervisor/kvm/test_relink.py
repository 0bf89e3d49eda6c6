"""A guest that arrives opens its disks by the links of its new node."""

from __future__ import annotations

from ganeti import objects
from ganeti.hypervisor.kvm.blockdev import DiskDevice
from ganeti.hypervisor.kvm.runtime import Runtime
from ganeti.storage import links


def _disk(uuid: str) -> objects.Disk:
    return objects.Disk(uuid=uuid, dev_type="sharedfile", logical_id=["loop", f"/{uuid}"], size=1)


def test_links_follow_the_present_order_of_the_disks() -> None:
    """Disk a was unplugged while the guest ran, so b and c have moved up."""
    run = Runtime(command=["qemu"], nics=[], hvp={}, disks=[
        DiskDevice(_disk("b"), "/old:1", None), DiskDevice(_disk("c"), "/old:2", None)])
    instance = objects.Instance(uuid="i", name="i.example.org", primary_node="n",
                                hypervisor="kvm", disks_info=[_disk("b"), _disk("c")])
    moved = run.relinked(instance)
    assert [(disk.disk.uuid, disk.link) for disk in moved.disks] == [
        ("b", links.link_path("i.example.org", 0)), ("c", links.link_path("i.example.org", 1))]
