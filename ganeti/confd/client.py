"""Asking confd: several master candidates at once, believing the one with the newest answer."""

from __future__ import annotations

import logging
import random
import select
import socket
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from ganeti import constants, errors
from ganeti.confd import messages
from ganeti.utils import net

#: After a good answer, seconds to wait for a newer one from the others.
SETTLE = 0.3


class Answer(NamedTuple):
    """The best answer, who gave it, and how many answered."""

    reply: messages.Reply
    peer: str
    answers: int


class ConfdClient:
    """Asks a set of peers.

    :param key: text of the cluster's HMAC key
    :param peers: IP addresses of master candidates
    """

    def __init__(self, key: str, peers: Sequence[str], port: int | None = None):
        if not peers:
            raise errors.ConfdClientError("There is no master candidate to ask")
        families = {socket.AF_INET6 if ":" in peer else socket.AF_INET for peer in peers}
        if len(families) > 1:
            raise errors.ConfdClientError("The candidates' addresses are of both IP versions")
        self._family = families.pop()
        self._key = key
        self._peers = list(peers)
        self._port = port or net.daemon_port(constants.CONFD)

    def ask(self, kind: int, query: Any = None, *, timeout: float | None = None,
            coverage: int = constants.CONFD_DEFAULT_REQ_COVERAGE) -> Answer:
        """Ask up to `coverage` peers; raises ConfdClientError if none answers in time."""
        if timeout is None:
            timeout = float(constants.CONFD_CLIENT_EXPIRE_TIMEOUT)
        request = messages.new_request(kind, query)
        datagram = messages.pack_request(request, self._key)
        peers = random.sample(self._peers, min(max(coverage, 1), len(self._peers)))
        with socket.socket(self._family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sent = sum(self._send(sock, datagram, peer) for peer in peers)
            best = self._gather(sock, request.rsalt, sent, time.monotonic() + timeout)
        if best is None:
            raise errors.ConfdClientError(
                f"No answer from confd on {', '.join(peers)} (port {self._port}) within "
                f"{timeout:g} s; does ganeti-confd run there, with the same HMAC key?")
        return best

    def _send(self, sock: socket.socket, datagram: bytes, peer: str) -> bool:
        try:
            sock.sendto(datagram, (peer, self._port))
        except OSError as err:
            logging.debug("Cannot ask %s: %s", peer, err)
            return False
        return True

    def _gather(self, sock: socket.socket, rsalt: str, expected: int, deadline: float
                ) -> Answer | None:
        best: Answer | None = None
        seen: set[str] = set()
        while len(seen) < expected and (left := deadline - time.monotonic()) > 0:
            if not select.select([sock], [], [], left)[0]:
                break
            try:
                data, sender = sock.recvfrom(65536)
                reply, salt = messages.unpack_reply(data, self._key)
            except (OSError, errors.GenericError) as err:
                logging.debug("Dropped an answer: %s", err)
                continue
            if salt != rsalt:
                logging.debug("Dropped an answer to another question from %s", sender[0])
                continue
            seen.add(str(sender[0]))
            # A failure counts less than any answer, else the newest configuration wins.
            rank = (reply.ok, reply.serial)
            if best is None or rank > (best.reply.ok, best.reply.serial):
                best = Answer(reply, str(sender[0]), 0)
            if best.reply.ok:
                deadline = min(deadline, time.monotonic() + SETTLE)
        return best._replace(answers=len(seen)) if best else None
