"""Filters from text.

From loosest to tightest binding:

    expression  = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation    = "not" negation | "(" expression ")" | condition
    condition   = name ( op value | [ "not" ] "in" "(" value { "," value } ")"
                         | [ "not" ] "between" value "and" value | [ "not" ] "contains" value
                         | [ "not" ] "starts" "with" value | [ "not" ] "matches" value
                         | "is" [ "not" ] "null" )
    name        = column | string
    op          = "=" | "!=" | "<" | "<=" | ">" | ">="

Values are numbers, `true`, `false`, or strings in double or single quotes; a quote inside is
doubled. Words are case-insensitive. A column whose name is no word (letters with their combining accents,
digits, `_`, `.`, `-`) stands in quotes, too. Numbers with a point or an exponent are the nearest double, as
in JSON; others are exact. The same as JSON values lives in `json_filters`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.bounds import MAX_FILTER_DEPTH, MAX_QUESTION
from eagleray.contracts.filters import (
    And,
    Compare,
    Comparison,
    Contains,
    FilterExpression,
    FilterValue,
    IsIn,
    IsNull,
    Matches,
    Not,
    Or,
    StartsWith,
)
from eagleray.errors import FilterError
from indexes.masks.filter_checks import check_filter

_SPACE: Final = re.compile(r"\s*+")
_TOKEN: Final = re.compile(
    r"""(?:(?P<string>"[^"]*+(?:""[^"]*+)*"|'[^']*+(?:''[^']*+)*')
    |(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<op><=|>=|!=|=|<|>)
    |(?P<mark>[(),])
    |(?P<word>[^\W\d][\w.\-\u0300-\u036f]*))""",
    re.VERBOSE,
)
_SHOWN: Final = 80
"""Characters of a filter that is too long to be read."""

MAX_DIGITS: Final = 400
"""Of an integer."""

_RESERVED: Final = frozenset({"and", "or", "not", "in", "between", "is", "null", "contains", "true", "false"})


def parse_filter(text: str) -> FilterExpression:
    """Return the expression that `text` writes.

    Raises:
        FilterError: it breaks the grammar, or is too large; says where and what was expected.
    """
    if len(text) > MAX_QUESTION:
        detail = f"it has {len(text)} characters; at most {MAX_QUESTION:,}"
        raise _refuse(text[:_SHOWN], 0, detail)
    parser = _Parser(text)
    expression = parser.read_expression()
    parser.expect_end()
    check_filter(expression)
    return expression


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    kind: str
    text: str
    position: int

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


class _Parser:
    """Reads one expression, token by token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_split(text))
        self._place = self._depth = 0

    def read_expression(self) -> FilterExpression:
        operands = [self._read_conjunction()]
        while self._accept("or"):
            operands.append(self._read_conjunction())
        return operands[0] if len(operands) == 1 else Or(operands=tuple(operands))

    def expect_end(self) -> None:
        if self._now.kind != "end":
            raise self._fail("'and', 'or' or the end")

    @property
    def _now(self) -> _Token:
        return self._tokens[self._place]

    def _read_conjunction(self) -> FilterExpression:
        operands = [self._read_negation()]
        while self._accept("and"):
            operands.append(self._read_negation())
        return operands[0] if len(operands) == 1 else And(operands=tuple(operands))

    def _read_negation(self) -> FilterExpression:
        if self._now.text.lower() not in ("not", "("):
            return self._read_condition()
        if self._depth == MAX_FILTER_DEPTH:
            raise _refuse(self._text, self._now.position, f"nested deeper than {MAX_FILTER_DEPTH} levels")
        self._depth += 1
        if self._accept("not"):
            inner: FilterExpression = Not(operand=self._read_negation())
        else:
            self._expect("(")
            inner = self.read_expression()
            self._expect(")")
        self._depth -= 1
        return inner

    def _read_condition(self) -> FilterExpression:
        column = self._now
        if column.kind == "string":
            name = _unquote(column.text)
        elif column.kind == "word" and column.word not in _RESERVED:
            name = column.text
        else:
            raise self._fail("a column")
        self._place += 1
        if self._now.kind == "op":
            op = Comparison(self._now.text)
            self._place += 1
            return Compare(column=name, op=op, value=self._read_value())
        if self._accept("is"):
            is_negated = self._accept("not")
            self._expect("null")
            return _negate(IsNull(column=name), is_negated=is_negated)
        is_negated = self._accept("not")
        return _negate(self._read_set(name), is_negated=is_negated)

    def _read_set(self, column: str) -> FilterExpression:
        if self._accept("in"):
            self._expect("(")
            values = [self._read_value()]
            while self._accept(","):
                values.append(self._read_value())
            self._expect(")")
            return IsIn(column=column, values=tuple(values))
        if self._accept("between"):
            low = self._read_value()
            self._expect("and")
            high = self._read_value()
            bounds = ((Comparison.GE, low), (Comparison.LE, high))
            return And(operands=tuple(Compare(column=column, op=op, value=value) for op, value in bounds))
        if self._accept("contains"):
            return Contains(column=column, value=self._read_string(after="contains"))
        if self._accept("starts"):
            self._expect("with")
            return StartsWith(column=column, prefix=self._read_string(after="starts with"))
        if self._accept("matches"):
            return Matches(column=column, words=self._read_string(after="matches"))
        raise self._fail("=, !=, <, <=, >, >=, in, between, contains, matches, starts with or is")

    def _read_string(self, *, after: str) -> str:
        value = self._read_value()
        if not isinstance(value, str):
            self._place -= 1
            raise self._fail(f"a string in quotes after {after!r}")
        return value

    def _read_value(self) -> FilterValue:
        token = self._now
        self._place += 1
        if token.kind == "string":
            return _unquote(token.text)
        if token.kind == "number":
            is_integer = re.fullmatch(rf"[+-]?\d{{1,{MAX_DIGITS}}}", token.text) is not None
            number = int(token.text) if is_integer else float(token.text)
            if is_integer or math.isfinite(number):
                return number
        if token.word in ("true", "false"):
            return token.word == "true"
        self._place -= 1
        raise self._fail("a number, true, false, or a string in quotes")

    def _accept(self, text: str) -> bool:
        token = self._now
        if token.kind in ("word", "mark") and token.text.lower() == text:
            self._place += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._fail(repr(text))

    def _fail(self, expected: str) -> FilterError:
        found = repr(self._now.text) if self._now.kind != "end" else "the end"
        return _refuse(self._text, self._now.position, f"expected {expected}, found {found}")


def _split(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    while (place := _skip_space(text, place)) < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise _refuse(text, place, f"cannot read {text[place : place + 12]!r}; are the quotes closed?")
        tokens.append(
            _Token(kind=match.lastgroup, text=match[match.lastgroup], position=match.start(match.lastgroup))
        )
        place = match.end()
    tokens.append(_Token(kind="end", text="", position=len(text)))
    return tokens


def _skip_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return place if match is None else match.end()


def _unquote(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])


def _negate(expression: FilterExpression, *, is_negated: bool) -> FilterExpression:
    return Not(operand=expression) if is_negated else expression


def _refuse(text: str, position: int, detail: str) -> FilterError:
    return FilterError(text=text, position=position, detail=detail)
