"""What a node does with a disk that it mirrors to a second node, beyond what every disk can."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from ganeti.storage.base import BlockDev


@dataclass(frozen=True, slots=True)
class Copy:
    """One of the two copies, for people and for comparing it with the other one."""

    #: Generation identifiers, as the storage writes them
    generation: str
    #: The mirror's own words for its connection, its role here, and the state of this copy
    connection: str
    role: str
    disk: str
    #: KiB that may differ from the other copy, as far as this side knows
    changed: int


class MirrorDev(BlockDev):
    """A disk with one copy on this node and one on another."""

    @abstractmethod
    def attach_net(self, two_primaries: bool) -> None:
        """Be connected to the other copy, with or without a second writer."""

    @abstractmethod
    def disconnect_net(self) -> None:
        """Stop looking for the other copy."""

    @abstractmethod
    def discard_and_connect(self) -> None:
        """Give up what this copy alone has changed, and take the other one's data."""

    @abstractmethod
    def in_step(self, patience: float) -> tuple[bool, float]:
        """(nothing is left to copy, per cent done), after passing states have passed."""

    @abstractmethod
    def needs_activation(self) -> bool:
        """Whether activating the disk would bring back its connection or its copy."""

    @abstractmethod
    def remove_children(self) -> None:
        """Let go of the local copy."""

    @abstractmethod
    def add_children(self, children: Sequence[BlockDev]) -> None:
        """Take new volumes as the local copy, to be filled by the other one."""

    @abstractmethod
    def copy(self) -> Copy:
        """The state of the local copy."""
