"""The one place that writes and reads JSON, signs it, and hides secrets in it.

What is written where is not decided here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from ganeti import errors

REDACTED = "<redacted>"


class Private:
    """A value that prints as <redacted> and is written only on request."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value: Any = value.get() if isinstance(value, Private) else value

    def get(self) -> Any:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Private) and self._value == other._value

    def __hash__(self) -> int:
        return hash(("Private", repr(type(self._value))))

    def __bool__(self) -> bool:
        return bool(self._value)


def reveal(value: Any) -> Any:
    """A value with all its Private wrappers taken off, at every depth."""
    if isinstance(value, Private):
        return reveal(value.get())
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [reveal(item) for item in value]
    return value


def _redact(value: Any) -> Any:
    return _foreign(value, lambda private: REDACTED)


def _reveal(value: Any) -> Any:
    return _foreign(value, lambda private: private.get())


def _foreign(value: Any, private: Any) -> Any:
    if isinstance(value, Private):
        return private(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    to_dict = getattr(value, "to_dict", None)
    if to_dict is not None:
        return to_dict()
    if hasattr(value, "keys") and hasattr(value, "__getitem__"):
        return {key: value[key] for key in value.keys()}  # noqa: SIM118 - frozen mappings
    raise TypeError(f"{type(value).__name__} can not be written as JSON")


_COMPACT = json.JSONEncoder(separators=(",", ":"), default=_redact, check_circular=False).encode
_COMPACT_PRIVATE = json.JSONEncoder(separators=(",", ":"), default=_reveal,
                                    check_circular=False).encode


def dumps(value: Any, *, private: bool = False, indent: int | None = None,
          spaced: bool = False) -> str:
    """JSON text; `private` writes the secrets, else they become <redacted>.

    Compact unless `indent`, or `spaced` for the separators ', ' and ': ', is asked for.
    """
    if indent is not None or spaced:
        return json.dumps(value, indent=indent, default=_reveal if private else _redact)
    return _COMPACT_PRIVATE(value) if private else _COMPACT(value)


def dump(value: Any, *, private: bool = False, indent: int | None = None) -> bytes:
    """The same as UTF-8 bytes."""
    return dumps(value, private=private, indent=indent).encode("utf-8")


def load(data: bytes | bytearray | str, what: str = "JSON text") -> Any:
    """Read JSON; the error says what could not be read and at which place."""
    try:
        text = data if isinstance(data, str) else bytes(data).decode("utf-8")
        return json.loads(text)
    except UnicodeDecodeError as err:
        raise errors.ParseError(f"{what} is no UTF-8: byte {err.start}") from None
    except RecursionError:
        raise errors.ParseError(f"{what} is nested too deeply") from None
    except ValueError as err:
        raise errors.ParseError(f"{what} is no valid JSON: {err}") from None


def _signature(text: str, key: str, salt: str) -> str:
    return hmac.new(key.encode(), (salt + text).encode(), hashlib.sha1).hexdigest()


def dump_signed(value: Any, key: str, salt: str = "", *, private: bool = False,
                key_selector: str | None = None) -> str:
    """JSON of an envelope {msg, salt, hmac} around the JSON of a value."""
    text = dumps(value, private=private)
    envelope = {"msg": text, "salt": salt}
    if key_selector:
        envelope["key_selector"] = key_selector
    envelope["hmac"] = _signature(text, key, salt + (key_selector or ""))
    return dumps(envelope)


def load_signed(data: bytes | str, key: str) -> tuple[Any, str]:
    """The value and the salt of a signed envelope; SignatureError when it is not genuine."""
    try:
        envelope = load(data, "The signed message")
    except errors.ParseError as err:
        raise errors.SignatureError(str(err)) from None
    fields = ("msg", "salt", "hmac")
    if not isinstance(envelope, dict) or not all(
            isinstance(envelope.get(field), str) for field in fields):
        raise errors.SignatureError("The signed message has not the fields msg, salt and hmac")
    selector = envelope.get("key_selector", "")
    expected = _signature(envelope["msg"], key, f"{envelope['salt']}{selector}")
    if not hmac.compare_digest(expected.encode(), envelope["hmac"].encode()):
        raise errors.SignatureError("The signature of the message is wrong")
    try:
        return load(envelope["msg"], "The signed message"), envelope["salt"]
    except errors.ParseError as err:
        raise errors.SignatureError(str(err)) from None


def sign(text: str, key: str, salt: str = "") -> str:
    """Hexadecimal HMAC-SHA1 of a salted text."""
    return _signature(text, key, salt)


def verify(text: str, key: str, digest: str, salt: str = "") -> bool:
    """Whether a HMAC fits a salted text."""
    return hmac.compare_digest(_signature(text, key, salt).encode(), digest.encode())
