"""Fields of job filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.query.fields import OTHER, Context, FieldRow, Resource, attribute


def _items(context: Context, names: Sequence[Any] | None) -> list[Any]:
    """The filters in the order in which they are asked."""
    filters = context.config.filters
    if names is None:
        return sorted(filters.values(),
                      key=lambda rule: (rule.priority, rule.watermark, rule.uuid))
    for uuid in names:
        if uuid not in filters:
            raise errors.OpPrereqError(f"There is no filter {uuid}", errors.ECODE_NOENT)
    return [filters[uuid] for uuid in names]


ROWS = [
    FieldRow("uuid", "UUID", OTHER, "UUID of the filter", attribute("uuid")),
    FieldRow("watermark", "Watermark", OTHER, "The newest job when the filter was made",
             attribute("watermark")),
    FieldRow("priority", "Priority", OTHER, "Lower ones are asked first", attribute("priority")),
    FieldRow("predicates", "Predicates", OTHER, "Which jobs it is about",
             attribute("predicates")),
    FieldRow("action", "Action", OTHER, "What happens to these jobs", attribute("action")),
    FieldRow("reason_trail", "ReasonTrail", OTHER, "Why and through whom it was made",
             attribute("reason_trail")),
]

RESOURCE = Resource(constants.QR_FILTER, "uuid", ROWS, _items)
