"""Tags of every kind of object."""

from __future__ import annotations

import pytest

from ganeti import errors, opcodes


def test_set_search_and_delete(master):
    master.run(opcodes.OpTagsSet(kind="node", name="node2.example.com", tags=["b", "a"]))
    master.run(opcodes.OpTagsSet(kind="cluster", tags=["a"]))
    assert master.run(opcodes.OpTagsGet(kind="node", name="node2")) == ["a", "b"]
    assert master.run(opcodes.OpTagsSearch(pattern="^a$")) == [
        ["/cluster", "a"], ["/nodes/node2.example.com", "a"]]
    master.run(opcodes.OpTagsDel(kind="node", name="node2.example.com", tags=["a"]))
    assert master.run(opcodes.OpTagsGet(kind="node", name="node2", use_locking=True)) == ["b"]


@pytest.mark.parametrize(("op", "text", "code"), [
    (opcodes.OpTagsSet(kind="node", name="node9", tags=["a"]), "node9", errors.ECODE_NOENT),
    (opcodes.OpTagsSet(kind="instance", tags=["a"]), "need the name", errors.ECODE_INVAL),
    (opcodes.OpTagsSet(kind="cluster", tags=["a b"]), "characters", errors.ECODE_INVAL),
    (opcodes.OpTagsDel(kind="cluster", tags=["gone"]), "gone", errors.ECODE_NOENT),
    (opcodes.OpTagsSearch(pattern="("), "regular expression", errors.ECODE_INVAL),
])
def test_refusals(master, op, text, code):
    with pytest.raises(errors.OpPrereqError, match=text) as info:
        master.run(op)
    assert info.value.args[1] == code
    assert list(master.config.cluster.tags) == []
