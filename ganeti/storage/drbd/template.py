"""What DRBD disks can do, and how they are laid out. Nothing here touches a node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects, serializer
from ganeti.storage.base import DiskRequest, DiskTemplate, Link, Mirroring
from ganeti.storage.drbd.device import DrbdDevice
from ganeti.utils import uuid

#: Parameters of the mirror that become the stripes of the data and of the meta volume
_STRIPES_OF_CHILD = ("data-stripes", "meta-stripes")


class DrbdTemplate(DiskTemplate):
    """A volume mirrored over the network to a secondary node."""

    name = constants.DT_DRBD8
    storage_type = constants.ST_LVM_VG
    mirroring = Mirroring.INTERNAL
    needs_secondary = True
    growable = True
    can_snapshot = True
    uses_lvm = True
    assemble_on_secondary = True
    mirrors_template = constants.DT_PLAIN
    device_class = DrbdDevice

    def layout(self, request: DiskRequest) -> objects.Disk:
        """The mirror and the two volumes below it, which have the same names on both nodes."""
        disk = super().layout(request)
        parts = [(request.vg, "data", request.size),
                 (request.metavg or request.vg, "meta", constants.DRBD_META_SIZE)]
        children = [objects.Disk(
            uuid=uuid.new(), dev_type=constants.DT_PLAIN, size=size, nodes=disk.nodes,
            logical_id=[vg or constants.DEFAULT_VG,
                        f"{request.unique_id}.disk{request.index}_{part}"])
            for vg, part, size in parts]
        return disk.replace(children=children)

    def logical_id(self, request: DiskRequest) -> list[Any]:
        link = request.link
        if link is None or len(request.secondary_nodes) != 1:
            raise errors.ProgrammerError(
                f"A disk of type {self.name} is laid out with one secondary node and a link")
        return [request.primary_node, request.secondary_nodes[0], link.port, *link.minors,
                link.secret]

    def moved(self, disk: objects.Disk, leaving: str, node_uuid: str, minor: int) -> objects.Disk:
        """The disk after another node took the place of one of its two."""
        ends, minors = list(disk.logical_id[:2]), list(disk.logical_id[3:5])
        place = ends.index(leaving)
        ends[place], minors[place] = node_uuid, minor
        return self._on(disk, ends, minors)

    def relinked(self, disk: objects.Disk, nodes: Sequence[str], link: Link) -> objects.Disk:
        fresh = disk.replace(logical_id=[*nodes, link.port, *link.minors, link.secret])
        return self._on(fresh, list(nodes), link.minors)

    def _on(self, disk: objects.Disk, ends: list[str], minors: Sequence[int]) -> objects.Disk:
        wanted = list(disk.logical_id)
        wanted[:2], wanted[3:5] = ends, minors
        children = [child.replace(nodes=ends) for child in disk.children]
        return disk.replace(logical_id=wanted, nodes=ends, children=children)

    def alone(self, disk: objects.Disk) -> objects.Disk:
        """The disk as one node makes it that is not to look for its peer yet."""
        wanted = list(disk.logical_id)
        wanted[2] = None
        return disk.replace(logical_id=wanted)

    def resized(self, disk: objects.Disk, size: int) -> objects.Disk:
        """The data volume is as large as the disk; the meta volume stays."""
        children = [disk.children[0].replace(size=size), *disk.children[1:]] \
            if disk.children else []
        return disk.replace(size=size, children=children)

    def child_params(self, params: Mapping[str, Any], index: int) -> dict[str, Any]:
        return {"stripes": params[_STRIPES_OF_CHILD[index]]}

    def volumes(self, size: int) -> list[tuple[str, int]]:
        return [(constants.IDISK_VG, size), (constants.IDISK_METAVG, constants.DRBD_META_SIZE)]

    def snapshot_disk(self, disk: objects.Disk, logical_id: Sequence[Any]) -> objects.Disk:
        """What is frozen is the volume that holds the data."""
        return disk.children[0].replace(uuid=disk.uuid, iv_name=disk.iv_name, size=disk.size,
                                        logical_id=list(logical_id))

    def minors(self, disk: objects.Disk) -> list[tuple[str, int]]:
        """Both ends: the logical id is [node, node, port, minor, minor, secret]."""
        first, second, _, minor_first, minor_second = disk.logical_id[:5]
        return [(first, minor_first), (second, minor_second)]

    def ports(self, disk: objects.Disk) -> list[int]:
        return [disk.logical_id[2]]

    def shown_id(self, disk: objects.Disk) -> list[Any]:
        """The same without the secret by which both ends know each other."""
        return [*disk.logical_id[:5], serializer.REDACTED]

    def describe(self, disk: objects.Disk) -> dict[str, Any]:
        first, second, port, minor_first, minor_second = disk.logical_id[:5]
        env = {"PNODE": first, "SNODE": second, "PORT": port, "PMINOR": minor_first,
               "SMINOR": minor_second}
        for label, child in zip(("DATA", "META"), disk.children, strict=False):
            env[f"{label}_VG"], env[f"{label}_ID"] = child.logical_id
        return env
