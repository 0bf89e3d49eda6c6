"""The cluster's pool of TCP ports for consoles and DRBD."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from ganeti import errors, objects
from ganeti.config import claims

FIRST_PORT: Final = 11000
LAST_PORT: Final = 14999


def next_free(cluster: objects.Cluster, held: Collection[int]) -> int:
    """A port that was given back, or the next one never used; ``held`` are spoken for."""
    for port in cluster.tcpudp_port_pool:
        if port not in held:
            return port
    port = cluster.highest_used_port + 1
    while port in held:
        port += 1
    if port > LAST_PORT:
        raise errors.ConfigurationError(
            f"All ports up to {LAST_PORT} are in use; remove an instance that"
            " has a console port or DRBD disks")
    return port


def follow_claims(cluster: objects.Cluster, delta: Iterable[tuple[claims.Claim, str | None]],
                  ) -> objects.Cluster:
    """The cluster after ports were taken into use or given back by a commit."""
    pool = set(cluster.tcpudp_port_pool)
    highest = cluster.highest_used_port
    for claim, holder in delta:
        if claim[0] != claims.PORT:
            continue
        port = claim[1]
        if holder is None:
            if FIRST_PORT <= port <= highest:
                pool.add(port)
            continue
        pool.discard(port)
        if highest < port <= LAST_PORT:
            pool.update(range(max(highest + 1, FIRST_PORT), port))
            highest = port
    if highest == cluster.highest_used_port and pool == set(cluster.tcpudp_port_pool):
        return cluster
    return cluster.replace(tcpudp_port_pool=sorted(pool), highest_used_port=highest)
