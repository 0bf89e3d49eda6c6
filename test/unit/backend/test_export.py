"""Exports on this node."""

from __future__ import annotations

import configparser
import os

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import export

from .conftest import make_disk, make_instance


def make_export(name: str, text: str = "[export]\nos = tiny\n[instance]\nname = x\n") -> str:
    path = os.path.join(pathutils.EXPORT_DIR, name)
    os.makedirs(path)
    with open(os.path.join(path, "config.ini"), "w", encoding="latin-1") as fobj:
        fobj.write(text)
    return pathutils.logical(path)


def test_a_node_without_exports_has_none():
    assert export.export_list() == []


def test_exports_are_listed_sorted_and_removed():
    make_export("b.example.org")
    make_export("a.example.org")
    assert export.export_list() == ["a.example.org", "b.example.org"]
    export.export_remove("a.example.org")
    export.export_remove("a.example.org")
    assert export.export_list() == ["b.example.org"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "."])
def test_only_exports_are_removed(name):
    with pytest.raises(errors.OpExecError, match="no name of an export"):
        export.export_remove(name)


def test_the_description_is_read():
    assert "os = tiny" in export.export_info(make_export("a"))


@pytest.mark.parametrize("text", ["", "[export]\n", "garbage", "[export\n", "\xff\xfe[export]"])
def test_a_damaged_description_is_refused(text):
    path = make_export("a", text)
    with pytest.raises(errors.OpExecError, match="damaged|lacks|no export"):
        export.export_info(path)


def test_a_finished_export_takes_the_place_of_the_old_one():
    make_export("inst1.example.org", "[old]\n")
    os.makedirs(os.path.join(pathutils.EXPORT_DIR, "inst1.example.org.new"))
    nic = objects.Nic(uuid="n", mac="aa:00:00:00:00:01",
                      nicparams={"mode": "bridged", "link": "br0", "vlan": ""})
    disks = [make_disk(0), make_disk(1)]
    inst = make_instance(disks=disks, nics=[nic], tags=["b", "a"],
                         osparams={"Size": "small"})
    export.finalize_export(inst, [None, disks[1]])
    parser = configparser.RawConfigParser()
    parser.optionxform = str
    parser.read_string(export.export_info("/srv/ganeti/export/inst1.example.org"))
    assert parser["export"]["version"] == "0"
    assert parser["export"]["source"] == "n1-uuid"
    described = dict(parser["instance"])
    assert described["tags"] == "a b"
    assert described["maxmem"] == described["memory"] == "128"
    assert described["disk_count"] == "1"
    assert described["disk0_dump"] == disks[1].uuid
    assert described["disk_template"] == constants.DT_FILE
    assert described["nic0_ip"] == "None"
    assert dict(parser["os"]) == {"Size": "small"}
    assert "migration_mode" not in parser["hypervisor"]
    assert export.export_list() == ["inst1.example.org"]


def test_there_has_to_be_something_to_finish():
    disk = make_disk()
    with pytest.raises(errors.OpExecError, match="no export to finish"):
        export.finalize_export(make_instance(disks=[disk]), [disk])


def test_an_instance_without_disks_is_exported_too():
    export.finalize_export(make_instance(), [])
    assert export.export_list() == ["inst1.example.org"]
    assert "disk_count = 0" in export.export_info("/srv/ganeti/export/inst1.example.org")
