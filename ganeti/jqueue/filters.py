"""Job filters: rules of the configuration that say whether a job may start.

Also the rate limits that a job's reason trail may carry (``rate-limit:N:NAME``).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ganeti import constants, errors, objects, qlang
from ganeti.jqueue import job as jobs
from ganeti.query.fields import OTHER, FieldRow, or_unavailable

_AD_HOC = re.compile(r"^rate-limit:(\d+):(.+)$")

RUN = "run"
WAIT = "wait"
REJECT = "reject"

ACTION_WORDS = (constants.FILTER_ACTION_ACCEPT, constants.FILTER_ACTION_PAUSE,
                constants.FILTER_ACTION_REJECT, constants.FILTER_ACTION_CONTINUE)


class Verdict(NamedTuple):
    """What the rules say about a job, and the buckets in which it counts when it runs."""

    action: str
    rule: str = ""
    buckets: tuple[tuple[str, int], ...] = ()


class _AnyField(Mapping[str, FieldRow]):
    """A table of fields in which every name exists: the key of a dictionary."""

    def __getitem__(self, name: str) -> FieldRow:
        return FieldRow(name, name, OTHER, "Value of the key",
                               lambda item, _context: or_unavailable(item.get(name)))

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


_FIELDS = _AnyField()


def check_action(action: Any) -> str | list[Any]:
    """Check the action of a rule that came from outside."""
    if action in ACTION_WORDS:
        return str(action)
    if (isinstance(action, (list, tuple)) and len(action) == 2
            and action[0] == constants.FILTER_ACTION_RATE_LIMIT
            and isinstance(action[1], int) and not isinstance(action[1], bool)
            and action[1] > 0):
        return list(action)
    raise errors.OpPrereqError(
        f"'{action}' is not an action of a job filter; there are {', '.join(ACTION_WORDS)} and"
        " [\"RATE_LIMIT\", n]", errors.ECODE_INVAL)


def check_predicates(predicates: Any) -> list[list[Any]]:
    """Check the predicates of a rule that came from outside."""
    if not isinstance(predicates, (list, tuple)):
        raise errors.OpPrereqError("The predicates of a job filter are a list",
                                   errors.ECODE_INVAL)
    for predicate in predicates:
        if (not isinstance(predicate, (list, tuple)) or len(predicate) != 2
                or predicate[0] not in _MATCHERS):
            raise errors.OpPrereqError(
                f"'{predicate}' is not a predicate of a job filter: [name, expression] with a"
                f" name of {', '.join(sorted(_MATCHERS))}", errors.ECODE_INVAL)
        _compile(predicate[1], 0)
    return [list(predicate) for predicate in predicates]


def _compile(expression: Any, watermark: int) -> Callable[[Any], bool]:
    predicate = qlang.compile(_with_watermark(expression, watermark), _FIELDS)
    return lambda item: predicate is None or bool(predicate(item, None))


def _with_watermark(expression: Any, watermark: int) -> Any:
    """The word ``watermark`` in a comparison stands for the rule's own."""
    if not isinstance(expression, (list, tuple)):
        return expression
    if len(expression) == 3 and expression[2] == "watermark":
        return [expression[0], expression[1], watermark]
    return [_with_watermark(part, watermark) for part in expression]


def _match_jobid(matches: Callable[[Any], bool], job: jobs.Job) -> bool:
    return matches({"id": job.id})


def _match_opcode(matches: Callable[[Any], bool], job: jobs.Job) -> bool:
    return any(matches(op.input) for op in job.ops)


def _match_reason(matches: Callable[[Any], bool], job: jobs.Job) -> bool:
    return any(matches({"source": source, "reason": text, "timestamp": stamp})
               for source, text, stamp in job.reasons())


_MATCHERS: dict[str, Callable[[Callable[[Any], bool], jobs.Job], bool]] = {
    "jobid": _match_jobid,
    "opcode": _match_opcode,
    "reason": _match_reason,
}


class _Rule:
    """A filter rule, ready to be asked."""

    def __init__(self, rule: objects.FilterRule) -> None:
        self.uuid = rule.uuid
        self.action = rule.action
        self._predicates = [(_MATCHERS[name], _compile(expression, rule.watermark))
                            for name, expression in rule.predicates]

    def matches(self, job: jobs.Job) -> bool:
        """Whether all predicates hold; one that can not be evaluated does not."""
        try:
            return all(match(matches, job) for match, matches in self._predicates)
        except errors.GenericError:
            return False


class RuleSet:
    """All rules in their order."""

    def __init__(self, rules: Iterable[objects.FilterRule]) -> None:
        self._rules = []
        for rule in sorted(rules, key=lambda rule: (rule.priority, rule.watermark, rule.uuid)):
            try:
                self._rules.append(_Rule(rule))
            except (errors.GenericError, KeyError, ValueError, TypeError) as err:
                logging.error("Job filter %s can not be understood and is left out: %s",
                              rule.uuid, err)

    def judge(self, job: jobs.Job, running: Callable[[str], int]) -> Verdict:
        """Whether a job may run now; ``running`` tells how many jobs of a bucket run."""
        buckets: list[tuple[str, int]] = _ad_hoc_buckets(job)
        for rule in self._rules:
            if not rule.matches(job):
                continue
            if isinstance(rule.action, list):
                buckets.append((f"filter:{rule.uuid}", int(rule.action[1])))
            elif rule.action == constants.FILTER_ACTION_REJECT:
                return Verdict(REJECT, rule.uuid)
            elif rule.action == constants.FILTER_ACTION_PAUSE:
                return Verdict(WAIT, rule.uuid)
            elif rule.action == constants.FILTER_ACTION_CONTINUE:
                continue
            break
        if any(running(name) >= limit for name, limit in buckets):
            return Verdict(WAIT)
        return Verdict(RUN, buckets=tuple(buckets))


def _ad_hoc_buckets(job: jobs.Job) -> list[tuple[str, int]]:
    found = {}
    for _source, text, _stamp in job.reasons():
        match = _AD_HOC.match(text) if isinstance(text, str) else None
        if match:
            found[f"reason:{match.group(2)}"] = int(match.group(1))
    return list(found.items())
