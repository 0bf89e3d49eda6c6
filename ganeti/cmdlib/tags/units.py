"""OP_TAGS_GET, OP_TAGS_SET, OP_TAGS_DEL and OP_TAGS_SEARCH."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ganeti import constants, errors, objects, opcodes
from ganeti.cmdlib import base
from ganeti.utils import tags

Level = base.Level


class Kind(NamedTuple):
    """A kind of object that has tags, and a name."""

    level: Level
    find: Callable[[objects.ConfigData, str], Any]
    #: Where a search says that such objects are
    directory: str


KINDS: dict[str, Kind] = {
    constants.TAG_INSTANCE: Kind(Level.INSTANCE, objects.ConfigData.expand_instance, "instances"),
    constants.TAG_NODE: Kind(Level.NODE, objects.ConfigData.expand_node, "nodes"),
    constants.TAG_NODEGROUP: Kind(Level.NODEGROUP, objects.ConfigData.expand_group, "nodegroup"),
    constants.TAG_NETWORK: Kind(Level.NETWORK, objects.ConfigData.expand_network, "networks"),
}


class TagsUnit(base.LogicalUnit):
    """A unit about the tags of one object, or of the cluster."""

    SHARED = False

    def expand(self) -> None:
        if self.op.kind != constants.TAG_CLUSTER:
            if not self.op.name:
                raise errors.OpPrereqError(
                    f"Tags of kind '{self.op.kind}' need the name of the object",
                    errors.ECODE_INVAL)
            self.uuid = KINDS[self.op.kind].find(self.config, self.op.name).uuid

    def wants_lock(self) -> bool:
        """Whether the object's lock is taken."""
        return True

    def locks(self, level: Level) -> base.LockRequest | None:
        if self.op.kind == constants.TAG_CLUSTER or level != KINDS[self.op.kind].level:
            return None
        if not self.wants_lock():
            return None
        target = self.target()
        name = target.name if level == Level.INSTANCE else target.uuid
        return base.LockRequest([name], shared=self.SHARED)

    def target(self, config: objects.ConfigData | None = None) -> Any:
        """The tagged object, as configured now."""
        config = config or self.config
        if self.op.kind == constants.TAG_CLUSTER:
            return config.cluster
        return KINDS[self.op.kind].find(config, self.uuid)

    def check_prereq(self) -> None:
        self.target()

    def write(self, change: Callable[[Iterable[str], Iterable[str]], Iterable[str]]) -> None:
        """Store the tags that `change` makes of the present and the given ones."""
        with self.cfg.edit(job=self.job_id) as draft:
            target = self.target(draft.config)
            draft.update(target, tags=sorted(change(target.tags, self.op.tags)))


class LUTagsGet(TagsUnit):
    """The tags of one object."""

    OP = opcodes.OpTagsGet
    SHARED = True

    def wants_lock(self) -> bool:
        return bool(self.op.use_locking)

    def exec(self) -> list[str]:
        return sorted(self.target().tags)


class LUTagsSet(TagsUnit):
    """Add tags."""

    OP = opcodes.OpTagsSet

    def check_prereq(self) -> None:
        super().check_prereq()
        try:
            tags.add(self.target().tags, self.op.tags)
        except errors.TagError as err:
            raise errors.OpPrereqError(str(err), errors.ECODE_INVAL) from err

    def exec(self) -> None:
        self.write(tags.add)


class LUTagsDel(TagsUnit):
    """Remove tags; all of them have to be there."""

    OP = opcodes.OpTagsDel

    def check_prereq(self) -> None:
        super().check_prereq()
        tags.remove(self.target().tags, self.op.tags)

    def exec(self) -> None:
        self.write(tags.remove)


class LUTagsSearch(base.LogicalUnit):
    """Find tags by a regular expression."""

    OP = opcodes.OpTagsSearch

    def expand(self) -> None:
        try:
            self.pattern = re.compile(self.op.pattern)
        except re.error as err:
            raise errors.OpPrereqError(
                f"'{self.op.pattern}' is no regular expression: {err}",
                errors.ECODE_INVAL) from err

    def exec(self) -> list[tuple[str, str]]:
        return [(path, tag) for path, owner in paths(self.config)
                for tag in sorted(owner.tags) if self.pattern.search(tag)]


def paths(config: objects.ConfigData) -> Iterable[tuple[str, Any]]:
    """Every object that can have tags, with its path."""
    yield "/cluster", config.cluster
    containers: list[tuple[Mapping[str, Any], str]] = [
        (config.instances, constants.TAG_INSTANCE), (config.nodes, constants.TAG_NODE),
        (config.nodegroups, constants.TAG_NODEGROUP), (config.networks, constants.TAG_NETWORK)]
    for container, kind in containers:
        for item in sorted(container.values(), key=lambda item: item.name):
            yield f"/{KINDS[kind].directory}/{item.name}", item
