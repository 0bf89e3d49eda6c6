"""OS definitions and their scripts, run for real."""

from __future__ import annotations

import os
import shutil
import tarfile

import pytest

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import os as backend
from ganeti.backend import osdefinition

from .conftest import create_disks, make_disk, make_instance


@pytest.fixture
def os_dir(script) -> str:
    """A valid definition of API 20."""
    path = os.path.join(pathutils.OS_SEARCH_PATH[0], "tiny")
    os.makedirs(path)
    put(path, "ganeti_api_version", "20\n")
    put(path, "parameters.list", "size how large it gets\nkernel-args what the kernel gets\n")
    for name in ("create", "import", "export", "rename"):
        script(f"{path}/{name}", "env | sort", f"echo this is {name}", "pwd")
    script(f"{path}/verify", '[ "$1" = parameters ] || exit 9',
           '[ "$OSP_SIZE" != huge ] || { echo size is too large; exit 1; }')
    return path


def put(directory: str, name: str, text: str) -> None:
    with open(os.path.join(directory, name), "w", encoding="utf-8") as fobj:
        fobj.write(text)


def row(name: str = "tiny"):
    return next(entry for entry in backend.os_diagnose() if entry[0] == name)


def the_log(action: str) -> str:
    [name] = [name for name in os.listdir(pathutils.LOG_OS_DIR) if name.startswith(f"{action}-")]
    with open(os.path.join(pathutils.LOG_OS_DIR, name), encoding="utf-8", errors="replace") as log:
        return log.read()


# Looking ------------------------------------------------------------------------------------

def test_a_node_without_definitions_has_none():
    assert backend.os_diagnose() == []


def test_a_good_definition_is_described(os_dir):
    assert row() == ["tiny", "/srv/ganeti/os/tiny", True, "", [],
                     [["size", "how large it gets"], ["kernel-args", "what the kernel gets"]],
                     [20], True]


def test_variants_are_read_without_comments(os_dir):
    put(os_dir, "variants.list", "# all of them\nsmall\nlarge # the big one\n\n")
    assert row()[4] == ["small", "large"]


@pytest.mark.parametrize(("name", "text"), [
    ("ganeti_api_version", "required file ganeti_api_version is missing"),
    ("create", "neither of the scripts create and create_untrusted is there"),
    ("import", "required script import is missing"),
    ("verify", "required script verify is missing"),
    ("parameters.list", "required file parameters.list is missing"),
])
def test_what_is_missing_is_named(os_dir, name, text):
    os.unlink(os.path.join(os_dir, name))
    found = row()
    assert found[2] is False
    assert text in found[3]


def test_older_definitions_need_less(os_dir):
    put(os_dir, "ganeti_api_version", "10\n")
    for name in ("verify", "parameters.list"):
        os.unlink(os.path.join(os_dir, name))
    assert row()[2:4] == [True, ""]


@pytest.mark.parametrize("text", ["99\n", "twenty\n", "", "\x00\xff"])
def test_an_unusable_version_is_named(os_dir, text):
    with open(os.path.join(os_dir, "ganeti_api_version"), "wb") as fobj:
        fobj.write(text.encode("latin-1"))
    found = row()
    assert found[2] is False
    assert "version" in found[3].lower()


def test_a_script_without_permission_is_named(os_dir):
    os.chmod(os.path.join(os_dir, "rename"), 0o644)
    assert "rename is not an executable file" in row()[3]


def test_an_untrusted_definition_says_so(os_dir, script):
    script(f"{os_dir}/create_untrusted", "true")
    assert row()[2] is True
    assert row()[7] is False


# Validating ---------------------------------------------------------------------------------

def validate(name: str = "tiny", *, required: bool = True, params=None, force: bool = False,
             checks=(constants.OS_VALIDATE_PARAMETERS,)):
    return backend.os_validate(required, name, list(checks), params or {}, force)


def test_good_parameters_pass(os_dir):
    assert validate(params={"size": "small"}) is True


def test_the_script_refuses_with_its_own_words(os_dir):
    with pytest.raises(errors.OpExecError, match="size is too large"):
        validate(params={"size": "huge"})


def test_unknown_parameters_are_named(os_dir):
    with pytest.raises(errors.OpExecError, match="no parameter colour.*kernel-args, size"):
        validate(params={"colour": "red"})


def test_a_missing_definition_only_matters_when_required():
    assert validate("none", required=False) is False
    with pytest.raises(errors.OpExecError, match="no OS 'none'"):
        validate("none")


def test_a_broken_definition_counts_as_missing(os_dir):
    os.unlink(os.path.join(os_dir, "create"))
    assert validate(required=False) is False
    with pytest.raises(errors.OpExecError, match="neither of the scripts"):
        validate()


def test_variants_are_checked(os_dir):
    with pytest.raises(errors.OpExecError, match="has no variants"):
        validate("tiny+small")
    put(os_dir, "variants.list", "small\n")
    assert validate("tiny+small") is True
    with pytest.raises(errors.OpExecError, match="needs a variant; it has small"):
        validate("tiny")
    with pytest.raises(errors.OpExecError, match="no variant 'odd'"):
        validate("tiny+odd")
    assert validate("tiny+odd", force=True) is True


def test_unknown_checks_are_refused(os_dir):
    with pytest.raises(errors.OpExecError, match="everything"):
        validate(checks=["everything"])


@pytest.mark.parametrize("name", ["../tiny", "", ".tiny", "a/b"])
def test_names_that_leave_the_directory_are_refused(name):
    with pytest.raises(errors.OpPrereqError):
        osdefinition.find(name)


# Running ------------------------------------------------------------------------------------

@pytest.fixture
def instance():
    nic = objects.Nic(
        uuid="nic-uuid", mac="aa:00:00:00:00:01", ip="192.0.2.7",
        nicparams={"mode": "bridged", "link": "br0", "vlan": ""},
        netinfo={"name": "net1", "uuid": "net-uuid", "network": "192.0.2.0/24",
                 "gateway": "192.0.2.1", "tags": ["a", "b"]})
    inst = make_instance(disks=[make_disk(name="root")], nics=[nic], os="tiny",
                         osparams={"kernel-args": "quiet"}, secondary_nodes=["n2", "n3"])
    create_disks(inst)
    return inst


def environment(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def test_creation_gets_the_whole_environment(os_dir, instance, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "x")
    backend.instance_os_add(instance, False, 1)
    log = the_log("add")
    env = environment(log)
    disk_path = pathutils.local(instance.disks_info[0].logical_id[1])
    expected = {
        "OS_API_VERSION": "20", "OS_NAME": "tiny", "OS_VARIANT": "", "DEBUG_LEVEL": "1",
        "OSP_KERNEL_ARGS": "quiet", "PATH": "/sbin:/bin:/usr/sbin:/usr/bin",
        "INSTANCE_NAME": "inst1.example.org", "INSTANCE_OS": "tiny", "INSTANCE_UUID": "i-uuid",
        "INSTANCE_CTIME": "1.5", "INSTANCE_MTIME": "2.5", "INSTANCE_PRIMARY_NODE": "n1-uuid",
        "INSTANCE_SECONDARY_NODES": "n2 n3", "HYPERVISOR": "fake",
        "DISK_COUNT": "1", "DISK_0_ACCESS": "rw", "DISK_0_UUID": "disk-uuid-0",
        "DISK_0_SIZE": "4", "DISK_0_PATH": disk_path, "DISK_0_NAME": "root",
        "DISK_0_BACKEND_TYPE": "file:loop",
        "NIC_COUNT": "1", "NIC_0_MAC": "aa:00:00:00:00:01", "NIC_0_UUID": "nic-uuid",
        "NIC_0_IP": "192.0.2.7", "NIC_0_MODE": "bridged", "NIC_0_LINK": "br0",
        "NIC_0_BRIDGE": "br0", "NIC_0_NETWORK_NAME": "net1", "NIC_0_NETWORK_UUID": "net-uuid",
        "NIC_0_NETWORK_SUBNET": "192.0.2.0/24", "NIC_0_NETWORK_GATEWAY": "192.0.2.1",
        "NIC_0_NETWORK_TAGS": "a b", "INSTANCE_HV_migration_mode": "live",
    }
    expected.update((f"INSTANCE_BE_{key}", str(value))
                    for key, value in instance.beparams.items())
    shell_made = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert {key: value for key, value in env.items() if key not in shell_made} == expected
    assert log.rstrip().endswith(os_dir)


def test_a_reinstallation_says_so(os_dir, instance):
    backend.instance_os_add(instance, True, 0)
    assert environment(the_log("add"))["INSTANCE_REINSTALL"] == "1"


def test_the_first_variant_is_the_default(os_dir, instance):
    put(os_dir, "variants.list", "small\nlarge\n")
    backend.instance_os_add(instance.replace(os="tiny+large"), False, 0)
    assert environment(the_log("add"))["OS_VARIANT"] == "large"


def test_a_failing_script_shows_the_end_of_its_log(os_dir, instance, script):
    script(f"{os_dir}/create", "for i in $(seq 50); do echo line $i; done",
           r"printf '\377 bad bytes\n'", "exit 7")
    with pytest.raises(errors.OpExecError) as caught:
        backend.instance_os_add(instance, False, 0)
    text = str(caught.value)
    assert "exit status 7" in text
    assert "line 50" in text
    assert "line 10\n" not in text
    assert "bad bytes" in text


def test_a_silent_failure_is_told(os_dir, instance, script):
    script(f"{os_dir}/create", "exit 1")
    with pytest.raises(errors.OpExecError, match="said nothing"):
        backend.instance_os_add(instance, False, 0)


def test_untrusted_definitions_are_refused(os_dir, instance, script):
    script(f"{os_dir}/create_untrusted", "true")
    with pytest.raises(errors.OpExecError, match="untrusted"):
        backend.instance_os_add(instance, False, 0)


def test_renaming_tells_the_old_name(os_dir, instance):
    backend.instance_run_rename(instance, "old.example.org", 0)
    env = environment(the_log("rename"))
    assert env["OLD_INSTANCE_NAME"] == "old.example.org"
    assert env["INSTANCE_NAME"] == "inst1.example.org"


def test_a_missing_disk_stops_the_script(os_dir, instance):
    os.unlink(pathutils.local(instance.disks_info[0].logical_id[1]))
    with pytest.raises(errors.BlockDeviceError, match="not present"):
        backend.instance_os_add(instance, False, 0)


def test_the_packed_definition_holds_the_environment(os_dir, instance):
    archive = pathutils.local(backend.os_export(instance, {"EXTRA": "1"}))
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert "./tiny/create" in names
        env = environment(tar.extractfile("./tiny/environment").read().decode())
    assert env["EXTRA"] == "1"
    assert env["INSTANCE_NAME"] == "inst1.example.org"


def test_the_first_directory_of_the_search_path_wins(os_dir):
    shutil.copytree(os_dir, os.path.join(pathutils.OS_SEARCH_PATH[1], "tiny"))
    assert [entry[0] for entry in backend.os_diagnose()] == ["tiny", "tiny"]
    assert osdefinition.find("tiny").path == os_dir
