"""What a query may ask for beyond the configuration; the master daemon implements it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ganeti.constants import query as constants
from ganeti.objects import ConfigData, Instance


class Answer(NamedTuple):
    """What came back from a node: a payload, or the state that stands for it."""

    status: int
    payload: Any = None

    @classmethod
    def normal(cls, payload: Any) -> Answer:
        """The node has answered."""
        return cls(constants.RS_NORMAL, payload)


#: The node did not answer, or with an error.
NO_ANSWER = Answer(constants.RS_NODATA)
#: The node is marked offline and was not asked.
NODE_OFFLINE = Answer(constants.RS_OFFLINE)


class OpView(Protocol):
    """What a query reads from one opcode of a job; the names are the job file's."""

    input: Any
    status: str
    result: Any
    log: Sequence[Any]
    priority: int
    start_timestamp: Any
    exec_timestamp: Any
    end_timestamp: Any


class JobView(Protocol):
    """What a query reads from a job; the names are the job file's."""

    id: int
    archived: bool
    ops: Sequence[OpView]
    received_timestamp: Any
    start_timestamp: Any
    end_timestamp: Any


class DataSource(Protocol):
    """Gives a query its data. Every method but `config` is called at most once a query, and
    only when a field that was asked for needs it."""

    @property
    def config(self) -> ConfigData:
        """The configuration; one and the same version during a query."""

    def live_nodes(self, node_uuids: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> [boot id, null or [storage dict or null], null or [hypervisor dict]]."""

    def live_instances(self, node_uuids: Collection[str],
                       hypervisors: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> {instance name: {memory, vcpus, state, time}}."""

    def consoles(self, instances: Sequence[Instance]) -> Mapping[str, Answer]:
        """instance uuid -> the description of its console."""

    def locks(self) -> Sequence[Mapping[str, Any]]:
        """Every lock as {name, mode, owner, pending}."""

    def jobs(self, job_ids: Collection[int] | None, archived: bool) -> Sequence[JobView]:
        """The jobs with these ids that exist (None: all), the archived ones only on demand."""

    def os_diagnose(self, node_uuids: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> what the node tells about its OS definitions."""

    def extstorage_diagnose(self, node_uuids: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> what the node tells about its storage providers."""

    def exports(self, node_uuids: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> names of the exports it holds."""

    def drain_flag(self) -> bool:
        """Does the queue refuse new jobs?"""

    def watcher_pause(self) -> float | None:
        """Until when the watcher pauses."""
