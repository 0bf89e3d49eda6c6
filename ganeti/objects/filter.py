"""A rule that decides which jobs may start."""

from __future__ import annotations

from typing import Any

from ganeti.objects.base import ConfigObject, field


class FilterRule(ConfigObject):
    """A job filter; lower priorities are asked first."""

    KIND = "filter"
    CONTAINER = "filters"

    uuid: str = field(str)
    #: the id of the newest job when the rule was made
    watermark: int = field(int)
    priority: int = field(int)
    predicates: list[list[Any]] = field(list, default=[])
    #: a word, or ["RATE_LIMIT", n]
    action: str | list[Any] = field((str, list))
    reason_trail: list[list[Any]] = field(list, default=[])
