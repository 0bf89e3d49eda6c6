"""Small differences between long texts: what a receiver of the former one needs for the next.

A patch is a list of pieces: ``[offset, length]`` of the former text, or a new text. Made for
texts of which a few places change; it is not the shortest possible patch.
"""

from __future__ import annotations

from typing import Any

Piece = list[int] | str

_BLOCK = 1 << 16
_NEAR = 1 << 12


def make(old: bytes, new: bytes, limit: int) -> list[Piece] | None:
    """The pieces; None when they would hold more than ``limit`` bytes of new text."""
    start = _common(old, new, 0, 0)
    end = _common_end(old, new, start)
    pieces: list[Piece] = [[0, start]] if start else []
    fresh = _middle(old[start:len(old) - end], new[start:len(new) - end], start, pieces)
    if fresh > limit:
        return None
    if end:
        pieces.append([len(old) - end, end])
    return pieces


def _middle(old: bytes, new: bytes, offset: int, pieces: list[Piece]) -> int:
    """Pieces for what lies between the first and the last difference; bytes of new text.

    Looks for the lines of the new text one after the other in the old one.
    """
    fresh = place = begin = 0
    while begin < len(new):
        stop = new.find(b"\n", begin) + 1 or len(new)
        found = old.find(new[begin:stop], place, place + _NEAR + (stop - begin))
        if found < 0 or stop - begin < 16:
            pieces.append(new[begin:stop].decode("utf-8"))
            fresh += stop - begin
            begin = stop
            place = old.find(b"\n", place) + 1 or len(old)
            continue
        same = _common(old, new, found, begin)
        # a piece of new text must not begin inside of a character: stop at the end of a line
        if begin + same < len(new):
            same = new.rfind(b"\n", begin, begin + same) + 1 - begin
        pieces.append([offset + found, same])
        begin += same
        place = found + same
    return fresh


def _common(old: bytes, new: bytes, first: int, second: int) -> int:
    """How many bytes are the same from two places on; up to a whole line."""
    length = size = 0
    most = min(len(old) - first, len(new) - second)
    while length < most:
        size = min(_BLOCK, most - length)
        if old[first + length:first + length + size] != new[second + length:second + length + size]:
            break
        length += size
    else:
        return length
    low, high = 0, size
    while low < high:
        half = (low + high + 1) // 2
        if old[first + length:first + length + half] == new[second + length:second + length + half]:
            low = half
        else:
            high = half - 1
    length += low
    return new.rfind(b"\n", second, second + length) + 1 - second if length < most else length


def _common_end(old: bytes, new: bytes, start: int) -> int:
    """How many bytes are the same before the ends; whole lines, and none before ``start``."""
    length = 0
    most = min(len(old), len(new)) - start
    while length + _BLOCK <= most and (
            old[len(old) - length - _BLOCK:len(old) - length]
            == new[len(new) - length - _BLOCK:len(new) - length]):
        length += _BLOCK
    low, high = 0, min(_BLOCK, most - length)
    while low < high:
        half = (low + high + 1) // 2
        if (old[len(old) - length - half:len(old) - length]
                == new[len(new) - length - half:len(new) - length]):
            low = half
        else:
            high = half - 1
    length += low
    begin = len(new) - length
    cut = new.find(b"\n", begin) + 1
    return len(new) - cut if cut else 0


def apply(old: bytes, pieces: Any) -> bytes:
    """The next text; ValueError when the pieces do not fit the former one."""
    parts = []
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(piece.encode("utf-8"))
            continue
        offset, length = piece
        if not (isinstance(offset, int) and isinstance(length, int)
                and 0 <= offset <= offset + length <= len(old)):
            raise ValueError(f"There is nothing at {offset}, length {length}")
        parts.append(old[offset:offset + length])
    return b"".join(parts)
