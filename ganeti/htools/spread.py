"""Sums of squared deviations after changes at a few nodes, to the last digits.

From sums of squares such a sum is one subtraction; where next to nothing is left of it, the
subtraction has eaten the digits (a spread of 1e-8 comes out where there is none), and those few
are summed anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganeti.htools.state import Floats, Ints

#: Where to (positions in the values) and how much is added; both are broadcast to the result.
Change = tuple[Ints, Floats]
#: Below this part of the present sum a subtraction has lost too many digits.
_THIN = 1e-6
_ELEMENTS = 1 << 20


def mend(sums: Floats, values: Floats, squares: float, changes: Sequence[Change]) -> None:
    """Replace those of the sums that are next to nothing; `values` have the mean 0, `squares` is
    the sum of their squares.
    """
    limit = _THIN * squares
    if not sums.size or float(sums.min()) >= limit:
        return
    places = np.nonzero(sums < limit)
    step = max(1, _ELEMENTS // len(values))
    for start in range(0, len(places[0]), step):
        some = tuple(axis[start:start + step] for axis in places)
        sums[some] = _anew(sums.shape, some, values, changes)


def _anew(shape: tuple[int, ...], places: tuple[Ints, ...], values: Floats,
          changes: Sequence[Change]) -> Floats:
    count = len(places[0])
    table = np.tile(values, (count, 1))
    for where, change in changes:
        table[np.arange(count), np.broadcast_to(where, shape)[places]] += np.broadcast_to(
            change, shape)[places]
    table -= table.mean(axis=1, keepdims=True)
    return np.asarray((table * table).sum(axis=1))
