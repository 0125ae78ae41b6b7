"""Filter expressions as values; the grammar that reads them from text lives in `indexes.masks`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FilterValue = str | int | float | bool


class Comparison(StrEnum):
    """How a column is compared with a value."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """`column op value`; a null never satisfies it."""

    column: str
    op: Comparison
    value: FilterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class IsIn:
    """`column in (values)`."""

    column: str
    values: tuple[FilterValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull:
    """`column is null`."""

    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains:
    """`column contains value`: the list column holds the value."""

    column: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartsWith:
    """`column starts with prefix`: the string column begins with it, letter by letter."""

    column: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """`column matches words`: the text, title or heading holds the word, or the words as a phrase.

    A word that ends in an asterisk stands for all words that begin so.
    """

    column: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The rows the operand does not select."""

    operand: FilterExpression


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """The rows every operand selects."""

    operands: tuple[FilterExpression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """The rows any operand selects."""

    operands: tuple[FilterExpression, ...]


FilterExpression = Compare | IsIn | IsNull | Contains | StartsWith | Matches | Not | And | Or
