"""The shape of one row of the RPC table; the rows themselves are in :mod:`ganeti.rpc.defs`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti import constants, errors
from ganeti.rpc import kinds

# Read time-outs, in seconds.
URGENT = constants.RPC_TMO_URGENT
FAST = constants.RPC_TMO_FAST
NORMAL = constants.RPC_TMO_NORMAL
SLOW = constants.RPC_TMO_SLOW
FOUR_HOURS = constants.RPC_TMO_4HRS
ONE_DAY = constants.RPC_TMO_1DAY

LANE_QUICK = "quick"
LANE_NORMAL = "normal"
LANE_SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Arg:
    """One positional argument of a call."""

    name: str
    kind: kinds.Kind = kinds.PLAIN


class Call:
    """One node RPC: arguments, time-out, and what may be done with it.

    :param timeout: seconds to wait for the answer, or a function of the arguments
    :param result: what the payload of a good answer is, in words, for people
    :param multi: usually sent to many nodes at once
    :param idempotent: sending it again after a lost answer is safe
    :param raw_body: the single argument is the body itself, not an element of a list
    :param lane: worker lane of the node daemon; derived from the time-out when absent
    """

    __slots__ = ("args", "idempotent", "lane", "multi", "name", "raw_body", "result", "timeout")

    def __init__(self, name: str, *args: Arg, timeout: int | Callable[..., float], result: str,
                 multi: bool = False, idempotent: bool = False, raw_body: bool = False,
                 lane: str | None = None):
        self.name = name
        self.args = args
        self.timeout = timeout
        self.result = result
        self.multi = multi
        self.idempotent = idempotent
        self.raw_body = raw_body
        self.lane = lane or self._default_lane()

    def _default_lane(self) -> str:
        if callable(self.timeout) or self.timeout >= SLOW:
            return LANE_SLOW
        return LANE_QUICK if self.timeout <= FAST else LANE_NORMAL

    @property
    def per_node(self) -> bool:
        """Whether the encoded body depends on the node that it is sent to."""
        return any(arg.kind.per_node for arg in self.args)

    def read_timeout(self, args: Sequence[Any]) -> float:
        """Seconds to wait for the answer to a call with these arguments."""
        if callable(self.timeout):
            return float(self.timeout(*args))
        return float(self.timeout)

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        """Positional values from a Python call; a wrong one is the caller's bug."""
        values = list(args)
        for arg in self.args[len(values):]:
            if arg.name not in kwargs:
                raise errors.ProgrammerError(f"RPC {self.name}: argument '{arg.name}' is missing")
            values.append(kwargs.pop(arg.name))
        if kwargs or len(values) > len(self.args):
            raise errors.ProgrammerError(
                f"RPC {self.name}: takes {len(self.args)} arguments, "
                f"got {len(values)} and unknown {sorted(kwargs)}")
        return values

    def encode(self, values: Sequence[Any], config: Any, node_uuid: str | None) -> Any:
        """The JSON body for one node."""
        target = kinds.Target(config, node_uuid)
        encoded = [arg.kind.encode(value, target)
                   for arg, value in zip(self.args, values, strict=True)]
        return encoded[0] if self.raw_body else encoded

    def decode(self, body: Any) -> list[Any]:
        """Typed arguments from a JSON body; raises :class:`errors.ParameterError`."""
        if self.raw_body:
            body = [body]
        if not isinstance(body, list):
            raise errors.ParameterError(
                f"{self.name}: expected a list of arguments, got {type(body).__name__}")
        if len(body) != len(self.args):
            raise errors.ParameterError(
                f"{self.name}: expected {len(self.args)} arguments, got {len(body)}")
        values = []
        for arg, value in zip(self.args, body, strict=True):
            try:
                values.append(arg.kind.decode(value))
            except (TypeError, ValueError, KeyError, LookupError, AttributeError,
                    errors.GenericError) as err:
                raise errors.ParameterError(
                    f"{self.name}: argument '{arg.name}' is not a valid {arg.kind.name}: "
                    f"{err or type(err).__name__}") from err
        return values
