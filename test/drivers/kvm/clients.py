"""Clients of graphical consoles, as far as it takes to be let in: VNC and SPICE with passwords."""

from __future__ import annotations

import socket
import ssl
import struct
from pathlib import Path

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, modes

_VNC_NONE, _VNC_PASSWORD, _VNC_VENCRYPT = 1, 2, 19
_X509_PASSWORD = 261
_SPICE_MAGIC = b"REDQ"
_SPICE_MAIN = 1
_SPICE_KEY = 162


class Refused(Exception):
    """The server does not let us in."""


def receive(wire: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = wire.recv(count - len(data))
        if not part:
            raise Refused(f"the server hung up after {data!r}")
        data += part
    return data


# VNC (RFC 6143, VeNCrypt) ------------------------------------------------------------------------


def vnc(where: tuple[str, int] | str, password: str | None = None, ca: Path | None = None
        ) -> tuple[int, int]:
    """Log in to a VNC server, through TLS when a CA is given; the size of its screen."""
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    with socket.socket(family) as plain:
        plain.settimeout(20)
        plain.connect(where)
        assert receive(plain, 12) == b"RFB 003.008\n"
        plain.sendall(b"RFB 003.008\n")
        offered = receive(plain, receive(plain, 1)[0])
        if ca is None:
            return _vnc_enter(plain, offered, password)
        if _VNC_VENCRYPT not in offered:
            raise Refused(f"no TLS among {list(offered)}")
        plain.sendall(bytes([_VNC_VENCRYPT]))
        assert receive(plain, 2) == b"\0\2"
        plain.sendall(b"\0\2")
        assert receive(plain, 1) == b"\0"
        kinds = struct.unpack(f">{(count := receive(plain, 1)[0])}I", receive(plain, 4 * count))
        assert _X509_PASSWORD in kinds, kinds
        plain.sendall(struct.pack(">I", _X509_PASSWORD))
        assert receive(plain, 1) == b"\1"
        context = ssl.create_default_context(cafile=str(ca))
        with context.wrap_socket(plain, server_hostname=str(where[0])) as wire:
            return _vnc_password(wire, password or "")


def _vnc_enter(wire: socket.socket, offered: bytes, password: str | None) -> tuple[int, int]:
    kind = _VNC_NONE if password is None else _VNC_PASSWORD
    if kind not in offered:
        raise Refused(f"security {kind} is not among {list(offered)}")
    wire.sendall(bytes([kind]))
    if password is None:
        return _vnc_result(wire)
    return _vnc_password(wire, password)


def _vnc_password(wire: socket.socket, password: str) -> tuple[int, int]:
    challenge = receive(wire, 16)
    # DES with the password as key, the bits of each byte turned round
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode()[:8].ljust(8, b"\0"))
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()
    wire.sendall(encryptor.update(challenge) + encryptor.finalize())
    return _vnc_result(wire)


def _vnc_result(wire: socket.socket) -> tuple[int, int]:
    if receive(wire, 4) != bytes(4):
        raise Refused(receive(wire, struct.unpack(">I", receive(wire, 4))[0]).decode())
    wire.sendall(b"\1")
    width, height = struct.unpack(">HH", receive(wire, 24)[:4])
    return width, height


# SPICE -----------------------------------------------------------------------------------------


def spice(where: tuple[str, int], password: str = "", ca: Path | None = None) -> None:
    """Open SPICE's main channel; Refused when the ticket is wrong."""
    with socket.create_connection(where, 20) as plain:
        if ca is None:
            _spice_link(plain, password)
            return
        context = ssl.create_default_context(cafile=str(ca))
        context.check_hostname = False
        # self-signed test certificates lack what newer Pythons are strict about
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        with context.wrap_socket(plain) as wire:
            _spice_link(wire, password)


def _spice_link(wire: socket.socket, password: str) -> None:
    body = struct.pack("<IBBIII", 0, _SPICE_MAIN, 0, 0, 0, 18)
    wire.sendall(_SPICE_MAGIC + struct.pack("<III", 2, 2, len(body)) + body)
    magic, _, _, size = struct.unpack("<4sIII", receive(wire, 16))
    assert magic == _SPICE_MAGIC
    answer = receive(wire, size)
    error = struct.unpack("<I", answer[:4])[0]
    if error:
        raise Refused(f"link error {error}")
    key = serialization.load_der_public_key(answer[4:4 + _SPICE_KEY])
    assert isinstance(key, RSAPublicKey)
    wire.sendall(key.encrypt(password.encode() + b"\0", padding.OAEP(
        padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)))
    result = struct.unpack("<I", receive(wire, 4))[0]
    if result:
        raise Refused(f"ticket error {result}")
