"""From datagram to datagram: what of a confd server is not its socket."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ganeti import constants, errors, objects
from ganeti.confd import answers, messages


class Responder:
    """Answers datagrams from the newest configuration.

    :param key: gives the text of the cluster's HMAC key
    :param config: gives the configuration, or None while there is no readable one
    """

    def __init__(self, key: Callable[[], str], config: Callable[[], objects.ConfigData | None]):
        self._key = key
        self._config = config

    def respond(self, data: bytes, peer: str, now: float | None = None) -> bytes | None:
        """The answer to one datagram; None for what is not signed by a member of the cluster."""
        key = self._key()
        try:
            request = messages.unpack_request(data, key, now)
        except (errors.ConfdMagicError, errors.SignatureError, errors.ConfdRequestError) as err:
            logging.debug("Dropped a datagram from %s: %s", peer, err)
            return None
        try:
            reply = answers.answer(self._config(), request)
            return messages.pack_reply(reply, key, request.rsalt)
        except errors.UdpDataSizeError as err:
            logging.warning("Query %d of %s: %s", request.type, peer, err)
        except Exception:
            logging.exception("Query %d of %s failed", request.type, peer)
        failure = messages.Reply(constants.CONFD_REPL_STATUS_ERROR, constants.CONFD_ERROR_INTERNAL,
                                 0)
        return messages.pack_reply(failure, key, request.rsalt)
