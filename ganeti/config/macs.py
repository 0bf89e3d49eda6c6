"""MAC addresses of new interfaces."""

from __future__ import annotations

import re
import secrets

from ganeti import errors, objects

_PREFIX = re.compile(r"^(?:[0-9a-f]{2}:){2}[0-9a-f]{2}$", re.IGNORECASE)
_MAC = re.compile(r"^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$", re.IGNORECASE)


def prefix(config: objects.ConfigData, network_uuid: str | None) -> str:
    """The first three bytes: the network's own, or the cluster's."""
    if network_uuid:
        own = config.network(network_uuid).mac_prefix
        if own:
            return own
    return config.cluster.mac_prefix


def random_mac(mac_prefix: str) -> str:
    """An address with random last bytes."""
    tail = secrets.token_bytes(3)
    return f"{mac_prefix}:{tail[0]:02x}:{tail[1]:02x}:{tail[2]:02x}"


def check_prefix(text: str) -> str:
    """Check three bytes such as ``aa:00:00``; returns them in lower case."""
    if not _PREFIX.match(text):
        raise errors.OpPrereqError(
            f"'{text}' is not a MAC prefix (three hexadecimal bytes such as aa:00:00)",
            errors.ECODE_INVAL)
    if int(text[:2], 16) & 1:
        raise errors.OpPrereqError(f"MAC prefix '{text}' is a multicast one", errors.ECODE_INVAL)
    return text.lower()


def check(text: str) -> str:
    """Check a MAC address given by an administrator; returns it in lower case."""
    if not _MAC.match(text):
        raise errors.OpPrereqError(f"'{text}' is not a MAC address", errors.ECODE_INVAL)
    if int(text[:2], 16) & 1:
        raise errors.OpPrereqError(
            f"MAC address '{text}' is a multicast address", errors.ECODE_INVAL)
    return text.lower()
