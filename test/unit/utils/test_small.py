"""Tags, UUIDs, retrying, addresses."""

import pytest

from ganeti import errors, pathutils
from ganeti.utils import net, retry, tags, uuid


@pytest.mark.parametrize("good", ["a", "a.b+c*d/e:f@g-h_i", "x" * 128, "Ü1"])
def test_tags(good):
    assert tags.check(good) == good


@pytest.mark.parametrize(("bad", "why"), [
    ("", "not empty"), ("a b", "characters other"), ("x" * 129, "129 characters"),
    ("a\n", "characters other"), ("a,b", "characters other"), (None, "not empty")])
def test_no_tags(bad, why):
    with pytest.raises(errors.TagError, match=why):
        tags.check(bad)


def test_adding_and_removing_tags():
    assert tags.add(["a"], ["b", "a"]) == {"a", "b"}
    assert tags.remove(["a", "b"], ["b"]) == {"a"}
    with pytest.raises(errors.OpPrereqError, match="not found: x, y"):
        tags.remove(["a"], ["y", "x"])
    with pytest.raises(errors.TagError, match="4096"):
        tags.add([str(n) for n in range(4096)], ["one-more"])


def test_uuids():
    made = {uuid.new() for _ in range(100)}
    assert len(made) == 100
    assert all(uuid.is_uuid(one) and one[14] == "4" and one[19] in "89ab" for one in made)
    assert not uuid.is_uuid("x") and not uuid.is_uuid(next(iter(made)).upper())


def test_retry():
    calls = []

    def attempt():
        calls.append(1)
        if len(calls) < 3:
            raise retry.RetryAgain(len(calls))
        return "done"

    assert retry.retry(attempt, 0.001, 5) == "done"
    with pytest.raises(retry.RetryTimeout):
        calls.clear()
        retry.retry(attempt, 0.001, 0)
    assert retry.wait_until(lambda: True, 0)
    assert not retry.wait_until(lambda: False, 0.01, 0.001)


def test_host_names():
    assert net.normalize_name("Node1.Example.ORG.") == "node1.example.org"
    for wrong in ("", "a b", "-x..y", "x" * 64, "a." * 200, "ä"):
        with pytest.raises(errors.OpPrereqError, match="not a valid host name"):
            net.normalize_name(wrong)


def test_resolving(monkeypatch, tmp_path):
    assert net.resolve("10.1.2.3") == "10.1.2.3"
    with pytest.raises(errors.ResolverError, match="nowhere.invalid"):
        net.resolve("nowhere.invalid")
    with pytest.raises(errors.ResolverError):
        net.resolve("a" * 70)
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.9.1 node1.example.org node1 # comment\n\n127.0.9.2 node2\n")
    monkeypatch.setattr(pathutils, "ROOT", str(tmp_path))
    monkeypatch.setattr(pathutils, "ETC_HOSTS", str(hosts))
    assert net.lookup("NODE1") == ("node1.example.org", "127.0.9.1")
    assert net.resolve("node2") == "127.0.9.2"
    monkeypatch.setenv("GANETI_HOSTNAME", "node2")
    assert net.hostname() == "node2"
    assert net.default_bind() == net.own_service_address() == "127.0.9.2"


def test_a_real_nodes_daemons():
    assert (net.default_bind(), net.own_service_address()) == ("0.0.0.0", "127.0.0.1")


def test_addresses():
    assert net.is_ip("::1") and net.is_ip("1.2.3.4") and not net.is_ip("1.2.3")
    assert net.ip_version("::1") == 6
    with pytest.raises(errors.IPAddressError):
        net.ip_version("x")
    assert net.is_own_address("127.0.5.6") and not net.is_own_address("192.0.2.1")
    assert net.format_address("::1", 80) == "[::1]:80"
    assert "127.0.0.1" in net.own_addresses()
    assert net.interface_addresses("no-such0") == []


def test_tcp_ping():
    port = net.free_port()
    assert net.tcp_ping("127.0.0.1", port, timeout=1)
    assert not net.tcp_ping("127.0.0.1", port, timeout=1, live_port_needed=True)
    assert not net.tcp_ping("nowhere.invalid", port, timeout=1)


def test_ports():
    assert net.daemon_port("ganeti-rapi") == 5080
    port = net.free_port("127.0.0.1", 20000, 20500)
    assert 20000 <= port <= 20500
