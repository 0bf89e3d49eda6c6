"""Sizes on the command lines of the balancing programs: lower case letters count in 1024s, upper
case ones in 1000s (40G is 38147 MiB).
"""

from __future__ import annotations

from ganeti import errors

_MIB = 1024 * 1024
_UNITS = {"": _MIB, "m": _MIB, "g": 1024 * _MIB, "t": 1024 * 1024 * _MIB,
          "mb": _MIB, "gb": 1024 * _MIB, "tb": 1024 * 1024 * _MIB,
          "mib": _MIB, "gib": 1024 * _MIB, "tib": 1024 * 1024 * _MIB,
          "M": 1000 ** 2, "G": 1000 ** 3, "T": 1000 ** 4,
          "MB": 1000 ** 2, "GB": 1000 ** 3, "TB": 1000 ** 4}


def parse_size(text: str) -> int:
    """MiB, rounded."""
    text = text.strip()
    number = text.rstrip("mgtbiMGTB ")
    unit = text[len(number):].strip()
    if not number.isdigit() or unit not in _UNITS:
        raise errors.UnitParseError(
            f"'{text}' is no size; write a number and m, g or t (1024s) or M, G, T (1000s)")
    return round(int(number) * _UNITS[unit] / _MIB)
