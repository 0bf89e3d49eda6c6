"""What disk templates mean for placement: read from the descriptors, also of packages."""

from __future__ import annotations

import pytest

from ganeti import constants
from ganeti.htools import model, repair
from ganeti.htools.load import prepare, text
from test import packages
from test.unit.htools.conftest import SMALL

NONE, EXTERNAL, INTERNAL = model.MIRROR_NONE, model.MIRROR_EXTERNAL, model.MIRROR_INTERNAL


@pytest.mark.parametrize(("name", "mirror", "local", "movable", "nodes"), [
    ("diskless", EXTERNAL, False, False, 1), ("file", NONE, True, False, 1),
    ("plain", NONE, True, False, 1), ("sharedfile", EXTERNAL, False, True, 1),
    ("blockdev", EXTERNAL, False, True, 1), ("rbd", EXTERNAL, False, True, 1),
    ("ext", EXTERNAL, False, True, 1), ("gluster", EXTERNAL, False, True, 1),
    ("drbd", INTERNAL, True, True, 2),
])
def test_meaning_of_ours(name, mirror, local, movable, nodes):
    assert model.template(name) == model.Template(mirror, local, movable, nodes)


def test_a_package_says_by_its_attributes_how_it_is_placed(tmp_path, monkeypatch):
    packages.install(tmp_path, packages.EXAMPLES / "storage-package")
    with packages.forgotten():
        monkeypatch.syspath_prepend(str(tmp_path))
        assert "slab" in constants.DISK_TEMPLATES
        assert model.template("slab") == model.Template(EXTERNAL, local=False, movable=True)
    model.template.cache_clear()


def test_instances_of_unknown_templates_stay_and_keep_their_room(small):
    inst = small.instances[0]
    inst.template = constants.DT_MIXED
    prepare.prepare(small)
    assert not inst.movable
    assert inst.kind.local
    with pytest.raises(model.LoadError, match="no disk template that placement knows"):
        model.template("gone")


def test_nothing_is_made_anew_that_nobody_can_judge():
    known = {"name": "i", "primary_offline": True, "secondary_offline": False, "tags": ()}
    assert repair.find(repair.Patient(template="plain", **known)) is not None
    assert repair.find(repair.Patient(template="gone", **known)) is None


def test_a_text_file_is_taken_at_its_word_only(tmp_path):
    path = tmp_path / "cluster.txt"
    path.write_text(SMALL.read_text().replace("|drbd|", "|tape|"))
    with pytest.raises(model.LoadError, match="'tape'"):
        text.load(str(path))
