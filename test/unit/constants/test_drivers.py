"""Drivers of installed packages: found, checked, and refused without harm."""

from __future__ import annotations

import logging
import sys

import pytest

from ganeti import constants, errors, ht
from ganeti.constants.drivers import Drivers, Tables
from ganeti.hypervisor import registry as hypervisors
from ganeti.storage import registry as storage
from test import packages

HEAD = """
from ganeti import ht
from ganeti.constants import Param, ParamTable
from ganeti.hypervisor import fake
"""
GOOD = HEAD + """
class Acme(fake.FakeHypervisor):
    name = "acme"
    parameters = ParamTable("acme", [Param("speed", ht.Int, 7, help="How fast it is")])
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty directory of installed packages; what is known of others is forgotten."""
    with packages.forgotten():
        monkeypatch.syspath_prepend(str(tmp_path))
        yield tmp_path
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


def hypervisor(site, code, *, entry="acme", package="acme-ganeti", module="acme_driver"):
    (site / f"{module}.py").write_text(code)
    packages.declare(site, package, "1.5", {"ganeti.hypervisors": {entry: f"{module}:Acme"}})


def test_a_package_brings_a_hypervisor(site):
    hypervisor(site, GOOD)
    assert "acme" in constants.HYPER_TYPES
    assert "acme" in hypervisors.names()
    assert constants.HV_TABLES["acme"].defaults() == {"speed": 7}
    assert hypervisors.get_class("acme").__name__ == "Acme"
    assert ht.Named(constants.HYPER_TYPES).check("acme") == "acme"
    assert constants.HYPER_TYPES.problems() == []
    assert "ssconf_hvparams_acme" in [f"ssconf_{key}" for key in constants.ss_keys()]


def test_ours_are_known_without_a_look_at_packages(monkeypatch):
    def look(**_words):
        raise AssertionError("packages were looked at")
    with packages.forgotten():
        monkeypatch.setattr("importlib.metadata.entry_points", look)
        assert "kvm" in constants.HYPER_TYPES
        assert "drbd" in constants.DISK_TEMPLATES
        assert "kernel_path" in constants.HV_TABLES["kvm"]
        assert constants.HV_TABLES.get("kvm") is constants.HV_TABLES["kvm"]
        assert storage.template("file").growable
        assert ht.Named(constants.DISK_TEMPLATES).check("plain") == "plain"
        with pytest.raises(AssertionError, match="looked at"):
            len(constants.HYPER_TYPES)


def test_importing_the_opcodes_looks_at_no_package():
    """Else every command would pay for it."""
    import subprocess
    code = ("import sys, importlib.metadata as m\n"
            "m.entry_points = lambda **words: sys.exit('packages were looked at')\n"
            "from ganeti.opcodes import cluster, instance_create, instance_params\n"
            "from ganeti.client import gnt_instance\n"
            "for name in gnt_instance.TOOL.commands: gnt_instance.TOOL.command(name)\n")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=False)
    assert (found.returncode, found.stderr) == (0, "")


REFUSED = {
    "it does not import": ("import nothing_of_this_name", "ModuleNotFoundError.*nothing_of"),
    "it ends the program": ("raise SystemExit(3)", "SystemExit: 3"),
    "it has a fault": ("x = 1 / 0", "ZeroDivisionError"),
    "the class is missing": ("", "has no attribute 'Acme'"),
    "it is no driver": ("class Acme: pass", "no subclass of.*BaseHypervisor"),
    "it is no class": ("Acme = 3", "3 is no subclass"),
    "it lacks methods": (GOOD.replace("fake.FakeHypervisor", "fake.base.BaseHypervisor"),
                         "it lacks .*instance_info"),
    "it has another name": (GOOD.replace('name = "acme"', 'name = "fake"'),
                            "calls itself 'fake'"),
    "it has no table": (GOOD.replace("    parameters", "    parametres"),
                        "'parameters' has to be a ParamTable"),
    "the table is another's": (GOOD.replace('ParamTable("acme"', 'ParamTable("fake"'),
                               "has to be a ParamTable.'acme'"),
    "a default is wrong": (GOOD.replace("ht.Int, 7", 'ht.Int, "x"'),
                           "default of parameter speed: expected an integer"),
    "a parameter has no possible name": (GOOD.replace('"speed"', '"a,b"'), "'a,b' is no name"),
    "a parameter is of another type elsewhere": (GOOD.replace('"speed"', '"kernel_path"'),
                                                 "'kernel_path' is int here, and string with"),
    "a file has no absolute path": (GOOD + '    ancillary_files = ("etc/x",)\n',
                                    "no absolute path"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_broken_package_makes_its_type_unusable_and_nothing_else(site, case, caplog):
    code, reason = REFUSED[case]
    hypervisor(site, code)
    assert "acme" not in constants.HYPER_TYPES
    assert sorted(constants.HYPER_TYPES) == sorted(constants.HYPER_TYPES.own)
    assert constants.HV_TABLES.get("acme") is None
    (text,) = constants.HYPER_TYPES.problems()
    assert "hypervisor 'acme' of package acme-ganeti 1.5 can not be used" in text
    with pytest.raises(errors.OpPrereqError, match=reason):
        hypervisors.require_usable("acme")
    with pytest.raises(ht.Mismatch, match="package acme-ganeti 1.5"):
        ht.Named(constants.HYPER_TYPES).check("acme")
    with caplog.at_level(logging.ERROR):
        constants.HYPER_TYPES.log_problems()
    assert "package acme-ganeti 1.5" in caplog.text


def test_a_name_of_ours_stays_ours(site):
    hypervisor(site, GOOD.replace('"acme"', '"kvm"'), entry="kvm")
    assert hypervisors.get_class("kvm").__module__ == "ganeti.hypervisor.kvm.driver"
    (text,) = constants.HYPER_TYPES.problems()
    assert "'kvm' of package acme-ganeti 1.5 can not be used: this name is Ganeti's own" in text


def test_two_packages_with_the_same_name_are_both_refused(site):
    hypervisor(site, GOOD)
    hypervisor(site, GOOD, package="other", module="acme_other")
    assert "acme" not in constants.HYPER_TYPES
    assert "of package acme-ganeti 1.5 and package other 1.5 can not be used: only one" in (
        constants.HYPER_TYPES.why_not("acme"))


@pytest.mark.parametrize("name", ["Acme", "a b", "a:b", "../x", ""])
def test_names_that_would_break_option_words_are_refused(site, name):
    (site / "acme_driver.py").write_text(GOOD.replace('"acme"', f'"{name}"'))
    drivers = Drivers("hypervisor", "ganeti.hypervisors", [],
                      "ganeti.hypervisor.base:BaseHypervisor")
    entry = packages.entry(name, "acme_driver:Acme", "ganeti.hypervisors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.metadata.entry_points", lambda group: [entry])
        assert list(drivers) == []
    assert "names are small letters" in drivers.why_not(name)


STORAGE = """
from ganeti.constants import ParamTable
from ganeti.storage import base, file
class Acme(base.DiskTemplate):
    name = "acme"
    parameters = ParamTable("acme", [])
    storage_type = "acme"
    device_class = file.FileDevice
"""


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("storage_type", "sort", "does not say its storage_type"),
    ("device_class = file.FileDevice", "mirroring = 'none'", "its mirroring is 'none'"),
    ("device_class = file.FileDevice", "", "it has no device_class"),
    ('"acme"', '"mixed"', "this name is Ganeti's own"),
])
def test_storage_types_that_can_not_be(site, old, new, reason):
    (site / "acme_disks.py").write_text(STORAGE.replace(old, new))
    name = "mixed" if "mixed" in new else "acme"
    packages.declare(site, "acme", "2", {"ganeti.storage": {name: "acme_disks:Acme"}})
    assert name not in storage.names()
    (text,) = constants.DISK_TEMPLATES.problems()
    assert reason in text


def test_disks_of_a_type_that_is_gone_can_be_described(site):
    missing = storage.template("acme")
    assert not missing.usable
    assert not (missing.growable or missing.mirrored or missing.shared)
    assert storage.template("acme") is missing
    assert "acme" not in storage.names()
    with pytest.raises(errors.OpPrereqError, match="no installed package brings disk template"):
        storage.require_known("acme")


def test_a_driver_may_ask_for_all_while_it_is_loaded(site):
    hypervisor(site, GOOD + "from ganeti import constants\nALL = sorted(constants.HYPER_TYPES)\n")
    assert "acme" in constants.HYPER_TYPES
    assert "acme" not in sys.modules["acme_driver"].ALL


def test_a_driver_of_ours_may_declare_its_table_itself():
    drivers = Drivers("hypervisor", "ganeti.no-such-group",
                      [("fake", "ganeti.hypervisor.fake:FakeHypervisor"),
                       ("json", "json:JSONDecoder")], "ganeti.hypervisor.base:BaseHypervisor")
    fake = constants.HV_TABLES["fake"]
    tables = Tables(drivers, {"fake": fake})
    assert tables["fake"] is fake
    assert list(tables) == ["fake", "json"]
    with pytest.raises(AttributeError):
        tables["json"]
    assert drivers & {"fake", "kvm"} == {"fake"}
    assert tables.cluster_only("no-such") == frozenset()
