"""The filter language of queries: reading its text, and testing objects with its list form.

The text form is read with pyparsing, which is imported only then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganeti import errors, ht

OP_AND = "&"
OP_OR = "|"
OP_NOT = "!"
OP_TRUE = "?"
OP_EQUAL = "=="
OP_EQUAL_OLD = "="
OP_NOT_EQUAL = "!="
OP_LESS = "<"
OP_LESS_OR_EQUAL = "<="
OP_GREATER = ">"
OP_GREATER_OR_EQUAL = ">="
OP_REGEXP = "=~"
OP_CONTAINS = "=[]"

#: An argument with one of these is taken for a filter, …
FILTER_CHARACTERS = frozenset("\t\n\x0b\x0c\r !\"'()/<=>\\~")
#: … and one with one of these for a pattern of names.
GLOB_CHARACTERS = frozenset("*?")

_MAX_DEPTH = 100

Test = Callable[[Any, Any], bool]


class Filter:
    """A compiled filter: call it with an object and the context of the query."""

    __slots__ = ("_test", "fields", "needs")

    def __init__(self, test: Test, fields: frozenset[str], needs: frozenset[str]) -> None:
        self._test = test
        #: names of the fields that it looks at
        self.fields = fields
        #: what has to be gathered for them
        self.needs = needs

    def __call__(self, item: Any, context: Any) -> bool:
        return self._test(item, context)


def is_filter(text: str) -> bool:
    """Does a command-line argument look like a filter rather than a name?"""
    return any(character in FILTER_CHARACTERS for character in text)


def is_glob(text: str) -> bool:
    """Does it look like a pattern of names?"""
    return any(character in GLOB_CHARACTERS for character in text)


def glob_to_regexp(pattern: str) -> str:
    """A pattern of DNS names as a regular expression; a short name stands for the full one."""
    parts = {"*": "[^.]*", "?": "[^.]"}
    body = "".join(parts.get(character, re.escape(character)) for character in pattern)
    return rf"^{body}(\..*)?$"


def make_filter(args: Sequence[str], force: bool, *, name_field: str = "name",
                numeric: bool = False) -> list[Any] | None:
    """The filter that a list command's arguments mean.

    :param force: the (only) argument is a filter in any case
    :param numeric: the objects are known by numbers
    """
    if not args:
        return None
    if force and len(args) != 1:
        raise errors.OpPrereqError("A filter is given as exactly one argument",
                                   errors.ECODE_INVAL)
    if force or (len(args) == 1 and is_filter(args[0])):
        return parse_text(args[0])
    return [OP_OR, *[_name_filter(name, name_field, numeric) for name in args]]


def _name_filter(name: str, name_field: str, numeric: bool) -> list[Any]:
    if numeric:
        if not name.isascii() or not name.isdigit():
            raise errors.OpPrereqError(f"'{name}' is no number", errors.ECODE_INVAL)
        return [OP_EQUAL, name_field, int(name)]
    if is_glob(name):
        return [OP_REGEXP, name_field, glob_to_regexp(name)]
    return [OP_EQUAL, name_field, name]


def parse_text(text: str) -> list[Any]:
    """Read the text form; QueryFilterParseError points at the place that is wrong."""
    from ganeti import qlang_grammar
    return qlang_grammar.parse(text)


def names_of(qfilter: Any, name_field: str) -> list[Any] | None:
    """The names, if all that a filter does is to name objects; else None."""
    if not isinstance(qfilter, (list, tuple)) or not qfilter:
        return None
    parts = qfilter[1:] if qfilter[0] == OP_OR else [qfilter]
    names = []
    for part in parts:
        if (not isinstance(part, (list, tuple)) or len(part) != 3
                or part[0] not in (OP_EQUAL, OP_EQUAL_OLD) or part[1] != name_field):
            return None
        if part[2] not in names:
            names.append(part[2])
    return names or None


def compile(qfilter: Any, rows: Mapping[str, Any]) -> Filter | None:  # noqa: A001 - the field's word
    """Make a test of the list form; None when there is nothing to test.

    :param rows: the fields by name, with `getter`, `kind`, `compare` and `needs`
    """
    if qfilter is None or qfilter == []:
        return None
    compiler = _Compiler(rows)
    test = compiler.compile(qfilter, 0)
    return Filter(test, frozenset(compiler.fields), frozenset(compiler.needs))


def _bad(text: str) -> errors.OpPrereqError:
    return errors.OpPrereqError(f"Filter: {text}", errors.ECODE_INVAL)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    OP_LESS: lambda left, right: left < right,
    OP_LESS_OR_EQUAL: lambda left, right: left <= right,
    OP_GREATER: lambda left, right: left > right,
    OP_GREATER_OR_EQUAL: lambda left, right: left >= right,
}


class _Compiler:
    """Turns one filter into nested functions, and collects the fields it uses."""

    def __init__(self, rows: Mapping[str, Any]) -> None:
        self._rows = rows
        self.fields: set[str] = set()
        self.needs: set[str] = set()

    def compile(self, node: Any, depth: int) -> Test:
        if not isinstance(node, (list, tuple)) or not node or not isinstance(node[0], str):
            raise _bad(f"expected a list that begins with an operator, got {ht.shown(node)}")
        if depth > _MAX_DEPTH:
            raise _bad(f"nested deeper than {_MAX_DEPTH} levels")
        operator, *operands = node
        if operator in (OP_AND, OP_OR):
            return self._logic(operator, [self.compile(part, depth + 1) for part in operands])
        if operator == OP_NOT:
            self._count(operator, operands, 1)
            inner = self.compile(operands[0], depth + 1)
            return lambda item, context: not inner(item, context)
        if operator == OP_TRUE:
            self._count(operator, operands, 1)
            return self._truth(operands[0])
        comparison = self._comparison(operator)
        self._count(operator, operands, 2)
        return comparison(operands[0], operands[1])

    def _comparison(self, operator: str) -> Callable[[Any, Any], Test]:
        if operator in (OP_EQUAL, OP_EQUAL_OLD):
            return self._equal
        if operator == OP_NOT_EQUAL:
            return self._not_equal
        if operator in _ORDER:
            return lambda field, value: self._order(operator, field, value)
        if operator == OP_REGEXP:
            return self._regexp
        if operator == OP_CONTAINS:
            return self._contains
        raise _bad(f"there is no operator {ht.shown(operator)}")

    @staticmethod
    def _count(operator: str, operands: Sequence[Any], wanted: int) -> None:
        if len(operands) != wanted:
            raise _bad(f"'{operator}' takes {wanted} operand(s), got {len(operands)}")

    @staticmethod
    def _logic(operator: str, parts: list[Test]) -> Test:
        if not parts:
            return lambda item, context: True
        if operator == OP_AND:
            return lambda item, context: all(part(item, context) for part in parts)
        return lambda item, context: any(part(item, context) for part in parts)

    def _field(self, name: Any) -> Any:
        row = self._rows.get(name) if isinstance(name, str) else None
        if row is None:
            raise _bad(f"there is no field {ht.shown(name)}{ht.nearest_hint(name, self._rows)}")
        self.fields.add(row.name)
        self.needs |= row.needs
        return row

    def _test(self, name: Any, test: Callable[[Any], bool]) -> Test:
        """A test of a field's value; a value that can not be told passes."""
        row = self._field(name)
        get = row.getter

        def check(item: Any, context: Any) -> bool:
            value = get(item, context)
            if hasattr(value, "cell"):
                return True
            return test(value)
        if row.compare != "seconds":
            return check

        def check_seconds(item: Any, context: Any) -> bool:
            value = get(item, context)
            return True if hasattr(value, "cell") else test(value[0])
        return check_seconds

    def _truth(self, name: Any) -> Test:
        def test(value: Any) -> bool:
            if not isinstance(value, bool):
                raise _bad(f"the field '{name}' is not true or false")
            return value
        return self._test(name, test)

    def _same_kind(self, name: Any, value: Any, wanted: Any) -> None:
        number = isinstance(wanted, (int, float)) and not isinstance(wanted, bool)
        if number != (isinstance(value, (int, float)) and not isinstance(value, bool)) \
                or (not number and not isinstance(value, str)):
            raise _bad(f"the field '{name}' can not be compared with {ht.shown(wanted)}")

    @staticmethod
    def _operand(value: Any) -> Any:
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            raise _bad(f"expected a string or a number, got {ht.shown(value)}")
        return value

    def _equal(self, name: Any, wanted: Any) -> Test:
        self._operand(wanted)
        if self._field(name).compare == "host" and isinstance(wanted, str):
            return self._test(name, lambda value: _same_host(value, wanted))

        def test(value: Any) -> bool:
            self._same_kind(name, value, wanted)
            return bool(value == wanted)
        return self._test(name, test)

    def _not_equal(self, name: Any, wanted: Any) -> Test:
        equal = self._equal(name, wanted)
        return lambda item, context: not equal(item, context)

    def _order(self, operator: str, name: Any, wanted: Any) -> Test:
        self._operand(wanted)
        order = _ORDER[operator]

        def test(value: Any) -> bool:
            self._same_kind(name, value, wanted)
            return order(value, wanted)
        return self._test(name, test)

    def _regexp(self, name: Any, pattern: Any) -> Test:
        try:
            search = re.compile(pattern).search
        except (re.error, TypeError) as err:
            raise _bad(f"{ht.shown(pattern)} is no regular expression: {err}") from None

        def test(value: Any) -> bool:
            if not isinstance(value, str):
                raise _bad(f"the field '{name}' is no text that a pattern could match")
            return search(value) is not None
        return self._test(name, test)

    def _contains(self, name: Any, wanted: Any) -> Test:
        self._operand(wanted)

        def test(value: Any) -> bool:
            if not isinstance(value, (list, tuple)):
                raise _bad(f"the field '{name}' is no list")
            return wanted in value
        return self._test(name, test)


def _same_host(value: Any, wanted: str) -> bool:
    """A short host name stands for the full one."""
    return isinstance(value, str) and (value == wanted or value.startswith(f"{wanted}."))
