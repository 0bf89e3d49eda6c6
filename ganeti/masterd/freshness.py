"""Whether another candidate has newer data than the node that wants to be the master.

Serial numbers decide: that of the configuration, and the last job id. Nodes of another cluster
(machines that were used before) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ganeti import objects
from ganeti.backend import candidate
from ganeti.rpc import result as rpc_result

ANSWER_SECONDS: Final = 15.0
CALL: Final = "candidate_state"


class State(NamedTuple):
    """How new a node's copies are."""

    config: int
    queue: int

    def describe(self) -> str:
        """In words."""
        return f"configuration {self.config}, last job {self.queue}"


class Findings(NamedTuple):
    """This node's data beside those of the others that answered."""

    mine: State
    others: Mapping[str, State]
    silent: Mapping[str, str]

    @property
    def newer(self) -> dict[str, State]:
        """Nodes that have something which this one lacks."""
        return {name: state for name, state in self.others.items()
                if state.config > self.mine.config or state.queue > self.mine.queue}

    @property
    def highest(self) -> State:
        """The newest numbers of all."""
        states = [self.mine, *self.others.values()]
        return State(max(state.config for state in states), max(state.queue for state in states))

    def describe_newer(self) -> str:
        """Who has newer data, in words."""
        return "; ".join(f"{name} has {state.describe()}"
                         for name, state in sorted(self.newer.items()))


def nodes_to_ask(config: objects.ConfigData, me: str) -> list[str]:
    """Uuids of the other candidates (the master that is replaced is one of them)."""
    return [node.uuid for node in config.master_candidates()
            if node.name != me and not node.offline]


def judge(config: objects.ConfigData,
          answers: Mapping[str, rpc_result.RpcResult]) -> Findings:
    """Put this node's own data beside the answers to :data:`CALL`."""
    others: dict[str, State] = {}
    silent: dict[str, str] = {}
    for uuid, answer in answers.items():
        name = config.node(uuid).name
        if answer.fail_msg:
            silent[name] = answer.fail_msg
            continue
        state = _checked(answer.payload)
        if state is None:
            silent[name] = "its answer can not be understood"
        elif answer.payload["cluster"] == config.cluster.uuid:
            others[name] = state
    return Findings(State(config.serial_no, candidate.last_job()), others, silent)


def _checked(payload: Any) -> State | None:
    if not isinstance(payload, dict):
        return None
    state = State(payload.get("config_serial", -1), payload.get("queue_serial", -1))
    good = all(isinstance(number, int) and number >= 0 for number in state)
    return state if good and "cluster" in payload else None
