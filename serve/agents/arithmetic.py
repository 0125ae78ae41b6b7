"""An exact calculator: figures as documents write them, four operations, brackets; rounded only at the end.

Nothing is evaluated as code. What is read is bounded in length and depth, and no step loses a digit: values
are fractions, so that `1/3*3` is 1.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

from eagleray.errors import QueryError

MAX_CHARACTERS: Final = 1_000
MAX_DEPTH: Final = 50
"""Of an expression."""

_MAX_DIGITS: Final = 40
"""Of one figure."""

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<unit>%|per\s?cent\b|bps?\b|basis points?\b|(?:thousand|million|billion|trillion|mn|bn|tn)\b)"
    r"|(?P<currency>US\$|[$\u20ac\u00a3\u00a5])"
    r"|(?P<sign>[-+*/()\[\]\u2212\u2013\u00d7\u00f7]))",
    re.IGNORECASE,
)
_SIGNS: Final = {"\u2212": "-", "\u2013": "-", "\u00d7": "*", "\u00f7": "/"}
_CLOSING: Final = {"(": ")", "[": "]"}
_UNITS: Final = {
    "%": Fraction(1, 100),
    "percent": Fraction(1, 100),
    "bp": Fraction(1, 10_000),
    "bps": Fraction(1, 10_000),
    "basispoint": Fraction(1, 10_000),
    "basispoints": Fraction(1, 10_000),
    "thousand": Fraction(10**3),
    "million": Fraction(10**6),
    "mn": Fraction(10**6),
    "billion": Fraction(10**9),
    "bn": Fraction(10**9),
    "trillion": Fraction(10**12),
    "tn": Fraction(10**12),
}


def calculate(expression: str) -> Fraction:
    """Return the value of an expression such as `($1,496.5 - $1,202.9) / $1,202.9`.

    Round brackets around one figure alone make it negative, as in accounts: `13 + (110)` is -97. Currency
    signs are passed over; `%`, `bp` and scale words multiply what stands before them.

    Raises:
        QueryError: it is no such expression, too long, or divides by zero; says where.
    """
    if len(expression) > MAX_CHARACTERS:
        raise QueryError(detail=f"calculation: {len(expression)} characters; at most {MAX_CHARACTERS}")
    return _Reader(expression).read()


def round_half_up(value: Fraction, digits: int) -> Decimal:
    """Return a value with so many digits behind the point; a half goes away from zero.

    Args:
        value: exact.
        digits: behind the point, from 0.
    """
    scaled = abs(value) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    rounded = Decimal(whole).scaleb(-digits, context=Context(prec=max(28, len(str(whole)) + 2)))
    return rounded.copy_negate() if value < 0 and whole else rounded


def round_to_step(value: Fraction, step: Fraction) -> Fraction:
    """Return the multiple of a step that is nearest to a value; a half goes away from zero."""
    return Fraction(round_half_up(value / step, 0)) * step


_OPERATIONS: Final[dict[str, Callable[[Fraction, Fraction], Fraction]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


class _Reader:
    """Reads one expression by recursive descent."""

    def __init__(self, expression: str) -> None:
        self._text, self._tokens = expression, list[tuple[str, str]]()
        self._place, self._depth = 0, 0
        at = 0
        while expression[at:].strip():
            found = _TOKEN.match(expression, at)
            if found is None or found.lastgroup is None:
                raise self._refuse(f"cannot read {expression[at:].strip()[:20]!r}")
            kind, at = found.lastgroup, found.end()
            text = found.group(kind).lower()
            if kind == "number" and len(text) > _MAX_DIGITS:
                raise self._refuse(f"a figure of {len(text)} characters; at most {_MAX_DIGITS}")
            if kind != "currency":
                self._tokens.append((kind, _SIGNS.get(text, text)))

    def read(self) -> Fraction:
        """Return the value of the whole."""
        value = self._read_sum()
        if self._place < len(self._tokens):
            raise self._refuse(f"expected the end, found {self._tokens[self._place][1]!r}")
        return value

    def _read_sum(self) -> Fraction:
        return self._read_chain(self._read_product, "+", "-")

    def _read_product(self) -> Fraction:
        return self._read_chain(self._read_signed, "*", "/")

    def _read_chain(self, read: Callable[[], Fraction], *signs: str) -> Fraction:
        value = read()
        while self._peek() in signs:
            sign = self._take()
            operand = read()
            if sign == "/" and not operand:
                raise self._refuse("a division by zero")
            value = _OPERATIONS[sign](value, operand)
        return value

    def _read_signed(self) -> Fraction:
        sign = 1
        while self._peek() in ("+", "-"):
            sign = -sign if self._take() == "-" else sign
        return sign * self._read_figure()

    def _read_figure(self) -> Fraction:
        kind, text = self._tokens[self._place] if self._place < len(self._tokens) else ("", "")
        if kind == "number":
            self._place += 1
            value = Fraction(text.replace(",", ""))
        elif text in _CLOSING:
            value = self._read_group()
        else:
            raise self._refuse(
                f"expected a figure, found {text!r}" if text else "expected a figure at its end"
            )
        while self._place < len(self._tokens) and self._tokens[self._place][0] == "unit":
            value *= _UNITS[re.sub(r"\s", "", self._take())]
        return value

    def _read_group(self) -> Fraction:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refuse(f"brackets deeper than {MAX_DEPTH}")
        opening = self._take()
        inside = self._tokens[self._place : self._place + 2]
        is_account = opening == "(" and [kind for kind, _ in inside] == ["number", "sign"]
        is_account = is_account and inside[1][1] == ")"
        value = self._read_sum()
        if self._peek() != _CLOSING[opening]:
            raise self._refuse("a bracket is not closed")
        self._place += 1
        self._depth -= 1
        return -value if is_account else value

    def _peek(self) -> str:
        kind, text = self._tokens[self._place] if self._place < len(self._tokens) else ("", "")
        return text if kind == "sign" else ""

    def _take(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1][1]

    def _refuse(self, why: str) -> QueryError:
        return QueryError(detail=f"calculation {self._text[:80]!r}: {why}")
