"""Names and addresses of instances: form, resolving, and whether somebody has them already."""

from __future__ import annotations

import re

from ganeti import constants, errors
from ganeti.cmdlib import base
from ganeti.utils import net

_VALID = re.compile(r"^[a-z0-9._-]{1,255}$")


def normalised(name: str) -> str:
    """A host name in lower case and without its last dot; refuses what can be none."""
    result = name.lower().removesuffix(".")
    labels = result.split(".")
    if not _VALID.match(result) or any(
            not label or len(label) > 63 or label.startswith("-") for label in labels):
        raise errors.OpPrereqError(
            f"'{name}' is not a valid instance name: letters, digits, '-', '_' and '.', 255 at"
            " most", errors.ECODE_INVAL)
    return result


def resolve(name: str, what: str) -> tuple[str, str]:
    """(full name, address) of a name that has to resolve."""
    try:
        full, address = net.lookup(name)
    except errors.ResolverError as err:
        raise errors.OpPrereqError(
            f"{what} '{name}' does not resolve ({errors.text(err)}); --no-name-check goes"
            " on without",
            errors.ECODE_RESOLVER) from err
    return normalised(full), address


def require_quiet(address: str, name: str) -> None:
    """Refuse an address at which something answers already."""
    if net.tcp_ping(address, constants.DEFAULT_NODED_PORT):
        raise errors.OpPrereqError(
            f"IP {address} of instance {name} is already in use: something answers there",
            errors.ECODE_NOTUNIQUE)


def require_free(lu: base.LogicalUnit, name: str) -> None:
    """Refuse a name that an instance or a node bears, or that another job is about to give."""
    if lu.config.instance_by_name(name) is not None:
        raise errors.OpPrereqError(
            f"Instance '{name}' is already in the cluster", errors.ECODE_EXISTS)
    if lu.config.node_by_name(name) is not None or name == lu.config.cluster.cluster_name:
        raise errors.OpPrereqError(
            f"'{name}' is the name of a node or of the cluster", errors.ECODE_EXISTS)
