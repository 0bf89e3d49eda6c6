"""Files that the master sends to a node, and the hosts file."""

import os

import pytest

from ganeti import errors, pathutils, ssconf
from ganeti.backend import files
from ganeti.rpc.kinds import FileDetails


@pytest.fixture(autouse=True)
def _fresh_list():
    files._allowed_files.cache_clear()
    yield
    files._allowed_files.cache_clear()


def details(path, data=b"text", mode=0o640, user="root", group="root"):
    return FileDetails(path, data, mode, user, group, 1000.0, 2000.0)


def test_a_file_of_the_list_is_stored_with_mode_and_time():
    files.upload_file(details("/var/lib/ganeti/hmac.key", b"\xff secret"))
    status = os.stat(pathutils.CONFD_HMAC_KEY)
    assert (status.st_mode & 0o777, status.st_mtime) == (0o640, 2000)
    with open(pathutils.CONFD_HMAC_KEY, "rb") as stream:
        assert stream.read() == b"\xff secret"


def test_paths_of_another_virtual_root_land_in_the_own_one():
    files.upload_file(details("/###-VIRTUAL-PATH-###,/var/lib/ganeti/rapi/users"))
    assert os.path.exists(pathutils.RAPI_USERS_FILE)


@pytest.mark.parametrize("path", [
    "/etc/passwd", "/var/lib/ganeti/client.pem",
    "/var/lib/ganeti/../../../etc/shadow", "", "relative", "/var/lib/ganeti/rapi/../hmac.key"])
def test_other_files_are_refused(path):
    with pytest.raises(errors.OpExecError, match="none of those"):
        files.upload_file(details(path))


@pytest.mark.parametrize(("change", "words"), [
    ({"mode": 0o4755}, "Wrong mode"), ({"mode": "640"}, "Wrong mode"),
    ({"user": "no-such-user"}, "no user 'no-such-user'"),
    ({"group": "no-such-group"}, "no group 'no-such-group'")])
def test_wrong_details_are_named(change, words):
    if os.geteuid() != 0 and "no " in words:
        pytest.skip("only root gives files away")
    with pytest.raises(errors.GenericError, match=words):
        files.upload_file(details("/var/lib/ganeti/hmac.key", **change))
    assert not os.path.exists(pathutils.CONFD_HMAC_KEY)


def test_separate_arguments_do_the_same(monkeypatch):
    monkeypatch.setattr(files, "_start_confd", lambda: None)
    files.upload_file_single("/var/lib/ganeti/config.data", "{}", 0o600, "root", 0, 1.0, 2.0)
    assert os.stat(pathutils.CLUSTER_CONF_FILE).st_mode & 0o777 == 0o600


def test_ssconf_files():
    files.write_ssconf_files({"cluster_name": "c1", "node_list": "n1\nn2"})
    store = ssconf.SimpleStore()
    assert store.cluster_name() == "c1"
    assert store.nodes() == ["n1", "n2"]
    with pytest.raises(errors.ProgrammerError, match="nonsense"):
        files.write_ssconf_files({"nonsense": "x", "cluster_name": "c2"})
    assert store.cluster_name() == "c1"


def test_facts_of_a_file():
    assert files.get_file_info("/var/lib/ganeti/none") == [False, {}]
    with open(pathutils.RAPI_CERT_FILE, "w", encoding="ascii") as stream:
        stream.write("12345")
    assert files.get_file_info("/var/lib/ganeti/rapi.pem") == [True, {"size": 5}]


def hosts(*lines):
    with open(pathutils.ETC_HOSTS, "w", encoding="utf-8") as stream:
        stream.write("".join(f"{line}\n" for line in lines))


def hosts_lines():
    with open(pathutils.ETC_HOSTS, encoding="utf-8") as stream:
        return stream.read().splitlines()


def test_a_host_is_entered_once_with_its_short_name():
    hosts("127.0.0.1 localhost", "# a comment")
    for _ in range(2):
        assert files.etc_hosts_modify("add", "n2.example.org", "192.0.2.2")
    assert hosts_lines() == ["127.0.0.1 localhost", "# a comment",
                             "192.0.2.2\tn2.example.org n2"]
    files.etc_hosts_modify("add", "n2.example.org", "192.0.2.9")
    assert hosts_lines()[-1] == "192.0.2.9\tn2.example.org n2"
    assert len(hosts_lines()) == 3


def test_a_host_is_taken_out_and_others_of_its_line_stay():
    hosts("192.0.2.2 n2.example.org n2 printer", "192.0.2.3 n3.example.org n3",
          "192.0.2.22 n22.example.org")
    files.etc_hosts_modify("remove", "n2.example.org", None)
    files.etc_hosts_modify("remove", "n3.example.org", None)
    assert hosts_lines() == ["192.0.2.2\tprinter", "192.0.2.22 n22.example.org"]


@pytest.mark.parametrize("args", [("add", "n2", None), ("remove", "n2", "192.0.2.2"),
                                  ("replace", "n2", "192.0.2.2")])
def test_wrong_changes_of_hosts_are_refused(args):
    with pytest.raises(errors.ParameterError):
        files.etc_hosts_modify(*args)


def test_a_hosts_file_that_can_only_be_written_in_place(monkeypatch):
    hosts("127.0.0.1 localhost and a rather long rest of the line")

    def refuse(*_args, **_kwargs):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(files.io, "write_file", refuse)
    files.etc_hosts_modify("remove", "localhost", None)
    assert hosts_lines() == ["127.0.0.1\tand a rather long rest of the line"]
