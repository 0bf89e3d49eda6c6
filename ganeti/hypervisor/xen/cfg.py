"""Writing what `xl` reads: one setting a line, texts quoted as its parser wants them."""

from __future__ import annotations

from collections.abc import Sequence

_HEADER = "# Written by Ganeti at every start of the instance: changes here are lost"


def quote(value: str) -> str:
    """A text between double quotes, in which `xl` knows backslashes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


class Config:
    """The lines of a domain's configuration, in the order in which they were added."""

    def __init__(self) -> None:
        self._lines = [_HEADER]

    def text(self, key: str, value: str) -> None:
        self._lines.append(f"{key} = {quote(value)}")

    def number(self, key: str, value: int) -> None:
        """A number, or a yes or no as 1 or 0."""
        self._lines.append(f"{key} = {int(value)}")

    def words(self, key: str, values: Sequence[str]) -> None:
        """A list, one value a line."""
        if not values:
            self._lines.append(f"{key} = []")
            return
        self._lines += [f"{key} = [", *(f"  {quote(value)}," for value in values), "]"]

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"
