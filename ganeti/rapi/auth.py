"""The users file: who may come in, and with which rights."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import os
import threading
from dataclasses import dataclass, field

from ganeti import errors
from ganeti.rapi import REALM
from ganeti.utils import io

READ = "read"
WRITE = "write"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class User:
    """One line of the users file."""

    name: str
    scheme: str
    secret: str = field(repr=False)
    rights: frozenset[str]

    def accepts(self, password: str) -> bool:
        """Whether the password is right; takes the same time for any wrong one."""
        if self.scheme == "ha1":
            text = f"{self.name}:{REALM}:{password}".encode()
            given = hashlib.md5(text, usedforsecurity=False).hexdigest()
            return hmac.compare_digest(given.encode(), self.secret.lower().encode())
        return hmac.compare_digest(password.encode(), self.secret.encode())


def parse_line(line: str) -> User:
    """'name password [right,right]'; the password may begin with {HA1} or {CLEARTEXT}."""
    parts = line.split()
    if not 2 <= len(parts) <= 3:
        raise errors.ParseError("a line has user, password and maybe rights")
    name, password = parts[:2]
    rights = frozenset(word for word in (parts[2] if len(parts) == 3 else "").split(",") if word)
    if not password.startswith("{"):
        return User(name, "cleartext", password, rights)
    scheme, closed, secret = password[1:].partition("}")
    if not closed or scheme.lower() not in ("ha1", "cleartext"):
        raise errors.ParseError("passwords begin with {HA1}, {CLEARTEXT}, or no brace at all")
    return User(name, scheme.lower(), secret, rights)


def parse_users(text: str, origin: str = "users file") -> dict[str, User]:
    """Users by name; a wrong line is told to the log and does not keep the others out."""
    users = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            user = parse_line(stripped)
        except errors.ParseError as err:
            _LOG.error("%s, line %d: %s; the line is left out", origin, number, err)
            continue
        users[user.name] = user
    return users


class Users:
    """The users of a file, read anew when it has changed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: tuple[int, ...] | None = None
        self._users: dict[str, User] = {}
        self._lock = threading.Lock()

    def _fingerprint(self) -> tuple[int, ...]:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return ()
        return status.st_mtime_ns, status.st_size, status.st_ino

    def reload(self) -> None:
        """Read the file; without it there are no users. An unreadable one keeps the old users."""
        seen = self._fingerprint()
        try:
            self._users = parse_users(io.read_file(self._path), self._path) if seen else {}
        except (OSError, errors.ParseError) as err:
            _LOG.error("The users file stays as it was: %s", err)
        else:
            _LOG.info("%d users in %s", len(self._users), self._path)
        self._seen = seen

    def get(self, name: str) -> User | None:
        """A user by name."""
        with self._lock:
            if self._fingerprint() != self._seen:
                self.reload()
            return self._users.get(name)

    def login(self, header: str) -> User | None:
        """The user whose name and password an Authorization header holds; None if not right."""
        credentials = parse_basic(header)
        if credentials is None:
            return None
        user = self.get(credentials[0])
        if user is None or not user.accepts(credentials[1]):
            return None
        return user


def parse_basic(header: str) -> tuple[str, str] | None:
    """Name and password of a Basic Authorization header; None when it is none."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


def hashed(name: str, password: str) -> str:
    """The {HA1} form of a password, for the users file."""
    text = f"{name}:{REALM}:{password}".encode()
    return "{HA1}" + hashlib.md5(text, usedforsecurity=False).hexdigest()
