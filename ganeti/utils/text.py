"""Texts that people read and write: sizes, durations, lists of numbers, names, quoting."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from ganeti import errors, ht

T = TypeVar("T")
_DIGITS = re.compile(r"(\d+)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_unit(text: str | int) -> int:
    """A size such as 1g, 512m, 1.5T or 100 as MiB, rounded up to a multiple of 4."""
    try:
        return ht.parse_size(str(text))
    except ValueError as err:
        raise errors.UnitParseError(str(err)) from None


def format_unit(mib: float, unit: str = "h") -> str:
    """A size in MiB as text; unit h chooses and writes the letter, m, g and t only convert."""
    if unit == "m":
        return f"{round(mib, 0):g}" if mib != int(mib) else str(int(mib))
    if unit == "g":
        return f"{mib / 1024:.1f}"
    if unit == "t":
        return f"{mib / 1024 / 1024:.1f}"
    if unit != "h":
        raise errors.ProgrammerError(f"Unknown unit '{unit}'")
    if mib < 1024:
        return f"{int(round(mib))}M"
    if mib < 1024 * 1024:
        return f"{mib / 1024:.1f}G"
    return f"{mib / 1024 / 1024:.1f}T"


def parse_duration(text: str) -> float:
    """A duration such as 90, 15m, 6h or 2d as seconds."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise errors.UnitParseError(
            f"'{text}' is no duration; write a number with s, m, h, d or w, as in 6h")
    return float(match.group(1)) * _SECONDS[match.group(2)]


def format_seconds(seconds: float) -> str:
    """A duration as '2d 3h 4m 5s'."""
    left = int(round(seconds))
    parts: list[str] = []
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{letter}")
    return " ".join([*parts, f"{left}s"])


def format_time(seconds: float | None, micro: int | None = None) -> str:
    """A moment in local time, 'N/A' for none."""
    if seconds is None:
        return "N/A"
    text = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    return text if micro is None else f"{text}.{micro:06d}"


def split_time(nanoseconds: int) -> list[int]:
    """A moment in ns since the epoch as [seconds, microseconds], the form of the wire."""
    return [nanoseconds // 1_000_000_000, nanoseconds // 1000 % 1_000_000]


def merge_time(stamp: Sequence[int]) -> float:
    """A moment of the wire in seconds since the epoch."""
    return stamp[0] + stamp[1] / 1_000_000


def nice_sort_key(text: str) -> list[Any]:
    """Sort key by which node2 comes before node10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part)
            for part in _DIGITS.split(text) if part]


def nice_sort(values: Iterable[T], key: Callable[[T], str] | None = None) -> list[T]:
    """Sort names as people count: node2 before node10."""
    return sorted(values, key=lambda value: nice_sort_key(key(value) if key else str(value)))


def shell_quote(text: str) -> str:
    """A text as one word of a shell command."""
    return shlex.quote(str(text))


def shell_quote_args(words: Iterable[str]) -> str:
    """Words as one shell command."""
    return " ".join(shell_quote(word) for word in words)


def parse_id_ranges(text: str, what: str = "number") -> list[int]:
    """'1-3,7' as [1, 2, 3, 7], sorted and without repetition."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None:
            raise errors.ParseError(f"'{part}' is no {what} and no range such as 1-3")
        low = int(match.group(1))
        high = int(match.group(2)) if match.group(2) else low
        if high < low:
            raise errors.ParseError(f"The range {part.strip()} ends before it begins")
        if high - low > 10 ** 6:
            raise errors.ParseError(f"The range {part.strip()} is too long")
        found.update(range(low, high + 1))
    return sorted(found)


def parse_cpu_mask(mask: str) -> list[int]:
    """'0-2,4' as [0, 1, 2, 4]; an empty mask is an empty list."""
    return parse_id_ranges(mask, "CPU number") if mask else []


def parse_multi_cpu_mask(mask: str) -> list[list[int]]:
    """One list a virtual CPU of '0-1:all:3'; 'all' becomes [-1] (not pinned)."""
    return [[-1] if part == "all" else parse_cpu_mask(part) for part in mask.split(":")]


def match_name(name: str, names: Iterable[str], *, case_sensitive: bool = True) -> str | None:
    """The one known name that is `name` or begins with it and a dot; None if none or several."""
    wanted = name if case_sensitive else name.lower()
    short: list[str] = []
    for known in names:
        compared = known if case_sensitive else known.lower()
        if compared == wanted:
            return known
        if compared.startswith(wanted + ".") and wanted:
            short.append(known)
    return short[0] if len(short) == 1 else None


def safe(text: str) -> str:
    """A text for a terminal or log: control characters written as escapes, on one line."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def lines(text: str) -> list[str]:
    """Lines of a file of settings: stripped, without comments and empty ones."""
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def escape_and_join(words: Iterable[str], separator: str = ",") -> str:
    """Join words by a separator; one inside a word is written with a backslash."""
    return separator.join(word.replace("\\", "\\\\").replace(separator, "\\" + separator)
                          for word in words)


def unescape_and_split(text: str, separator: str = ",") -> list[str]:
    """Split a list such as 'a,b\\,c' at separators that no backslash precedes."""
    words, word, escaped = [], "", False
    for char in text:
        if escaped:
            word += char if char in (separator, "\\") else "\\" + char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == separator:
            words.append(word)
            word = ""
        else:
            word += char
    return [*words, word + ("\\" if escaped else "")]
