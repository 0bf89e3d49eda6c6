"""The descriptors of all storage types against the catalogue's sets."""

from __future__ import annotations

import pytest

from ganeti import constants, errors, objects
from ganeti.storage import base, registry

#: The catalogue's sets (constants.json, disk_templates.sets)
SETS = {
    "mirrored": ("blockdev diskless drbd ext gluster rbd sharedfile", lambda t: t.mirrored),
    "internally": ("drbd", lambda t: t.mirroring is base.Mirroring.INTERNAL),
    "file based": ("file gluster sharedfile", lambda t: t.file_based),
    "growable": ("drbd ext file gluster plain rbd sharedfile", lambda t: t.growable),
    "may adopt": ("blockdev plain", lambda t: t.adoptable),
    "must adopt": ("blockdev", lambda t: t.must_adopt),
    "exclusive": ("plain", lambda t: t.exclusive_storage),
    "copyable": ("file plain", lambda t: t.copyable),
    "access": ("ext gluster rbd", lambda t: t.userspace_uri),
    # rbd is ours beside the catalogue's: doc/storage.md
    "snapshot": ("drbd ext plain rbd", lambda t: t.can_snapshot),
    "no space check": ("ext file gluster rbd sharedfile", lambda t: not t.counts_free_space),
    "not from": ("diskless", lambda t: not t.convertible_from),
    "not to": ("blockdev diskless", lambda t: not t.convertible_to),
    "follows": ("file sharedfile", lambda t: t.path_follows_instance),
    "lvm": ("drbd plain", lambda t: t.uses_lvm),
    "secondary": ("drbd", lambda t: t.needs_secondary),
}

STORAGE_TYPES = {
    "blockdev": "blockdev", "diskless": "diskless", "drbd": "lvm-vg", "ext": "ext",
    "file": "file", "gluster": "gluster", "plain": "lvm-vg", "rbd": "rados",
    "sharedfile": "sharedfile"}


@pytest.mark.parametrize("name", SETS)
def test_capabilities_are_those_of_the_catalogue(name):
    expected, predicate = SETS[name]
    catalogued = [name for name in registry.names(predicate) if name in STORAGE_TYPES]
    assert catalogued == expected.split()


def test_every_template_has_a_descriptor_and_the_right_storage():
    assert set(registry.names()) == set(constants.DISK_TEMPLATES)
    for name, storage_type in STORAGE_TYPES.items():
        assert registry.require_known(name).storage_type == storage_type


def test_only_types_with_a_driver_can_be_used(monkeypatch):
    assert set(registry.names(lambda t: t.usable)) >= {
        "blockdev", "diskless", "drbd", "ext", "file", "gluster", "rbd", "sharedfile"}
    assert registry.require_usable(constants.DT_FILE).name == "file"
    monkeypatch.setattr(type(registry.template(constants.DT_FILE)), "device_class", None)
    with pytest.raises(errors.OpPrereqError, match="no driver for disk template 'file'"):
        registry.require_usable(constants.DT_FILE)
    with pytest.raises(errors.OpPrereqError, match="Unknown disk template 'tape'"):
        registry.require_usable("tape")


def test_a_request_without_directory_is_refused():
    request = base.DiskRequest(uuid="u", unique_id="x", instance_name="i", instance_uuid="iu",
                               index=0, size=1, primary_node="n")
    with pytest.raises(errors.OpPrereqError, match="directory"):
        registry.template(constants.DT_FILE).layout(request)


def test_renaming_an_instance_moves_its_files():
    template = registry.template(constants.DT_SHARED_FILE)
    disk = objects.Disk(uuid="u", dev_type=template.name, size=1,
                        logical_id=["loop", "/srv/s/old/u.sharedfile.disk0"])
    assert template.renamed_id(disk, "/srv/s/new") == ["loop", "/srv/s/new/u.sharedfile.disk0"]
