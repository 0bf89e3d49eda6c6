"""Candidates follow the master's versions by differences, and end up with the same file."""

import types

import pytest

from ganeti import errors, objects
from ganeti.config import files, handover, store
from ganeti.utils import io, patchedfile
from test.unit.config.conftest import make_config

RULE = "88888888-0000-4000-8000-000000000001"


class Nodes:
    """Candidates by uuid, each with a file; calls to those in ``deaf`` fail."""

    def __init__(self, directory, uuids):
        self.copies = {uuid: patchedfile.PatchedFile(str(directory / uuid)) for uuid in uuids}
        self.deaf = set()
        self.uploads = []

    def multi_within(self, _seconds, uuids, name, *args):
        return {uuid: self._call(uuid, name.removeprefix("config_"), args) for uuid in uuids}

    def _call(self, uuid, name, args):
        answer = types.SimpleNamespace(fail_msg="", payload=None)
        try:
            if uuid in self.deaf:
                raise errors.RpcError("no answer")
            answer.payload = getattr(self.copies[uuid], name)(*args)
        except errors.GenericError as err:
            answer.fail_msg = str(err)
        return answer

    def upload(self, uuid, data):
        self.uploads.append(uuid)
        self.copies[uuid].replace(data, mode=0o640)


class Distributor:
    """What ``distribute.Distribution`` does with the configuration itself."""

    def __init__(self, nodes):
        self.nodes, self.handover = nodes, handover.Handover(nodes)

    def distribute(self, _config, encoded):
        done = self.handover.send(encoded, list(self.nodes.copies))
        for uuid in set(self.nodes.copies) - done:
            self.nodes.upload(uuid, encoded)
            self.handover.note(encoded, [uuid])

    def settle(self):
        self.handover.settle()

    def include_all(self):
        """Nobody is left out here."""


def change(cfg, number):
    with cfg.edit() as draft:
        draft.put(objects.FilterRule(uuid=RULE, watermark=number, priority=0, predicates=[],
                                     action="CONTINUE", reason_trail=[]))
    cfg.wait_durable()


@pytest.fixture
def nodes(tmp_path):
    return Nodes(tmp_path, ["first", "second"])


@pytest.fixture
def cfg(tmp_path, nodes, monkeypatch):
    monkeypatch.setattr(files, "SHORT", 0)
    monkeypatch.setattr(store, "SETTLE_SECONDS", 0.02)
    path = str(tmp_path / "config.data")
    files.write(path, make_config().encode())
    made = store.ConfigStore.load(path)
    made.start(Distributor(nodes))
    made.rewrite()
    yield made
    made.stop()


def test_differences_after_the_first_version(cfg, nodes, tmp_path):
    for number in range(1, 120):
        change(cfg, number)
        expected = cfg.snapshot.encode()
        assert {patchedfile.read(str(tmp_path / uuid)) for uuid in nodes.copies} == {expected}
    assert sorted(nodes.uploads) == ["first", "second"]
    cfg.stop()
    for name in ("config.data", "first", "second"):
        assert io.read_bytes(str(tmp_path / name)) == cfg.snapshot.encode()
    assert not list(tmp_path.glob("*.journal"))


def test_who_missed_a_difference_gets_the_whole(cfg, nodes, tmp_path):
    change(cfg, 1)
    nodes.deaf = {"second"}
    change(cfg, 2)
    nodes.deaf = set()
    nodes.copies["first"].replace(b"something else\n", mode=0o640)
    change(cfg, 3)
    assert sorted(nodes.uploads) == ["first", "first", "second", "second"]
    assert {patchedfile.read(str(tmp_path / uuid)) for uuid in nodes.copies} == {
        cfg.snapshot.encode()}
