"""How the words of options are read."""

import pytest

from ganeti import errors, serializer
from ganeti.cli import types


@pytest.mark.parametrize(("kind", "word", "expected"), [
    ("keyval", "a=1,b=x=y", {"a": "1", "b": "x=y"}),
    ("keyval", r"a=1\,2,b=", {"a": "1,2", "b": ""}),
    ("keyval", "flag,no_other,-gone", {"flag": True, "other": False, "gone": None}),
    ("keyval", "", {}),
    ("identkeyval", "kvm:acpi=true,pae", ("kvm", {"acpi": "true", "pae": True})),
    ("identkeyval", "kvm", ("kvm", {})), ("identkeyval", "0:size=1g", ("0", {"size": "1g"})),
    ("identkeyval", "no_kvm", ("kvm", False)), ("identkeyval", "-kvm", ("kvm", None)),
    ("identkeyval", "-1:remove", ("-1", {"remove": True})),
    ("identkeyval", "x:a=b:c", ("x", {"a": "b:c"})),
    ("multilistidentkeyval", "min:a=1/max:a=2//min:a=3/max:a=4",
     [{"min": {"a": "1"}, "max": {"a": "2"}}, {"min": {"a": "3"}, "max": {"a": "4"}}]),
    ("bool", "yes", True), ("bool", "False", False),
    ("list", r"a,b\,c", ["a", "b,c"]), ("list", "", []),
    ("maybefloat", "default", "default"), ("maybefloat", "1.5", 1.5),
    ("unit", "10g", 10240), ("unit", "1.5", 4), ("int", "-3", -3),
    ("json", '{"a": [1]}', {"a": [1]}),
    ("filteraction", "PAUSE", "PAUSE"), ("filteraction", "RATE_LIMIT 5", ["RATE_LIMIT", 5]),
    ("priority", "high", -10),
])
def test_words(kind, word, expected):
    assert types.CONVERT[kind](word) == expected


@pytest.mark.parametrize(("kind", "word"), [
    ("bool", "maybe"), ("int", "1.5"), ("float", "x"), ("maybefloat", "defaul"), ("unit", "10x"),
    ("json", "{"), ("filteraction", "RATE LIMIT 5"), ("priority", "highest"),
])
def test_words_that_are_usage_errors(kind, word):
    with pytest.raises(ValueError, match="'"):
        types.CONVERT[kind](word)


@pytest.mark.parametrize(("kind", "word", "message"), [
    ("keyval", "a=1,a=2", "'a' is given twice"), ("keyval", "=1", "has no name"),
    ("identkeyval", "no_kvm:a=1", "can not have parameters"),
    ("multilistidentkeyval", "min:a=1/min:a=2", "'min' is given twice"),
])
def test_words_that_are_parameter_errors(kind, word, message):
    with pytest.raises(errors.ParameterError, match=message):
        types.CONVERT[kind](word)


def test_private_values_are_wrapped():
    read = types.CONVERT["keyprivateval"]("pw=geheim")
    assert read == {"pw": serializer.Private("geheim")} and "geheim" not in repr(read)
