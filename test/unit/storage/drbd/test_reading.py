"""What DRBD tells: /proc/drbd, status and show of both versions, generation identifiers."""

from __future__ import annotations

import itertools
import pathlib

import pytest

from ganeti import errors
from ganeti.storage.drbd import generations, show, status
from ganeti.storage.drbd.generations import Relation

DATA = pathlib.Path(__file__).parents[3] / "data/drbd"


def proc(name: str) -> status.Mirror:
    return status.parse_proc((DATA / f"proc-{name}.txt").read_text())[0]


def test_a_running_synchronisation():
    found = proc("resync")
    assert (found.connection, found.role, found.peer_role) == ("SyncSource", "Primary", "Secondary")
    assert (found.percent, found.estimated, found.out_of_sync) == (27.3, 3, 100352)
    assert found.resyncing and found.up_to_date and not found.connected and not found.passing


def test_a_paused_one_has_no_end():
    found = proc("paused")
    assert found.resyncing and found.percent == 0.0 and found.estimated is None


def test_a_split_brain_leaves_a_lonely_copy():
    found = proc("split")
    assert found.standalone and found.up_to_date and found.out_of_sync == 512
    assert found.percent is None


def test_a_lost_disk():
    found = proc("diskless")
    assert found.diskless and found.connected and found.peer_disk == "UpToDate"


def test_a_minor_that_was_only_made():
    found = proc("unconfigured")
    assert not found.configured and found.diskless and found.role == status.UNKNOWN


def test_several_minors_keep_their_own_lines():
    text = (DATA / "proc-resync.txt").read_text() + (
        "\n12: cs:WFConnection ro:Secondary/Unknown ds:UpToDate/DUnknown C r-----\n"
        "    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:7\n")
    found = status.parse_proc(text)
    assert sorted(found) == [0, 12]
    assert found[12].percent is None and found[12].out_of_sync == 7
    assert found[0].percent == 27.3


def test_versions():
    assert status.version((DATA / "proc-split.txt").read_text()) == ("8.4.11", 8)
    assert status.version("version: 9.1.13 (api:2/proto:110-121)\n") == ("9.1.13", 9)
    with pytest.raises(errors.BlockDeviceError, match="no version"):
        status.version("nonsense")


def test_version_9_speaks_of_the_same_states():
    found = status.parse_json((DATA / "status-9.json").read_text())
    syncing, waiting, diskless = found[0], found[7], found[8]
    assert (syncing.connection, syncing.percent, syncing.estimated) == ("SyncSource", 50.0, 12)
    assert waiting.connection == status.WAITING and waiting.out_of_sync == 4
    assert diskless.connected and diskless.diskless and not diskless.primary
    with pytest.raises(errors.BlockDeviceError, match="Can not read"):
        status.parse_json('[{"name": "x"}]')


@pytest.mark.parametrize(("name", "wanted"), [
    ("waiting", ("/dev/xenvg/disk0_data", "ipv4:10.77.0.1:11000", "ipv4:10.77.0.2:11000", False)),
    ("standalone", ("/dev/xenvg/disk0_data", None, None, False)),
    ("diskless", (None, "ipv4:10.77.0.1:11000", "ipv4:10.77.0.2:11000", False)),
    ("bare", (None, None, None, False)),
    ("9", ("/dev/xenvg/disk0_data", "ipv4:10.77.0.1:11000", "ipv4:10.77.0.2:11000", True)),
])
def test_what_a_resource_is_configured_to(name, wanted):
    found = show.configured((DATA / f"show-{name}.txt").read_text())
    assert (found.data, found.local, found.remote, found.two_primaries) == wanted
    assert (found.meta is None) == (found.data is None)


def test_two_primaries_in_8_4():
    text = (DATA / "show-waiting.txt").read_text().replace(
        "net {", "net {\n        allow-two-primaries\tyes;")
    assert show.configured(text).two_primaries


def test_version_9_after_a_split_brain_knows_its_peer_but_looks_for_nobody():
    text = (DATA / "show-9.txt").read_text().replace(
        "_peer_node_id 1;", "_peer_node_id 1;\n        _is_standalone;")
    found = show.configured(text)
    assert found.idle_peer and found.remote is None and found.data


@pytest.mark.parametrize("text", ["resource x {", "}", "a { b } ", 'x "unfinished'])
def test_broken_output_is_refused(text):
    with pytest.raises(errors.BlockDeviceError):
        show.parse(text)


# Generations -----------------------------------------------------------------------------------

LINES = [line for line in (DATA / "generations.txt").read_text().splitlines()
         if not line.startswith("#")]
CREATED, FORCED, PRIMARY, SECONDARY, ALONE_A, ALONE_B, SETTLED = map(generations.parse, LINES)


@pytest.mark.parametrize(("first", "second", "relation"), [
    (CREATED, CREATED, Relation.EQUAL), (FORCED, CREATED, Relation.NEWER),
    (PRIMARY, SECONDARY, Relation.EQUAL), (ALONE_A, SECONDARY, Relation.NEWER),
    (SECONDARY, ALONE_B, Relation.OLDER), (ALONE_A, ALONE_B, Relation.SPLIT),
    (SETTLED, ALONE_A, Relation.EQUAL), (SETTLED, PRIMARY, Relation.NEWER),
    (generations.Generation(0x10, 0, ()), generations.Generation(0x20, 0, ()),
     Relation.UNRELATED),
])
def test_which_copy_is_newer(first, second, relation):
    assert generations.compare(first, second) is relation


def test_the_comparison_is_the_same_from_both_sides():
    mirrored = {Relation.NEWER: Relation.OLDER, Relation.OLDER: Relation.NEWER}
    for first, second in itertools.product(
            [CREATED, FORCED, PRIMARY, ALONE_A, ALONE_B, SETTLED], repeat=2):
        there = generations.compare(first, second)
        assert generations.compare(second, first) is mirrored.get(there, there)


@pytest.mark.parametrize("text", ["", "Device has no disk", "xyz:1:2", "0:0:0"])
def test_other_words_are_no_generation(text):
    with pytest.raises(errors.BlockDeviceError, match="Can not read"):
        generations.parse(text)
