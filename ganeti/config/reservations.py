"""Things that a running job has spoken for before its changes are in the configuration.

A reservation lasts until the job's opcode ends; by then the thing is claimed by an object of
the configuration or is free again.
"""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Callable, Sequence

from ganeti import errors, objects
from ganeti.config import claims, macs, networks, ports


class Reservations:
    """All reservations; the attributes are the kinds of things."""

    def __init__(self, current: Callable[[], tuple[objects.ConfigData, claims.Ledger]]) -> None:
        self._current = current
        self._mutex = threading.RLock()
        self._held: dict[claims.Claim, int | str] = {}
        self.names = Names(self)
        self.macs = Macs(self)
        self.ips = Ips(self)
        self.ports = Ports(self)
        self.minors = Minors(self)
        self.lvs = Volumes(self)
        self.secrets = Secrets(self)

    def release(self, job_id: int | str) -> None:
        """Give back everything a job holds."""
        with self._mutex:
            self._held = {claim: job for claim, job in self._held.items() if job != job_id}

    def held_by(self, job_id: int | str) -> list[claims.Claim]:
        """What a job holds."""
        with self._mutex:
            return [claim for claim, job in self._held.items() if job == job_id]

    def of_kind(self, kind: str) -> list[claims.Claim]:
        """All reservations of a kind."""
        with self._mutex:
            return [claim for claim in self._held if claim[0] == kind]

    def take(self, job_id: int | str, claim: claims.Claim) -> None:
        """Reserve one thing; refused when an object or another job has it."""
        with self._mutex:
            config, ledger = self._current()
            holder = ledger.holder(claim)
            if holder is not None:
                raise errors.ReservationError(
                    f"{claims.describe(claim, config)} is already used by"
                    f" {claims.owner_text(config, holder)}")
            other = self._held.get(claim)
            if other is not None and other != job_id:
                raise errors.ReservationError(
                    f"{claims.describe(claim, config)} is reserved by job {other}")
            self._held[claim] = job_id

    def is_free(self, claim: claims.Claim) -> bool:
        """Whether neither an object nor a job has it."""
        with self._mutex:
            return claim not in self._held and self._current()[1].holder(claim) is None

    def generate(self, job_id: int | str, make: Callable[[], claims.Claim]) -> claims.Claim:
        """Reserve the first free thing that ``make`` proposes."""
        with self._mutex:
            for _ in range(1000):
                claim = make()
                if self.is_free(claim):
                    self._held[claim] = job_id
                    return claim
        raise errors.ConfigurationError(f"Found no free {claim[0]} in 1000 tries")

    @property
    def config(self) -> objects.ConfigData:
        return self._current()[0]

    @property
    def ledger(self) -> claims.Ledger:
        return self._current()[1]

    @property
    def mutex(self) -> threading.RLock:
        return self._mutex


class _Kind:
    """One kind of things."""

    def __init__(self, all_kinds: Reservations) -> None:
        self._all = all_kinds


class Names(_Kind):
    """Instance names."""

    def take(self, job_id: int | str, name: str) -> None:
        self._all.take(job_id, (claims.INSTANCE, name))


class Macs(_Kind):
    """MAC addresses."""

    def take(self, job_id: int | str, mac: str) -> None:
        self._all.take(job_id, (claims.MAC, mac.lower()))

    def generate(self, job_id: int | str, network_uuid: str | None = None) -> str:
        """A fresh address with the prefix of the network or of the cluster."""
        prefix = macs.prefix(self._all.config, network_uuid)
        return str(self._all.generate(
            job_id, lambda: (claims.MAC, macs.random_mac(prefix)))[1])


class Ips(_Kind):
    """Addresses of the pools of networks."""

    def take(self, job_id: int | str, network_uuid: str, address: str,
             check_external: bool = True) -> None:
        """Reserve an address; ``check_external`` also refuses externally reserved ones."""
        network = self._all.config.network(network_uuid)
        pool = networks.Pool(network)
        index = pool.index(address)
        if check_external and pool.external[index]:
            raise errors.ReservationError(
                f"IP address {address} of network {network.name} is externally reserved")
        self._all.take(job_id, (claims.IP, network_uuid, address))

    def generate(self, job_id: int | str, network_uuid: str) -> str:
        """The first free address of a network."""
        with self._all.mutex:
            pool = networks.Pool(self._all.config.network(network_uuid))
            held = [claim[2] for claim in self._all.of_kind(claims.IP)
                    if claim[1] == network_uuid]
            address = pool.first_free(held)
            self._all.take(job_id, (claims.IP, network_uuid, address))
            return address

    def release(self, job_id: int | str, network_uuid: str, address: str) -> None:
        """Give back one address that the job reserved but will not use."""
        with self._all.mutex:
            if self._all._held.get((claims.IP, network_uuid, address)) == job_id:
                del self._all._held[(claims.IP, network_uuid, address)]


class Ports(_Kind):
    """TCP ports of the cluster's pool."""

    def generate(self, job_id: int | str) -> int:
        """A free port, which the commit of its user takes out of the pool."""
        with self._all.mutex:
            held = {claim[1] for claim in self._all.of_kind(claims.PORT)}
            cluster = self._all.config.cluster
            port = ports.next_free(cluster, held)
            while self._all.ledger.holder((claims.PORT, port)) is not None:
                held.add(port)
                port = ports.next_free(cluster, held)
            self._all.take(job_id, (claims.PORT, port))
            return port


class Minors(_Kind):
    """DRBD minors of nodes."""

    def take(self, job_id: int | str, node_uuid: str, minor: int) -> None:
        self._all.take(job_id, (claims.MINOR, node_uuid, minor))

    def generate(self, job_id: int | str, node_uuids: Sequence[str]) -> list[int]:
        """The lowest free minor on each node, in the order of the nodes."""
        result = []
        with self._all.mutex:
            used: dict[str, set[int]] = {node: set() for node in node_uuids}
            for claim in [*self._all.ledger.of_kind(claims.MINOR),
                          *self._all.of_kind(claims.MINOR)]:
                if claim[1] in used:
                    used[claim[1]].add(claim[2])
            for node_uuid in node_uuids:
                minor = next(n for n in range(1 << 20) if n not in used[node_uuid])
                used[node_uuid].add(minor)
                self._all.take(job_id, (claims.MINOR, node_uuid, minor))
                result.append(minor)
        return result


class Volumes(_Kind):
    """Volumes that an instance adopts or will create (their logical ids)."""

    def take(self, job_id: int | str, template: str, logical_id: Sequence[object]) -> None:
        self._all.take(job_id, (claims.VOLUME, template, *[str(part) for part in logical_id]))

    def generate(self, job_id: int | str) -> str:
        """A unique id from which volume names are made."""
        return str(uuid.uuid4())


class Secrets(_Kind):
    """Shared secrets of DRBD devices."""

    def generate(self, job_id: int | str) -> str:
        """A fresh secret."""
        return secrets.token_hex(20)
