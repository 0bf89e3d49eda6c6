"""A source of live data that is told what the nodes answer, and remembers what was asked."""

from __future__ import annotations

from typing import Any

from ganeti.query import Answer


class Source:
    """Answers for queries; a method that was not told anything fails the test."""

    def __init__(self, config: Any, **answers: Any) -> None:
        self.config = config
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        def ask(*args: Any) -> Any:
            self.asked.append((name, args))
            if name not in self.answers:
                raise AssertionError(f"{name} was asked for static fields")
            return self.answers[name]
        return ask


def normal(**by_node: Any) -> dict[str, Answer]:
    return {uuid: Answer.normal(payload) for uuid, payload in by_node.items()}
