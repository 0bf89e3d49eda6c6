"""The users file."""

import hashlib
import logging

import pytest

from ganeti.rapi import auth


def test_forms_of_passwords():
    digest = hashlib.md5(b"jack:Ganeti Remote API:abc").hexdigest()
    users = auth.parse_users(
        f"# c\n\njack {{HA1}}{digest.upper()} write\njill {{ha1}}{digest}\n"
        "joe {CLEARTEXT}{x} read,write\njim p\n")
    assert users["jack"].accepts("abc") and not users["jack"].accepts("abd")
    assert not users["jill"].accepts("abc")
    assert users["joe"].accepts("{x}") and users["joe"].rights == {"read", "write"}
    assert users["jim"].accepts("p") and users["jim"].rights == frozenset()
    assert auth.hashed("jack", "abc") == "{HA1}" + digest


@pytest.mark.parametrize("line", ["x", "x {MD5}abc", "x {HA1", "a b c d"])
def test_a_wrong_line_is_told_and_keeps_nobody_else_out(line, caplog):
    with caplog.at_level(logging.ERROR):
        assert list(auth.parse_users(f"{line}\njim p\n")) == ["jim"]
    assert "line 1" in caplog.text and "abc" not in caplog.text


def test_unreadable_file_keeps_the_users(tmp_path, caplog):
    path = tmp_path / "users"
    users = auth.Users(str(path))
    assert users.get("jim") is None
    path.write_text("jim p\n")
    assert users.get("jim") is not None
    path.write_bytes(b"\xff\xff")
    assert users.get("jim") is not None
    assert "stays as it was" in caplog.text


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Basic YQ==", "Digest x",
                                    "Basic /////w=="])
def test_no_credentials(header):
    assert auth.parse_basic(header) is None


def test_credentials_with_colons():
    assert auth.parse_basic("basic YTpiOmM=") == ("a", "b:c")


def test_secrets_do_not_show():
    assert "hush" not in repr(auth.parse_line("jim hush write"))
