"""What a check is, what it finds, and how findings become lines of the job log.

No judgement lives here: see the judge_* modules and the list in checks.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable
from typing import Any

from ganeti import constants

ERROR = constants.CV_ERROR
WARNING = constants.CV_WARNING
# Hints a check gives before its pattern is clear: thousands would hide the problems.
MAX_HINTS = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one object; `item` is empty for the cluster itself."""

    item: str
    text: str
    severity: str = ERROR


def warning(item: str, text: str) -> Problem:
    """A problem that is worth a line but does not fail the verification."""
    return Problem(item, text, WARNING)


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """A row of the list of checks.

    `mend` is the command that mends the problem; `{item}` stands for the object's name.
    `optional` is the name by which an administrator can skip the check.
    """

    code: constants.VerifyCode
    judge: Callable[[Any], Iterable[Problem]]
    title: str
    mend: str
    optional: str | None = None
    only_clutter: bool = False


class Report:
    """Collects the verdict and writes the lines; `failed` tells whether an error was seen."""

    def __init__(
        self,
        feedback: Callable[[str], None],
        *,
        error_codes: bool = False,
        ignore_errors: Collection[str] = (),
        simulate_errors: bool = False,
        verbose: bool = False,
    ) -> None:
        self._feedback = feedback
        self._error_codes = error_codes
        self._ignore = frozenset(ignore_errors)
        self._simulate = simulate_errors
        self._verbose = verbose
        self._hinted: dict[Callable[..., Any], set[str]] = {}
        self.failed = False
        self.counts = {ERROR: 0, WARNING: 0}

    def heading(self, text: str) -> None:
        """A line that names the part of the work that begins."""
        self._feedback(f"* {text}")

    def note(self, text: str) -> None:
        """A line for --verbose."""
        if self._verbose:
            self._feedback(f"  - {text}")

    def add(self, check: Check, problem: Problem) -> None:
        """Write the line of one problem and count it."""
        severity = WARNING if check.code.code in self._ignore else problem.severity
        self.counts[severity] += 1
        if severity == ERROR:
            self.failed = True
        self._feedback(format_line(severity, check.code, problem, self._error_codes))
        if check.mend and not self._error_codes:
            self._hint(check, check.mend.format(item=problem.item))

    def _hint(self, check: Check, command: str) -> None:
        """The mending command, each once and only a few of every check."""
        given = self._hinted.setdefault(check.judge, set())
        if command not in given and len(given) < MAX_HINTS:
            given.add(command)
            self._feedback(f"      Hint: {command}")

    def run(self, checks: Iterable[Check], view: Any, skip: Collection[str] = ()) -> None:
        """Judge `view` by every check that is not skipped."""
        title = None
        for check in checks:
            if check.optional is not None and check.optional in skip:
                self.note(f"NOTICE: skipped on request: {check.title}")
                continue
            if check.title != title:
                title = check.title
                self.heading(title)
            if self._simulate:
                self.add(check, Problem("simulated", "simulated error, nothing was judged"))
            for problem in check.judge(view):
                self.add(check, problem)


def format_line(severity: str, code: constants.VerifyCode, problem: Problem,
                codes: bool) -> str:
    """The catalogue's line: readable, or with `codes` separated by colons for programs."""
    if codes:
        return f"  - {severity}:{code.code}:{code.object}:{problem.item}:{problem.text}"
    subject = f"{code.object} {problem.item}" if problem.item else code.object
    return f"  - {severity}: {subject}: {problem.text}"
