"""A node's answers to cluster verify."""

from __future__ import annotations

import os
import socket
import time

import pytest

from ganeti import constants, pathutils
from ganeti.backend import instance, verify, verify_peers
from ganeti.cmdlib.cluster.verify import answers
from ganeti.hypervisor import fake
from ganeti.storage import lvm
from ganeti.storage.drbd import kernel
from ganeti.utils import io, sshkeys, x509

from .conftest import FILE_DIR, make_instance

NODE = "node1.example.org"

DRBD = """\
version: 8.4.11 (api:1/proto:86-101)
srcversion: 9B4D87C5E865DF526864868

 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
    ns:0 nr:0 dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
 1: cs:Unconfigured
12: cs:WFConnection ro:Secondary/Unknown ds:UpToDate/DUnknown C r-----
"""


def ask(question: str, value=None, hvparams=None):
    return verify.node_verify({question: value}, "cluster", hvparams or {}).get(question)


# Files and programs -------------------------------------------------------------------------

def test_checksums_are_given_by_the_path_that_was_asked():
    with open(pathutils.CLUSTER_CONF_FILE, "wb") as fobj:
        fobj.write(b"abc")
    asked = [pathutils.virtual(pathutils.CLUSTER_CONF_FILE), "/var/lib/ganeti/none"]
    assert ask(constants.NV_FILELIST, asked) == {
        asked[0]: "a9993e364706816aba3e25717850c26c9cd0d89d"}


def test_scripts_and_programs_have_to_be_executable(script, tmp_path):
    script(pathutils.EXTERNAL_MASTER_SETUP_SCRIPT, "true")
    good = pathutils.virtual(pathutils.EXTERNAL_MASTER_SETUP_SCRIPT)
    assert ask(constants.NV_USERSCRIPTS, [good, "/etc/ganeti/none"]) == ["/etc/ganeti/none"]
    plain = tmp_path / "plain"
    plain.write_text("")
    assert ask(constants.NV_OOB_PATHS, ["/bin/true", str(plain)]) == [
        None, f"{plain} is no executable file"]


# Hypervisors --------------------------------------------------------------------------------

def test_hypervisors_are_judged_by_their_drivers():
    assert ask(constants.NV_HYPERVISOR, [constants.HT_FAKE]) == {constants.HT_FAKE: None}
    os.makedirs(os.path.dirname(fake.fail_file("verify")))
    with open(fake.fail_file("verify"), "w", encoding="ascii") as fobj:
        fobj.write("the machine room burns")
    found = ask(constants.NV_HYPERVISOR, [constants.HT_FAKE, "nonsense"])
    assert found[constants.HT_FAKE] == "the machine room burns"
    assert "no driver" in found["nonsense"]


def test_parameters_that_do_not_fit_are_reported_with_their_source():
    params = {**constants.HV_TABLES[constants.HT_KVM].defaults(), "kernel_path": "/no/kernel"}
    [[source, hypervisor, text]] = ask(constants.NV_HVPARAMS, [
        ["cluster", constants.HT_FAKE, constants.HV_TABLES[constants.HT_FAKE].defaults()],
        ["instance a", constants.HT_KVM, params]])
    assert (source, hypervisor) == ("instance a", constants.HT_KVM)
    assert "/no/kernel" in text


def test_what_runs_is_listed():
    instance.instance_start(make_instance(), False, None)
    assert ask(constants.NV_INSTANCELIST, [constants.HT_FAKE]) == ["inst1.example.org"]
    assert "no driver" in ask(constants.NV_INSTANCELIST, ["nonsense"])
    assert ask(constants.NV_HVINFO, constants.HT_FAKE)["memory_total"] > 0


# Storage ------------------------------------------------------------------------------------

@pytest.mark.skipif(lvm.available(), reason="this machine has LVM")
def test_without_lvm_the_answers_are_texts():
    for question, value in ((constants.NV_LVLIST, "xenvg"), (constants.NV_PVLIST, ["xenvg"]),
                            (constants.NV_EXCLUSIVEPVS, True)):
        assert "no LVM" in ask(question, value)
    assert ask(constants.NV_VGLIST) == {}


def test_volumes_that_share_a_device_are_found(tmp_path, monkeypatch):
    for name, text in (
            ("vgs", "xenvg|100.00|40.00|wz--n-"),
            ("pvs", "/dev/sda3|xenvg|100.00|40.00|a--"),
            ("lvs", "xenvg|a|10.00|-wi-ao----|/dev/sda3(0)\n"
                    "xenvg|b|10.00|-wi-ao----|/dev/sda3(7)")):
        (tmp_path / name).write_text(f"#!/bin/sh\nprintf '%b\\n' '{text}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert ask(constants.NV_EXCLUSIVEPVS, True) == [["/dev/sda3", ["a", "b"]]]
    [volume] = ask(constants.NV_PVLIST, ["xenvg"])
    assert volume["lv_list"] == ["a", "b"]
    assert volume["size"] == 100.0


def test_storage_paths_are_only_mentioned_when_bad():
    assert ask(constants.NV_FILE_STORAGE_PATH, FILE_DIR) is None
    assert "allows" in ask(constants.NV_SHARED_FILE_STORAGE_PATH,
                           pathutils.virtual("/srv/elsewhere"))
    assert ask(constants.NV_ACCEPTED_STORAGE_PATHS, NODE) is None
    io.write_file(pathutils.FILE_STORAGE_PATHS_FILE, "/etc\n/srv/x\n")
    assert ask(constants.NV_ACCEPTED_STORAGE_PATHS, NODE) == ["/etc"]
    assert ask(constants.NV_ACCEPTED_STORAGE_PATHS, "another.example.org") is None


def test_drbd_status_is_read(monkeypatch):
    monkeypatch.setattr(kernel, "status_text", lambda: DRBD)
    assert ask(constants.NV_DRBDVERSION) == "8.4.11"
    assert ask(constants.NV_DRBDLIST) == [0, 12]


@pytest.mark.skipif(os.path.exists(constants.DRBD_STATUS_FILE), reason="DRBD is loaded here")
def test_without_drbd_the_answers_say_so():
    assert "not loaded" in ask(constants.NV_DRBDVERSION)
    assert "not loaded" in ask(constants.NV_DRBDLIST)
    assert ask(constants.NV_DRBDHELPER, "/bin/true")[0] is False


# The system ---------------------------------------------------------------------------------

def test_version_and_clock():
    assert ask(constants.NV_VERSION) == [constants.PROTOCOL_VERSION, constants.RELEASE_VERSION]
    seconds, microseconds = ask(constants.NV_TIME)
    assert abs(seconds + microseconds / 1e6 - time.time()) < 5


def test_set_up_problems_are_texts():
    problems = ask(constants.NV_NODESETUP)
    missing = not os.path.exists("/proc/sysrq-trigger")
    assert [text for text in problems if "sysrq" in text] == [
        text for text in problems if missing]


def test_os_definitions_are_listed():
    assert ask(constants.NV_OSLIST) == []


def test_missing_bridges_are_named():
    assert ask(constants.NV_BRIDGES, ["no-such-br"]) == ["no-such-br"]


def test_nodes_without_instances_are_spared_most_questions():
    found = verify.node_verify(
        {constants.NV_HYPERVISOR: [constants.HT_FAKE], constants.NV_VERSION: None,
         constants.NV_NONVMNODES: [NODE]}, "cluster", {})
    assert set(found) == {constants.NV_VERSION}


def test_unknown_questions_are_left_out():
    assert verify.node_verify({"weather": None}, "cluster", {}) == {}


def test_every_answer_has_the_form_that_the_master_expects():
    questions = {
        constants.NV_FILELIST: [pathutils.FILE_STORAGE_PATHS_FILE],
        constants.NV_USERSCRIPTS: [], constants.NV_OOB_PATHS: ["/bin/true"],
        constants.NV_NODESETUP: None, constants.NV_VERSION: None, constants.NV_TIME: None,
        constants.NV_ACCEPTED_STORAGE_PATHS: NODE, constants.NV_FILE_STORAGE_PATH: "/nowhere",
        constants.NV_SHARED_FILE_STORAGE_PATH: "/nowhere", constants.NV_CLIENT_CERT: None,
        constants.NV_SSH_SETUP: [[["u", NODE, True, True, True]], "rsa"],
        constants.NV_SSH_CLUTTER: "rsa", constants.NV_NODELIST: [[], {}, []],
        constants.NV_NODENETTEST: [[NODE, "127.0.0.1", "127.0.0.1"]],
        constants.NV_MASTERIP: [NODE, "127.0.0.1"], constants.NV_HYPERVISOR: [constants.HT_FAKE],
        constants.NV_HVPARAMS: [], constants.NV_HVINFO: constants.HT_FAKE,
        constants.NV_INSTANCELIST: [constants.HT_FAKE], constants.NV_LVLIST: "xenvg",
        constants.NV_VGLIST: None, constants.NV_PVLIST: ["xenvg"],
        constants.NV_EXCLUSIVEPVS: True, constants.NV_DRBDVERSION: None,
        constants.NV_DRBDLIST: None, constants.NV_DRBDHELPER: "/bin/true",
        constants.NV_OSLIST: None, constants.NV_BRIDGES: ["none"],
        constants.NV_GLUSTER_STORAGE_PATH: "/nowhere",
    }
    assert set(questions) == set(verify.CHECKS) | set(verify.VM_CHECKS)
    for question, answer in verify.node_verify(questions, "cluster", {}).items():
        answers.SHAPES[question].check(answer, question)


# Certificates and other nodes ---------------------------------------------------------------

@pytest.fixture
def ca() -> bytes:
    pem = x509.create_self_signed()
    io.write_file(pathutils.NODED_CERT_FILE, pem)
    return pem


def test_a_good_client_certificate_is_told_by_its_digest(ca):
    io.write_file(pathutils.NODED_CLIENT_CERT_FILE, x509.create_signed(ca, NODE))
    assert ask(constants.NV_CLIENT_CERT) == [
        None, x509.file_digest(pathutils.NODED_CLIENT_CERT_FILE)]


def test_a_missing_damaged_or_foreign_client_certificate_is_an_error(ca):
    severity, text = ask(constants.NV_CLIENT_CERT)
    assert severity == constants.CV_ERROR
    assert "client.pem" in text
    io.write_file(pathutils.NODED_CLIENT_CERT_FILE, "garbage")
    assert ask(constants.NV_CLIENT_CERT)[0] == constants.CV_ERROR
    foreign = x509.create_signed(x509.create_self_signed(), NODE)
    io.write_file(pathutils.NODED_CLIENT_CERT_FILE, foreign)
    severity, text = ask(constants.NV_CLIENT_CERT)
    assert severity == constants.CV_ERROR
    assert "not signed" in text


def test_nodes_that_do_not_answer_are_named(monkeypatch):
    monkeypatch.setattr(verify_peers, "CONNECT_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.2", 0)) as server:
        monkeypatch.setattr(verify_peers.net, "daemon_port",
                            lambda name: server.getsockname()[1])
        found = ask(constants.NV_NODENETTEST, [
            [NODE, "127.0.0.1", "127.0.0.1"], ["good", "127.0.0.2", "127.0.0.2"],
            ["bad", "127.0.0.2", "192.0.2.1"]])
    assert set(found) == {"bad"}
    assert "secondary address 192.0.2.1" in found["bad"]


def test_a_node_that_is_not_in_the_list_says_so():
    assert set(ask(constants.NV_NODENETTEST, [["other", "127.0.0.1", "127.0.0.1"]])) == {NODE}


def test_the_master_has_to_hold_its_address(monkeypatch):
    assert ask(constants.NV_MASTERIP, [NODE, "127.0.0.1"]) is True
    assert ask(constants.NV_MASTERIP, [NODE, "192.0.2.1"]) is False


def test_only_candidates_try_ssh():
    assert ask(constants.NV_NODELIST, [["none.example.org"], {}, []]) == {}


def test_nodes_that_can_not_be_reached_by_ssh_are_named():
    io.write_file(pathutils.ETC_HOSTS, "127.0.0.1 none.example.org\n")
    io.write_file(os.path.join(pathutils.SSCONF_DIR, "ssconf_ssh_ports"),
                  "none.example.org=9\n", mode=0o444)
    found = ask(constants.NV_NODELIST, [[], {NODE: ["none.example.org"]}, [NODE]])
    assert set(found) == {"none.example.org"}


# SSH keys -----------------------------------------------------------------------------------

ALL = [["u1", NODE, True, True, True], ["u2", "n2", True, True, True],
       ["u3", "n3", False, True, True], ["u4", "n4", False, False, True]]


def key(number: int) -> str:
    return f"ssh-rsa AAAA{number} root@n{number}"


@pytest.fixture
def keys():
    sshkeys.write_pair(sshkeys.user_key_files("rsa")[0], "private", key(1))
    public = sshkeys.PublicKeys()
    public.override({"u1": [key(1)], "u2": [key(2)], "u3": [key(3)]})
    sshkeys.add_authorized(sshkeys.authorized_keys_file(), [key(1), key(2)])
    return public


def setup_problems():
    return ask(constants.NV_SSH_SETUP, [ALL, "rsa"])


def test_good_key_files_pass(keys):
    assert setup_problems() == []


def test_missing_and_surplus_keys_are_named(keys):
    keys.override({"u1": [key(1)], "u2": [key(2)], "u4": [key(4)]})
    assert [text.split(" ", 1)[1] for text in setup_problems()] == [
        "lacks the key of node n3", "has a key of n4, which can not become master"]


def test_a_candidate_that_is_not_let_in_is_named(keys):
    sshkeys.remove_authorized(sshkeys.authorized_keys_file(), [key(2)])
    [text] = setup_problems()
    assert text.startswith("the key of master candidate n2 is missing in")


def test_others_must_not_be_let_in(keys):
    sshkeys.add_authorized(sshkeys.authorized_keys_file(), [key(3)])
    [text] = setup_problems()
    assert text.endswith("lets n3 in, which is no master candidate")


def test_the_own_key_has_to_be_the_listed_one(keys):
    sshkeys.write_pair(sshkeys.user_key_files("rsa")[0], "private", key(9))
    [text] = setup_problems()
    assert "is not the one listed for this node" in text


def test_old_keys_are_clutter(keys):
    assert ask(constants.NV_SSH_CLUTTER, "rsa") == []
    sshkeys.add_authorized(sshkeys.authorized_keys_file(), ["ssh-rsa AAAA7 root@n2"])
    [text] = ask(constants.NV_SSH_CLUTTER, "rsa")
    assert text.endswith("has 2 keys of root@n2")
