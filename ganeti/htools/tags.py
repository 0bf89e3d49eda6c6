"""What tags say to the balancer: exclusion, migration, location, desired location."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from ganeti.htools import model

EXCLUSION = "htools:iextags:"
MIGRATION = "htools:migration:"
ALLOW_MIGRATION = "htools:allowmigration:"
LOCATION = "htools:nlocation:"
DESIRED_LOCATION = "htools:desiredlocation:"
STANDBY = "htools:standby:"
STANDBY_AUTO = "htools:standby:auto"


@dataclasses.dataclass(frozen=True, slots=True)
class Meaning:
    """The prefixes that the cluster's tags (and the command line) declare."""

    exclusion: tuple[str, ...] = ()
    migration: tuple[str, ...] = ()
    allowed: tuple[tuple[str, str], ...] = ()
    location: tuple[str, ...] = ()
    desired: tuple[str, ...] = ()

    def exclusion_tags(self, inst: model.Instance) -> frozenset[str]:
        return _starting(inst.tags, self.exclusion)

    def desired_tags(self, inst: model.Instance) -> frozenset[str]:
        return _starting(inst.tags, self.desired)

    def location_tags(self, node: model.Node) -> frozenset[str]:
        return _starting(node.tags, [f"{prefix}:" for prefix in self.location])

    def migration_tags(self, node: model.Node) -> frozenset[str]:
        return _starting(node.tags, [f"{prefix}:" for prefix in self.migration])

    def receivable(self, node: model.Node) -> frozenset[str]:
        """Migration tags that a node may have from which this one takes live guests."""
        own = self.migration_tags(node)
        return own | {source for source, target in self.allowed if target in own}


def meaning(cluster: model.Cluster, exclusion: Sequence[str] = ()) -> Meaning:
    """Read the cluster's tags; further exclusion prefixes get a colon."""
    return Meaning(
        tuple(f"{prefix}:" for prefix in exclusion) + _after(cluster.tags, EXCLUSION),
        _after(cluster.tags, MIGRATION),
        tuple((parts[0], parts[1]) for text in _after(cluster.tags, ALLOW_MIGRATION)
              if len(parts := text.split("::")) == 2),
        _after(cluster.tags, LOCATION), _after(cluster.tags, DESIRED_LOCATION))


def _after(tags: Iterable[str], prefix: str) -> tuple[str, ...]:
    return tuple(tag[len(prefix):] for tag in tags if tag.startswith(prefix))


def _starting(tags: Iterable[str], prefixes: Iterable[str]) -> frozenset[str]:
    wanted = tuple(prefixes)
    return frozenset(tag for tag in tags if tag.startswith(wanted)) if wanted else frozenset()
