"""Small differences between long texts."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganeti.utils import patch

LINES = st.lists(st.text(alphabet="aé{}\n", max_size=40), max_size=30)


def applied(old, new):
    pieces = patch.make(old, new, 10 ** 9)
    assert patch.apply(old, pieces) == new
    return pieces


@settings(max_examples=300, deadline=None)
@given(LINES, LINES, st.integers(0, 30))
def test_any_text_can_follow_any_other(first, second, kept):
    old = "\n".join(first).encode()
    applied(old, "\n".join(second).encode())
    applied(old, "\n".join(first[:kept] + second + first[kept:]).encode())


def test_a_change_of_one_line_in_many_is_a_small_patch():
    lot = random.Random(3)
    lines = [f'"{lot.random()}":{{"name":"é{number}","serial_no":1}}' for number in range(50000)]
    old = "\n".join(lines).encode()
    lines[0] = '"serial_no":7'
    lines[30000] = '"changed":1'
    del lines[40000]
    lines.insert(45000, '"another one":{"name":"x"}')
    pieces = applied(old, "\n".join(lines).encode())
    assert sum(len(piece) for piece in pieces if isinstance(piece, str)) < 200
    assert len(pieces) < 12


def test_a_large_change_is_no_patch():
    assert patch.make(b"a\n" * 1000, b"b\n" * 1000, 500) is None


@pytest.mark.parametrize("pieces", [[[0, 6]], [[-1, 2]], [[3, -1]], [["0", 1]], [[0]], [[0, 1, 2]]])
def test_what_does_not_fit_is_refused(pieces):
    with pytest.raises(ValueError):
        patch.apply(b"short", pieces)
