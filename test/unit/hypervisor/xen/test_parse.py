"""What `xl` prints is understood: recorded answers, and what may come in other places."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti import errors
from ganeti.hypervisor.xen import parse, xl
from ganeti.hypervisor.xen.driver import _info
from ganeti.utils import process

RECORDED = Path(__file__).parent / "recorded"
GUEST = "guest1.example.org"


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


def failed(name: str) -> process.Result:
    return process.Result("xl", 1, None, "", recorded(name))


def test_dom0_alone():
    for name in ("list-empty.txt", "list-v-empty.txt"):
        [dom0] = parse.domains(recorded(name))
        assert (dom0.name, dom0.id, dom0.memory, dom0.vcpus) == ("Domain-0", 0, 320, 1)
        assert parse.guests([dom0]) == []


def test_a_paused_guest():
    for name, reason in (("list-paused.txt", None), ("list-v-paused.txt", None)):
        _, guest = parse.domains(recorded(name))
        assert (guest.name, guest.id, guest.memory, guest.flags) == (GUEST, 2, 96, "--p---")
        assert (guest.reason, guest.ended, guest.shut_down) == (reason, False, False)


def test_an_idle_guest():
    _, guest = parse.domains(recorded("list-v-blocked.txt"))
    assert (guest.memory, guest.vcpus, guest.time) == (112, 2, 6.7)
    info = _info(guest)
    assert info is not None and (info.state, info.memory) == (0, 112)


def test_a_guest_that_reboots_counts_as_running():
    _, guest = parse.domains(recorded("list-v-reboots.txt"))
    assert (guest.flags, guest.reason, guest.shut_down) == ("---sr-", parse.REASON_REBOOT, True)
    assert not guest.ended and not guest.powered_off and not guest.crashed
    assert _info(guest) is not None


def test_a_crashed_guest_does_not_run():
    _, guest = parse.domains(recorded("list-v-crashed.txt"))
    assert guest.crashed and guest.ended and not guest.powered_off
    assert _info(guest) is None


HEADING = recorded("list-v-empty.txt").splitlines()[0]


def line(name: str, flags: str, reason: str = "-", number: int = 7) -> parse.Domain:
    text = (f"{HEADING}\n{name:<40} {number:5}  2048     4     {flags}     12.5"
            f" 00000000-0000-0000-0000-00000000000a {reason:>8} {'-':>16}\n")
    [found] = parse.domains(text)
    return found


def test_a_guest_switched_off_from_inside_is_told_apart():
    found = line("a", "---s--", "0")
    assert found.powered_off and found.ended
    info = _info(found)
    assert info is not None and info.state == 1


def test_a_guest_that_is_being_saved_runs():
    found = line("a", "---ss-", "2")
    info = _info(found)
    assert not found.ended and info is not None and info.state == 0


def test_dying_domains_are_no_guests():
    for found in (line("a", "--ps-d"), line("(null)", "--p--d"), line("(null)", "------")):
        assert found.dying and found.ended
        assert parse.guests([found]) == []
        assert _info(found) is None


def test_guests_on_their_way_are_not_listed():
    assert parse.guests([line("a--incoming", "--p---"), line("a--migratedaway", "---ss-")]) == []


def test_long_names_push_the_columns():
    name = "instance-with-a-long-name.department.region.example.org"
    assert line(name, "-b----").name == name


@pytest.mark.parametrize("text", ["", "Xen is asleep\n", HEADING + "\nguest1 2 much\n"])
def test_what_is_no_list_is_named(text):
    with pytest.raises(errors.HypervisorError, match="xl list"):
        parse.domains(text)


def test_types_of_guests():
    assert parse.types(recorded("list-l.txt"))[GUEST] == "pv"
    for text in ("", "[3]", '[{"config": 1}]', '{"config": {}}'):
        with pytest.raises(errors.HypervisorError, match="xl list -l"):
            parse.types(text)


def test_types_in_configurations():
    assert parse.configured_type('name = "x"\ntype = "pvh"\n') == "pvh"
    assert parse.configured_type("builder = 'hvm'\n") == "hvm"
    assert parse.configured_type("kernel = '/x'\n") == "pv"


def test_the_node():
    dom0 = parse.domains(recorded("list-empty.txt"))[0]
    assert parse.node_info(parse.info(recorded("info.txt")), dom0) == {
        "memory_total": 767, "memory_free": 436, "memory_dom0": 320, "cpu_total": 1,
        "cpu_nodes": 1, "cpu_sockets": 1, "cpu_dom0": 1, "hv_version": [4, 17]}
    assert parse.node_info({}, None) == {}
    big = {"nr_cpus": "64", "cores_per_socket": "16", "threads_per_core": "2"}
    assert parse.node_info(big, None) == {"cpu_total": 64, "cpu_sockets": 2}


def test_progress():
    assert parse.frames("") is None
    said = recorded("save-restore.err")
    assert parse.frames(said.partition("58%")[0]) == (14336, 24576)


def test_what_only_follows_is_left_out():
    text = xl.explain(recorded("create-no-kernel.err"))
    assert "failed to open file '/nonexistent'" in text
    assert "Unable to destroy" not in text and "libxl_dom.c" not in text


@pytest.mark.parametrize(("name", "hint"), [
    ("create-no-memory.err", "dom0_mem"),
    ("create-too-small.err", "too little memory for its kernel"),
    ("migrate-no-logdirty.err", "--non-live"),
])
def test_failures_come_with_what_to_do(name, hint):
    assert hint in xl.explain(recorded(name))


def test_the_missing_domain_is_recognised():
    assert xl.is_unknown_domain(failed("list-missing.err"))
    for name in ("mem-set-too-much.err", "migrate-no-receiver.err"):
        assert not xl.is_unknown_domain(failed(name))


def test_without_tools_the_package_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(errors.HypervisorError, match="xen-utils"):
        xl.run("list")
