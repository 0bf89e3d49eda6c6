"""JSON, signatures, and secrets in them."""

import json

import pytest

from ganeti import errors, serializer


def test_secrets_are_written_only_on_request():
    value = {"a": [serializer.Private({"pw": serializer.Private("hush")})]}
    assert json.loads(serializer.dumps(value)) == {"a": ["<redacted>"]}
    assert json.loads(serializer.dump(value, private=True)) == {"a": [{"pw": "hush"}]}
    assert serializer.reveal(value) == {"a": [{"pw": "hush"}]}


def test_private_prints_redacted_everywhere():
    secret = serializer.Private("hush")
    assert f"{secret} {secret!r} {secret:>5} {[secret]}" == "<redacted> " * 3 + "[<redacted>]"
    assert secret == serializer.Private("hush") and secret != serializer.Private("x")
    assert not serializer.Private("")
    assert serializer.Private(secret).get() == "hush"


def test_objects_of_ours_are_written_by_their_to_dict():
    class Thing:
        def to_dict(self):
            return {"x": 1}
    assert serializer.dumps([Thing(), {3, 1}]) == '[{"x":1},[1,3]]'
    with pytest.raises(TypeError):
        serializer.dumps(object())


@pytest.mark.parametrize("garbage", [b"\xff\xfe", b"{", "", "[" * 100000, b"nul"])
def test_garbage_is_one_clear_error(garbage):
    with pytest.raises(errors.ParseError, match="^The file "):
        serializer.load(garbage, "The file")


def test_signed_messages_survive_and_changed_ones_do_not():
    text = serializer.dump_signed({"a": 1}, "key", "salt")
    assert serializer.load_signed(text, "key") == ({"a": 1}, "salt")
    with pytest.raises(errors.SignatureError):
        serializer.load_signed(text, "other")
    with pytest.raises(errors.SignatureError):
        serializer.load_signed(text.replace("1", "2", 1), "key")
    for garbage in ("", "[]", "{}", '{"msg": 1, "salt": "", "hmac": ""}'):
        with pytest.raises(errors.SignatureError):
            serializer.load_signed(garbage, "key")


def test_signature_is_hmac_sha1_over_salt_and_text():
    # printf saltmessage | openssl dgst -sha1 -hmac key
    digest = "55eb1718892a9842451a4004056ea750c6499d1a"
    assert serializer.sign("message", "key", "salt") == digest
    assert serializer.verify("message", "key", digest, "salt")
    assert not serializer.verify("message", "key", digest, "other")
