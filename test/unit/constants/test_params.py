"""Parameter declarations: every table is sound, and a table checks, converts and fills."""

import pytest

from ganeti import constants, errors, ht

TABLES = [*constants.HV_TABLES.values(), *constants.DISK_TABLES.values(), constants.BE_TABLE,
          constants.ND_TABLE, constants.NIC_TABLE, constants.HVSTATE_TABLE,
          constants.DISK_STATE_TABLE, constants.ISPECS_TABLE, constants.IPOLICY_RATIO_TABLE]
ROWS = [(table, param) for table in TABLES for param in table]
KVM = constants.HV_TABLES["kvm"]


@pytest.mark.parametrize(("table", "param"), ROWS, ids=lambda value: getattr(
    value, "owner", None) or getattr(value, "name", "?"))
def test_row_is_sound(table, param):
    assert param.check(param.default) == param.default
    assert param.enforce(param.default) == param.default
    assert param.vtype in constants.ENFORCEABLE_TYPES
    assert param.help[0].isupper() and not param.help.endswith(".")
    assert len(param.help) < 100
    assert param.applies in (constants.ON_START, constants.LIVE, constants.ON_CREATE)
    assert table[param.name] is param


def test_numbers_of_parameters():
    catalogued = ("chroot", "fake", "kvm", "lxc", "xen-hvm", "xen-pvm")
    assert sum(len(constants.HV_TABLES[name]) for name in catalogued) == 122


def test_texts_become_typed_values():
    assert KVM.enforce({"acpi": "false", "migration_port": "9000", "root_path": None,
                        "kernel_args": None, "vnc_tls": "Yes"}) == {
        "acpi": False, "migration_port": 9000, "root_path": None, "kernel_args": "",
        "vnc_tls": True}
    assert constants.BE_TABLE.enforce({"maxmem": "1g", "vcpus": "2"}) == {
        "maxmem": 1024, "vcpus": 2}
    assert constants.ND_TABLE.enforce({"cpu_speed": "1"}) == {"cpu_speed": 1.0}


def test_words_for_the_caller_are_left_alone():
    assert KVM.enforce({"acpi": "default"}, allow=["default"]) == {"acpi": "default"}
    with pytest.raises(errors.TypeEnforcementError, match="Parameter acpi: expected true"):
        KVM.enforce({"acpi": "default"})


@pytest.mark.parametrize("value", ["x", "1.5", "", [], True, None])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(errors.TypeEnforcementError, match="migration_port"):
        KVM.enforce({"migration_port": value})


def test_unknown_parameter_names_the_nearest():
    with pytest.raises(errors.OpPrereqError) as caught:
        KVM.check({"kernel_pth": "/x"})
    assert errors.code(caught.value) == errors.ECODE_INVAL
    assert "did you mean kernel_path?" in errors.text(caught.value)
    with pytest.raises(errors.OpPrereqError, match="known: stripes"):
        constants.DISK_TABLES["plain"].enforce({"zzz": 1})


@pytest.mark.parametrize(("name", "value"), [
    ("kernel_path", "boot/vmlinuz"), ("boot_order", ""), ("boot_order", "tape"),
    ("migration_port", 0), ("migration_port", "8102"), ("kvm_path", ""), ("cpu_mask", "1-"),
    ("virtio_net_queues", 33), ("serial_speed", 1), ("kvm_pci_reservations", 33),
])
def test_wrong_values_are_refused_with_the_name(name, value):
    with pytest.raises(errors.OpPrereqError, match=name):
        KVM.check({name: value})


@pytest.mark.parametrize(("value", "good"), [
    ("all", True), ("0-2,4", True), ("0:1-2:all", True), ("", False), ("a", False),
    ("9-3", False), ("all:2,7-5", False), ("4-4", True)])
def test_cpu_masks(value, good):
    assert KVM["cpu_mask"].type.accepts(value) is good


@pytest.mark.parametrize(("value", "good"), [
    ("n", True), ("bdf", True), ("f", True), ("", False), ("nb", False), ("fb", False)])
def test_drbd_barriers(value, good):
    assert constants.DISK_TABLES["drbd"]["disk-barriers"].type.accepts(value) is good


def test_fill_takes_the_most_special_value():
    filled = KVM.fill({"acpi": False, "vga": "std"}, {"vga": "qxl"})
    assert (filled["acpi"], filled["vga"], filled["boot_order"]) == (False, "qxl", "disk")
    assert filled.keys() == KVM.names


def test_defaults_are_fresh():
    KVM.defaults()["acpi"] = None
    assert KVM.defaults()["acpi"] is True


def test_missing_paths_are_told(tmp_path):
    here = tmp_path / "kernel"
    here.touch()
    assert KVM.missing_paths({"kernel_path": str(here), "initrd_path": "/none/initrd",
                              "cdrom_image_path": "http://x/y.iso", "mem_path": str(tmp_path),
                              "vnc_x509_path": str(here)}) == [
        "initrd_path: no file /none/initrd", f"vnc_x509_path: no directory {here}"]


def test_cluster_wide_parameters():
    assert KVM.cluster_only <= constants.HVC_GLOBALS
    assert constants.ND_TABLE.cluster_only == constants.NDC_GLOBALS


def test_policy_of_a_new_cluster_is_sound():
    policy = constants.ipolicy_defaults()
    assert constants.IpolicyType.check(policy) == policy
    with pytest.raises(ht.Mismatch, match=r"minmax\[0\].max"):
        constants.IpolicyType.check({"minmax": [{"min": policy["std"], "max": {}}]})
    assert constants.ipolicy_defaults() is not policy


def test_versions():
    assert constants.CONFIG_VERSION == 3010000
    assert constants.split_version(3010000) == (3, 1, 0)
    assert constants.RELEASE_VERSION.startswith(constants.DIR_VERSION + ".")


def test_names_of_verify_codes_are_their_codes():
    assert len(constants.CV_ALL_ECODES) == 41
    for code in constants.CV_ALL_ECODES:
        assert getattr(constants, "CV_" + code.code) is code
