"""One pending change of the configuration: what a job edits before it commits."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, TypeVar

from ganeti import errors, objects
from ganeti.config import claims, networks, ports, verify

T = TypeVar("T", bound=objects.ConfigObject)


class Draft:
    """Changes on top of one version; nobody else sees them until the block is left."""

    def __init__(self, base: objects.ConfigData) -> None:
        self._base = base
        self._config: objects.ConfigData | None = base
        self._puts: dict[str, Any] = {}
        self._removes: dict[str, Any] = {}
        self._scalars: dict[str, Any] = {}

    @property
    def config(self) -> objects.ConfigData:
        """The configuration as it would be after the commit."""
        if self._config is None:
            self._config = self._base.with_changes(self._puts.values(), self._removes.values(),
                                                   **self._scalars)
        return self._config

    @property
    def cluster(self) -> objects.Cluster:
        """The cluster object, with the changes so far."""
        pending: objects.Cluster | None = self._puts.get(self._base.cluster.uuid)
        return pending or self._base.cluster

    @property
    def is_empty(self) -> bool:
        """Whether nothing was changed."""
        return not (self._puts or self._removes or self._scalars)

    def get(self, item: T) -> T:
        """The pending state of an object."""
        if isinstance(item, objects.Cluster):
            return self.cluster  # type: ignore[return-value]
        uuid: str = item.uuid  # type: ignore[attr-defined]
        if uuid in self._removes:
            raise errors.ConfigurationError(f"The {item.KIND} {uuid} was removed")
        pending: T | None = self._puts.get(uuid) or self._base.container(item.CONTAINER).get(uuid)
        if pending is None:
            raise errors.ConfigurationError(f"The configuration has no {item.KIND} {uuid}")
        return pending

    def put(self, item: T) -> T:
        """Put an object in, in place of the one with its uuid if there is one."""
        uuid: str = item.uuid  # type: ignore[attr-defined]
        self._removes.pop(uuid, None)
        self._puts[uuid] = item
        self._config = None
        return item

    def add(self, item: T) -> T:
        """Put a new object in."""
        uuid: str = item.uuid  # type: ignore[attr-defined]
        if uuid in self._puts or uuid in self._base.container(item.CONTAINER):
            raise errors.ConfigurationError(f"There is a {item.KIND} {uuid} already")
        return self.put(item)

    def update(self, item: T, **changes: Any) -> T:
        """Change fields of an object (of its pending state, whatever version is given)."""
        return self.put(self.get(item).replace(**changes))

    def remove(self, item: objects.ConfigObject) -> None:
        """Take an object out."""
        current = self.get(item)
        uuid: str = current.uuid  # type: ignore[attr-defined]
        self._puts.pop(uuid, None)
        if uuid in self._base.container(current.CONTAINER):
            self._removes[uuid] = current
        self._config = None

    def set(self, **scalars: Any) -> None:
        """Change numbers of the configuration itself (version, ctime)."""
        self._scalars.update(scalars)
        self._config = None

    def drop_unchanged(self) -> None:
        """Forget what was put but equals what is there."""
        self._puts = {uuid: item for uuid, item in self._puts.items()
                      if item != self._old(item)}

    def finish(self, ledger: claims.Ledger) -> tuple[objects.ConfigData, Any]:
        """Check the change; the next version, and the claims to accept with it."""
        self._follow_instances()
        old = [item for item in map(self._old, self._puts.values()) if item is not None]
        old += [self._old(item) for item in self._removes.values()]
        conflicts, delta = ledger.change(old, self._puts.values())
        self._follow_ports(delta)
        self._stamp()
        config = self._base.with_changes(self._puts.values(), self._removes.values(),
                                         **self._scalars)
        problems = [verify.conflict_text(config, *conflict) for conflict in conflicts]
        problems += self._new_problems(config)
        if problems:
            raise errors.ConfigurationError(
                "The change would break the configuration: " + "; ".join(problems))
        return config, delta

    def _old(self, item: Any) -> Any:
        if isinstance(item, objects.Cluster):
            return self._base.cluster
        return self._base.container(item.CONTAINER).get(item.uuid)

    def _follow_instances(self) -> None:
        """Address pools follow the interfaces of instances."""
        new = [item for item in self._puts.values() if isinstance(item, objects.Instance)]
        gone = [item for item in self._removes.values() if isinstance(item, objects.Instance)]
        if not new and not gone:
            return
        old = [*gone, *(item for item in map(self._old, new) if item is not None)]
        view = self._base.with_changes(self._puts.values(), self._removes.values())
        for network in networks.follow_nics(view, old, new):
            self._puts[network.uuid] = network

    def _follow_ports(self, delta: dict[claims.Claim, str | None]) -> None:
        cluster = ports.follow_claims(self.cluster, delta.items())
        if cluster is not self.cluster:
            self._puts[cluster.uuid] = cluster

    def _stamp(self) -> None:
        """Raise serial numbers and times of what changed."""
        now = time.time()
        if self._touches_cluster() and self._base.cluster.uuid not in self._puts:
            self._puts[self._base.cluster.uuid] = self._base.cluster
        for uuid, item in self._puts.items():
            if not isinstance(item, objects.TrackedObject):
                continue
            old = self._old(item)
            if old is None:
                self._puts[uuid] = item.replace(serial_no=1, ctime=item.ctime or now,
                                                mtime=item.mtime or now)
            else:
                self._puts[uuid] = item.replace(serial_no=old.serial_no + 1, mtime=now,
                                                ctime=old.ctime)
        self._scalars["serial_no"] = self._base.serial_no + 1
        self._scalars["mtime"] = now

    def _touches_cluster(self) -> bool:
        """Nodes and groups, their membership and tags count as changes of the cluster."""
        kinds = (objects.Node, objects.NodeGroup)
        return (any(isinstance(item, kinds) for item in self._puts.values())
                or any(isinstance(item, kinds) for item in self._removes.values()))

    def _new_problems(self, config: objects.ConfigData) -> Iterable[str]:
        """Rules that the new version breaks and the old one did not."""
        for item in self._puts.values():
            problems = set(self._problems(config, item))
            old = self._old(item)
            if problems and old is not None:
                problems -= set(self._problems(self._base, old))
            yield from sorted(problems)
        if self._removes:
            yield from verify.dangling(config, self._removes.values())

    @staticmethod
    def _problems(config: objects.ConfigData, item: Any) -> Iterable[str]:
        if isinstance(item, objects.Cluster):
            return verify.of_cluster(config)
        return verify.of_object(config, item)
