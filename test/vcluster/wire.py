"""Bare clients of the daemons' ports, for tests that send what no proper client would."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any


def blind_context(certificate: str | None = None) -> ssl.SSLContext:
    """TLS that trusts every server and shows the given certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    return context


def call_node(address: str, certificate: str | None, call: str, body: str | bytes,
              timeout: float = 20) -> tuple[int, Any]:
    """One call to a node daemon: (HTTP status, decoded answer)."""
    connection = http.client.HTTPSConnection(address, 1811, timeout=timeout,
                                             context=blind_context(certificate))
    try:
        connection.request("POST", f"/{call}", body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


class LuxiLine:
    """One connection to the LUXI socket that takes any bytes."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(path)

    def ask(self, data: bytes) -> dict[str, Any]:
        """Send one message (the end mark is added); the decoded answer."""
        self._socket.sendall(data + b"\x03")
        answer = b""
        while not answer.endswith(b"\x03"):
            piece = self._socket.recv(1 << 20)
            if not piece:
                raise ConnectionError("the daemon hung up")
            answer += piece
        decoded: dict[str, Any] = json.loads(answer[:-1])
        return decoded

    def close(self) -> None:
        self._socket.close()
