"""Framing and documents of LUXI, fed with what a socket may bring."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti import errors
from ganeti.luxi import protocol

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=50)
VALUES = st.recursive(st.none() | st.booleans() | st.integers(-10**9, 10**9) | TEXT,
                      lambda inner: st.lists(inner, max_size=3), max_leaves=6)


@given(st.lists(VALUES, max_size=5), st.integers(1, 40))
def test_messages_arrive_whole_however_they_are_cut(values, size):
    stream = b"".join(protocol.encode_request("Query", [value]) for value in values)
    framer = protocol.Framer()
    seen = []
    for start in range(0, len(stream), size):
        seen += framer.feed(stream[start:start + size])
    assert [protocol.decode_request(message).args for message in seen] == [[v] for v in values]
    assert framer.pending == 0


@given(st.binary(max_size=200))
def test_garbage_is_never_anything_but_a_clear_error(data):
    try:
        protocol.decode_request(data)
    except errors.LuxiError as err:
        assert str(err)
        assert "\n" not in str(err)
    else:
        assert isinstance(json.loads(data)["args"], list)


def test_oversize_is_refused_before_it_is_complete():
    framer = protocol.Framer(limit=100)
    framer.feed(b"x" * 90)
    with pytest.raises(protocol.ProtocolError, match="longer than 100 bytes"):
        framer.feed(b"x" * 20)
    with pytest.raises(protocol.ProtocolError):
        protocol.Framer(limit=100).feed(b"x" * 101 + protocol.END)


def test_another_version_is_refused_by_both_ends():
    text = json.dumps({"method": "Query", "args": [], "version": 2000000}).encode()
    with pytest.raises(errors.LuxiError, match="2000000"):
        protocol.decode_request(text)
    with pytest.raises(errors.LuxiError, match="2000000"):
        protocol.decode_reply(b'{"success": true, "result": 1, "version": 2000000}')


def test_failures_come_back_as_the_errors_they_were():
    refusal = errors.OpPrereqError("no such node", errors.ECODE_NOENT)
    reply = protocol.encode_reply(False, errors.encode(refusal))
    with pytest.raises(errors.OpPrereqError) as caught:
        protocol.decode_reply(reply[:-1])
    assert caught.value.args == refusal.args


def test_the_catalogue_has_25_methods():
    assert len(protocol.METHODS) == 25
    assert protocol.METHODS > protocol.READ_ONLY
    assert protocol.REQ_SUBMIT_JOB not in protocol.READ_ONLY
