"""The text form of filters, and what the arguments of a list command mean."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti import errors, qlang


@pytest.mark.parametrize(("text", "expected"), [
    ("status == 'running' and be/vcpus > 2",
     ["&", ["==", "status", "running"], [">", "be/vcpus", 2]]),
    ("not master or name =~ m/^db[0-9]/i", ["|", ["!", ["?", "master"]],
                                            ["=~", "name", "(?i)^db[0-9]"]]),
    ("'gold' in tags", ["=[]", "tags", "gold"]),
    ("\"x\" not in tags", ["!", ["=[]", "tags", "x"]]),
    ("name =* 'app*'", ["=~", "name", r"^app[^.]*(\..*)?$"]),
    ("name !* 'web?'", ["!", ["=~", "name", r"^web[^.](\..*)?$"]]),
    ("name = 'a'", ["==", "name", "a"]),
    ("a or b and c", ["|", ["?", "a"], ["&", ["?", "b"], ["?", "c"]]]),
    ("(a or b) and c", ["&", ["|", ["?", "a"], ["?", "b"]], ["?", "c"]]),
    ("not not a", ["!", ["!", ["?", "a"]]]),
    ("x >= -5", [">=", "x", -5]),
    (r"a =~ /\.x\d\/y/s", ["=~", "a", r"(?s)\.x\d/y"]),
    ("a !~ m#x/y#", ["!", ["=~", "a", "x/y"]]),
    ("a =~ m|x|is", ["=~", "a", "(?is)x"]),
])
def test_text(text, expected):
    assert qlang.parse_text(text) == expected


@pytest.mark.parametrize("text", ["", "a ==", "a == 'x", "(a", "a b", "5", "and", "a =~ x"])
def test_a_wrong_text_is_shown_with_its_place(text):
    with pytest.raises(errors.QueryFilterParseError) as caught:
        qlang.parse_text(text)
    lines = str(caught.value).split("\n")
    assert lines[0].startswith("Error while parsing query filter: ") and lines[-1].endswith("^")


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(errors.QueryFilterParseError):
        assert qlang.parse_text(text)


@pytest.mark.parametrize(("args", "force", "expected"), [
    ([], False, None),
    (["web1"], False, ["|", ["==", "name", "web1"]]),
    (["web1", "web2"], False, ["|", ["==", "name", "web1"], ["==", "name", "web2"]]),
    (["web*.a"], False, ["|", ["=~", "name", r"^web[^.]*\.a(\..*)?$"]]),
    (["a == 'b'"], False, ["==", "a", "b"]),
    (["admin_up"], True, ["?", "admin_up"]),
])
def test_arguments(args, force, expected):
    assert qlang.make_filter(args, force) == expected


def test_numbers_as_arguments():
    assert qlang.make_filter(["5"], False, name_field="id", numeric=True) == \
        ["|", ["==", "id", 5]]
    with pytest.raises(errors.OpPrereqError, match="'x' is no number"):
        qlang.make_filter(["x"], False, name_field="id", numeric=True)


def test_a_filter_is_one_argument():
    with pytest.raises(errors.OpPrereqError, match="exactly one"):
        qlang.make_filter(["a", "b"], True)


def test_a_short_name_pattern_matches_the_full_name():
    import re
    pattern = qlang.glob_to_regexp("web*")
    assert re.search(pattern, "web12") and re.search(pattern, "web1.example.org")
    assert not re.search(pattern, "myweb1")


@pytest.mark.parametrize(("qfilter", "expected"), [
    (["=", "name", "a"], ["a"]),
    (["|", ["=", "name", "a"], ["==", "name", "b"], ["=", "name", "a"]], ["a", "b"]),
    (["|", ["=", "name", "a"], ["=", "uuid", "b"]], None),
    (["&", ["=", "name", "a"]], None), (["|"], None), (None, None),
])
def test_filters_that_only_name_objects(qfilter, expected):
    assert qlang.names_of(qfilter, "name") == expected
