"""The grammar of the filter language's text form."""

from __future__ import annotations

import functools
import re
from typing import Any

import pyparsing as pp

from ganeti import errors, qlang

_REGEXP_DELIMITERS = ("/", "#", "^", "|")


def parse(text: str) -> list[Any]:
    """Read a filter."""
    try:
        result: list[Any] = _grammar().parse_string(text, parse_all=True)[0].plain()
    except pp.ParseBaseException as err:
        raise errors.QueryFilterParseError(
            f"Error while parsing query filter: {err.msg}\n{err.line}\n{' ' * (err.column - 1)}^"
        ) from None
    except RecursionError:
        raise errors.QueryFilterParseError("The query filter is nested too deeply") from None
    return result


class _Node:
    """A piece of a filter; the parser would take lists apart."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def plain(self) -> list[Any]:
        return [part.plain() if isinstance(part, _Node) else part for part in self.parts]


def _binary(operator: str) -> Any:
    """a and b and c, in one list."""
    return lambda tokens: _Node(operator, *tokens[0][0::2])


def _regexp_literal() -> pp.ParserElement:
    """/pattern/flags, m/pattern/flags, or with another delimiter.

    A backslash before the delimiter goes away; all others belong to the pattern.
    """
    delimiters = "|".join(map(re.escape, _REGEXP_DELIMITERS))
    literal = pp.Regex(rf"m?(?P<delimiter>{delimiters})"
                       r"(?P<pattern>(?:\\.|(?!(?P=delimiter))[^\\])*)"
                       r"(?P=delimiter)(?P<flags>[is]*)")
    return literal.set_parse_action(_read_regexp).set_name("regular expression")


def _read_regexp(tokens: Any) -> str:
    delimiter: str = tokens["delimiter"]
    pattern: str = tokens["pattern"].replace("\\" + delimiter, delimiter)
    letters = "".join(sorted(set(tokens["flags"])))
    return f"(?{letters}){pattern}" if letters else pattern


def _conditions() -> pp.ParserElement:
    word = pp.Word(pp.alphas, pp.alphanums + "_/.")
    keyword = pp.MatchFirst([pp.Keyword(name, pp.alphanums + "_/.")
                             for name in ("and", "or", "not", "in")])
    field = (~keyword + word).set_name("field name")
    integer = pp.Regex(r"[-+]?\d+").set_parse_action(lambda tokens: int(tokens[0]))
    string = pp.QuotedString('"', esc_char="\\") | pp.QuotedString("'", esc_char="\\")
    value = (integer | string).set_name("value")
    regexp = _regexp_literal()
    not_in = pp.Suppress(pp.Keyword("not") + pp.Keyword("in"))
    comparison = pp.one_of("== != <= >= < > =")

    forms = [
        (field + pp.Suppress("=~") + regexp, lambda t: _Node(qlang.OP_REGEXP, t[0], t[1])),
        (field + pp.Suppress("!~") + regexp,
         lambda t: _Node(qlang.OP_NOT, _Node(qlang.OP_REGEXP, t[0], t[1]))),
        (field + pp.Suppress("=*") + string,
         lambda t: _Node(qlang.OP_REGEXP, t[0], qlang.glob_to_regexp(t[1]))),
        (field + pp.Suppress("!*") + string,
         lambda t: _Node(qlang.OP_NOT,
                         _Node(qlang.OP_REGEXP, t[0], qlang.glob_to_regexp(t[1])))),
        (field + comparison + value, _comparison),
        (value + pp.Suppress(pp.Keyword("in")) + field,
         lambda t: _Node(qlang.OP_CONTAINS, t[1], t[0])),
        (value + not_in + field,
         lambda t: _Node(qlang.OP_NOT, _Node(qlang.OP_CONTAINS, t[1], t[0]))),
        (field.copy(), lambda t: _Node(qlang.OP_TRUE, t[0])),
    ]
    return pp.MatchFirst([form.set_parse_action(action) for form, action in forms])


def _comparison(tokens: Any) -> _Node:
    field, operator, value = tokens
    return _Node(qlang.OP_EQUAL if operator == qlang.OP_EQUAL_OLD else operator, field, value)


@functools.lru_cache(maxsize=1)
def _grammar() -> pp.ParserElement:
    grammar: pp.ParserElement = pp.infix_notation(_conditions(), [  # type: ignore[no-untyped-call]
        (pp.Keyword("not"), 1, pp.OpAssoc.RIGHT, lambda t: _Node(qlang.OP_NOT, t[0][1])),
        (pp.Keyword("and"), 2, pp.OpAssoc.LEFT, _binary(qlang.OP_AND)),
        (pp.Keyword("or"), 2, pp.OpAssoc.LEFT, _binary(qlang.OP_OR)),
    ])
    return grammar
