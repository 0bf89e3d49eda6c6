"""Address pools of networks: which addresses are free, taken, or kept out of the pool."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from bitarray import bitarray

from ganeti import errors, objects


class Pool:
    """The addresses of one network; ``changed`` gives the network with the new state."""

    def __init__(self, network: objects.Network) -> None:
        self._network = network
        try:
            self._range = ipaddress.IPv4Network(network.network)
        except ValueError as err:
            raise errors.AddressPoolError(f"Network {network.name}: {err}") from err
        self._size = self._range.num_addresses
        self.taken = self._read(network.reservations, "reservations")
        self.external = self._read(network.ext_reservations, "ext_reservations")

    def _read(self, text: str | None, what: str) -> bitarray:
        if not text:
            bits = bitarray(self._size)
            bits.setall(0)
            return bits
        if len(text) != self._size or text.strip("01"):
            raise errors.AddressPoolError(
                f"Network {self._network.name}: {what} is not one 0 or 1 for each of the"
                f" {self._size} addresses")
        return bitarray(text)

    def index(self, address: str) -> int:
        """Place of an address in the pool."""
        try:
            parsed = ipaddress.IPv4Address(address)
        except ValueError as err:
            raise errors.AddressPoolError(f"'{address}' is not an IPv4 address") from err
        if parsed not in self._range:
            raise errors.AddressPoolError(
                f"{address} does not belong to network {self._network.name}"
                f" ({self._network.network})")
        return int(parsed) - int(self._range.network_address)

    def contains(self, address: str) -> bool:
        """Whether the address belongs to the network."""
        try:
            self.index(address)
        except errors.AddressPoolError:
            return False
        return True

    def address(self, index: int) -> str:
        """The address at a place in the pool."""
        return str(self._range[index])

    def is_taken(self, address: str, external: bool = True) -> bool:
        """Taken by an instance, or (``external``) kept out of the pool."""
        index = self.index(address)
        return bool(self.taken[index] or (external and self.external[index]))

    def first_free(self, besides: Iterable[str] = ()) -> str:
        """The lowest free address that is not among ``besides``."""
        used = self.taken | self.external
        for address in besides:
            used[self.index(address)] = 1
        index = used.find(0)
        if index < 0:
            raise errors.AddressPoolError(
                f"Network {self._network.name} has no free address left")
        return self.address(index)

    def take(self, address: str, *, external: bool = False) -> None:
        """Mark an address; one that is marked already stays so."""
        (self.external if external else self.taken)[self.index(address)] = 1

    def give_back(self, address: str, *, external: bool = False) -> None:
        """Free an address."""
        (self.external if external else self.taken)[self.index(address)] = 0

    def changed(self) -> objects.Network:
        """The network with the pool as it is now."""
        return self._network.replace(reservations=self.taken.to01(),
                                     ext_reservations=self.external.to01())


def follow_nics(config: objects.ConfigData, old: Iterable[objects.Instance],
                new: Iterable[objects.Instance]) -> list[objects.Network]:
    """Networks whose pools change because interfaces appear and disappear."""
    gone = {pair for instance in old for pair in _addresses(instance)}
    come = {pair for instance in new for pair in _addresses(instance)}
    pools: dict[str, Pool] = {}
    for uuid, address in [*(gone - come), *(come - gone)]:
        network = config.networks.get(uuid)
        if network is None:
            continue
        pool = pools.setdefault(uuid, Pool(network))
        if (uuid, address) in come:
            pool.take(address)
        else:
            pool.give_back(address)
    return [pool.changed() for pool in pools.values()]


def _addresses(instance: objects.Instance) -> Iterable[tuple[str, str]]:
    return ((nic.network, nic.ip) for nic in instance.nics if nic.network and nic.ip)
