"""Type checks: what they take, and that their words name the place and the expected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti import errors, ht, serializer

NICS = ht.ListOf(ht.Object({"mode": ht.Enum(["bridged", "routed"]), "ip": ht.Maybe(ht.String)},
                           required=["mode"]))


@pytest.mark.parametrize(("kind", "good", "bad"), [
    (ht.Bool, [True, False], [0, 1, None, "true"]),
    (ht.Int, [0, -5, 10 ** 30], [True, 1.0, "1", None]),
    (ht.Float, [1.5, 2], [True, "1", None]),
    (ht.Number, [1.5, 2], [True, "1"]),
    (ht.String, ["", "x"], [None, 1, b"x"]),
    (ht.NonEmptyString, ["x"], ["", None]),
    (ht.Nothing, [None], [0, "", False]),
    (ht.NonNegativeInt, [0, 3], [-1, True, 1.0]),
    (ht.PositiveInt, [1], [0, -1]),
    (ht.IntRange(1, 3), [1, 3], [0, 4]),
    (ht.NonNegativeFloat, [0, 0.5], [-0.1, float("nan"), "1"]),
    (ht.Maybe(ht.Int), [None, 3], ["x"]),
    (ht.ListOf(ht.Int), [[], [1]], [["1"], {}, None]),
    (ht.ListOf(ht.Int, empty=False), [[1]], [[]]),
    (ht.ListOf(ht.Int, unique=True), [[1, 2]], [[1, 1]]),
    (ht.DictOf(ht.String, ht.Int), [{}, {"a": 1}], [{"a": "1"}, {1: 1}, []]),
    (ht.Enum(["a", 1]), ["a", 1], ["b", True, None]),
    (ht.Or(ht.Int, ht.String), [1, "x"], [None, []]),
    (ht.And(ht.String, ht.NonEmptyString), ["x"], ["", 1]),
    (ht.TupleOf(ht.Int, ht.String), [[1, "x"]], [[1], [1, 2], [1, "x", 3]]),
    (ht.JobId, [0, 7, "12"], [-1, "x", "-1", True, "", "1" * 40]),
    (ht.RelativeJobId, [-1], [0, 1]),
    (ht.AbsPath, ["/a/b", "/"], ["a", "/a/../b", "/a//b", "", "/a\0b"]),
    (ht.OptionalAbsPath, ["", "/a"], ["a"]),
    (ht.Uuid, ["01234567-89ab-cdef-0123-456789abcdef"], ["x", ""]),
    (ht.Size, [10, "1g", "512"], [-1, "1x", "", True]),
    (ht.Ipv4Address, ["10.0.0.1"], ["10.0.0", "256.0.0.1", ""]),
    (ht.Any, [None, [], 3], []),
])
def test_what_is_taken(kind, good, bad):
    for value in good:
        assert kind.accepts(value), value
    for value in bad:
        assert not kind.accepts(value), value
    assert kind.describe()
    assert kind.spec() is not None


def test_message_names_the_place_the_expected_and_the_value():
    with pytest.raises(ht.Mismatch) as caught:
        NICS.check([{"mode": "bridged"}, {"mode": "bridgd"}], "instances[2].nics")
    assert str(caught.value) == (
        "instances[2].nics[1].mode: expected one of bridged, routed (did you mean bridged?),"
        " got 'bridgd'")


def test_unknown_and_missing_keys_are_named():
    with pytest.raises(ht.Mismatch, match="did you mean mode"):
        NICS.check([{"mod": "bridged"}], "nics")
    with pytest.raises(ht.Mismatch, match=r"nics\[0\]: expected an object with the key mode"):
        NICS.check([{}], "nics")
    assert ht.Object({"a": ht.Int}, exact=False).check({"a": 1, "b": 2}) == {"a": 1, "b": 2}


def test_values_are_converted_as_the_catalogue_allows():
    assert ht.Float.check(3) == 3.0 and isinstance(ht.Float.check(3), float)
    assert ht.JobId.check("12") == 12
    assert ht.Size.check("1.5g") == 1536
    assert ht.Size.check("1") == 4
    assert ht.ListOf(ht.Int).check((1, 2)) == [1, 2]
    assert ht.SetOf(ht.String).check({"b", "a"}) == ["a", "b"]


def test_or_reports_the_deepest_mismatch():
    kind = ht.Or(ht.Int, ht.ListOf(ht.Int))
    with pytest.raises(ht.Mismatch, match=r"x\[1\]: expected an integer, got 'a'"):
        kind.check([1, "a"], "x")


def test_private_values_are_wrapped_and_never_shown():
    kind = ht.DictOf(ht.String, ht.Private(ht.String))
    assert kind.check({"pw": "hush"})["pw"].get() == "hush"
    with pytest.raises(ht.Mismatch) as caught:
        ht.Secret(ht.Int).check("hush", "pw")
    assert "hush" not in str(caught.value)
    assert ht.Secret(ht.Int).check(serializer.Private(3)).get() == 3


@pytest.mark.parametrize(("kind", "spec"), [
    (ht.Maybe(ht.String), {"maybe": "string"}),
    (ht.ListOf(ht.NonEmptyString), {"list-of": "nonempty-string"}),
    (ht.DictOf(ht.String, ht.Any), {"dict-of": ["string", "any"]}),
    (ht.Enum(["b", "a"]), {"enum": ["a", "b"]}),
    (ht.NonNegativeInt, {"integer-min": 0}),
    (ht.Private(ht.Bool), {"private": "boolean"}),
    (ht.Or(ht.Int, ht.TupleOf(ht.Int)), {"or": ["integer", {"tuple": ["integer"]}]}),
])
def test_catalogue_notation(kind, spec):
    assert kind.spec() == spec


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_nothing_but_mismatch_comes_out(value):
    for kind in (NICS, ht.Size, ht.JobId, ht.Enum(["x"]), ht.TupleOf(ht.Int),
                 ht.DictOf(ht.String, ht.PositiveInt), ht.SetOf(ht.Int)):
        try:
            kind.check(value, "here")
        except ht.Mismatch as err:
            assert isinstance(err, errors.GenericError)
