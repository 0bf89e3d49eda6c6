"""Texts of people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti import errors
from ganeti.utils import text


@pytest.mark.parametrize(("given_", "mib"), [
    ("1", 4), ("4", 4), ("512", 512), ("1g", 1024), ("1.5G", 1536), ("1t", 1024 * 1024),
    ("10 GiB", 10240), ("0", 0), (" 2m ", 4), (100, 100)])
def test_sizes(given_, mib):
    assert text.parse_unit(given_) == mib


@pytest.mark.parametrize("wrong", ["", "x", "1k", "-1", "1,5g", "g", "1gg", "٣x"])
def test_no_sizes(wrong):
    with pytest.raises(errors.UnitParseError, match="is no size"):
        text.parse_unit(wrong)


@pytest.mark.parametrize(("mib", "unit", "shown"), [
    (512, "h", "512M"), (1536, "h", "1.5G"), (2 * 1024 ** 2, "h", "2.0T"), (512, "m", "512"),
    (1536, "g", "1.5"), (1024 ** 2, "t", "1.0"), (0, "h", "0M")])
def test_sizes_are_shown(mib, unit, shown):
    assert text.format_unit(mib, unit) == shown


@given(st.integers(0, 10 ** 7))
def test_whole_sizes_round_up_to_four(mib):
    assert mib <= text.parse_unit(str(mib)) < mib + 4
    assert text.parse_unit(str(mib)) % 4 == 0


def test_durations():
    assert [text.parse_duration(word) for word in ("90", "15m", "6h", "2d", "1w", "0.5h")] == [
        90, 900, 21600, 172800, 604800, 1800]
    with pytest.raises(errors.UnitParseError):
        text.parse_duration("soon")
    assert text.format_seconds(93784) == "1d 2h 3m 4s"
    assert text.format_seconds(0) == "0s"


def test_times():
    assert text.split_time(1_250_000_999) == [1, 250000]
    assert text.merge_time((1, 250000)) == 1.25
    assert text.format_time(None) == "N/A"
    assert text.format_time(0, 5).endswith(".000005")


@given(st.integers(0, 4 * 10 ** 18))
def test_split_time_keeps_microseconds(moment):
    seconds, micro = text.split_time(moment)
    assert 0 <= micro < 1000000
    assert abs(text.merge_time((seconds, micro)) - moment / 1e9) < 2e-6


def test_nice_sort():
    assert text.nice_sort(["node10", "node2", "node1.x", "a", "10", "9"]) == [
        "9", "10", "a", "node1.x", "node2", "node10"]
    assert text.nice_sort([(2, "b10"), (1, "b9")], key=lambda item: item[1]) == [
        (1, "b9"), (2, "b10")]


@given(st.lists(st.text()))
def test_nice_sort_takes_any_text(names):
    assert sorted(text.nice_sort(names)) == sorted(names)


@pytest.mark.parametrize(("spec", "numbers"), [
    ("1", [1]), ("1-3,7", [1, 2, 3, 7]), ("5,1-2", [1, 2, 5]), ("0-0", [0]),
    ("1, 3 - 4", [1, 3, 4])])
def test_ranges(spec, numbers):
    assert text.parse_id_ranges(spec) == numbers


@pytest.mark.parametrize("wrong", ["", "a", "1-", "3-1", "1,,2", "-1", "0-99999999999"])
def test_no_ranges(wrong):
    with pytest.raises(errors.ParseError):
        text.parse_id_ranges(wrong)


def test_cpu_masks():
    assert text.parse_cpu_mask("0-2,4") == [0, 1, 2, 4]
    assert text.parse_multi_cpu_mask("0-1:all:3") == [[0, 1], [-1], [3]]


@pytest.mark.parametrize(("name", "found"), [
    ("web", "web.example.org"), ("web.example.org", "web.example.org"), ("db", None),
    ("mail", "mail"), ("w", None), ("", None), ("x", None)])
def test_short_names(name, found):
    names = ["web.example.org", "db.a", "db.b", "mail", "mail.a"]
    assert text.match_name(name, names) == found


def test_names_in_other_case():
    assert text.match_name("WEB", ["web.x"]) is None
    assert text.match_name("WEB", ["web.x"], case_sensitive=False) == "web.x"


@given(st.lists(st.text(), min_size=1))
def test_split_is_the_reverse_of_join(words):
    assert text.unescape_and_split(text.escape_and_join(words)) == words


def test_lines_of_settings():
    assert text.lines("# comment\n\n a \nb#c\n") == ["a", "b#c"]


def test_shell_words():
    assert text.shell_quote_args(["a b", "c"]) == "'a b' c"
    assert text.safe("a\x1b[1m\n") == "a\\x1b[1m\\n"
