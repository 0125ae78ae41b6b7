"""What a question must answer, told from plain rows in double precision, by code of its own."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.differential_world import WORDS, Row
from eagleray.contracts.filters import (
    And,
    Compare,
    Comparison,
    Contains,
    FilterExpression,
    IsIn,
    IsNull,
    Matches,
    Not,
    Or,
    StartsWith,
)
from eagleray.contracts.hits import Granularity, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.times import OPEN_END

K1: Final = 0.9
B: Final = 0.6
DENSE_WEIGHT: Final = 0.35
ROUNDING: Final = 2.0**-22
"""What single precision takes off or adds to a cosine of the engine's, at most: four times its unit."""
_OPERATORS: Final = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}

BoolVector = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come back.

    Attributes:
        scores: chunk_id -> score of every row that may be a hit.
        owners: chunk_id -> doc_id.
        best: scores in order, as many as there must be hits.
        n_visible: rows the question may see.
        frequencies: query word -> visible rows that hold it.
        enlarged_rounding: how far a hybrid score may be off because cosines are divided by the greatest,
            in single precision; 0 in the other modes.
    """

    scores: dict[int, float]
    owners: dict[int, str]
    best: list[float]
    n_visible: int
    frequencies: dict[str, int]
    enlarged_rounding: float = 0.0


class Oracle:
    """Answers by looking at every row."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._ids = np.array([row.chunk_id for row in rows])
        self._from = np.array([row.known_from for row in rows])
        self._to = np.array([row.known_to for row in rows])
        self._vectors = np.stack([row.vector for row in rows]).astype(np.float64)
        self._texts = {TextField.BODY: [row.text.split() for row in rows]}
        self._texts[TextField.TITLE] = [row.title.split() for row in rows]
        self._counted: dict[tuple[TextField, str], npt.NDArray[np.float64]] = {}
        self._lengths = {
            field: np.array([len(words) for words in texts], dtype=np.float64)
            for field, texts in self._texts.items()
        }
        self._filtered: dict[str, BoolVector] = {}
        self._readable: dict[tuple[Any, Any], BoolVector] = {}

    def answer(self, request: SearchRequest, vector: np.ndarray) -> Expected:
        """Return what the request must answer; the query's words, phrases and beginnings are of `WORDS`."""
        visible = np.flatnonzero(self._select(request))
        asked = _read_query(request.query)
        lexical = self._score_words(TextField.BODY, visible, asked)
        for field, weight in (request.ranking.boosts or {}).items():
            lexical = lexical + weight * self._score_words(field, visible, asked)
        dense = self._vectors[visible] @ vector.astype(np.float64)
        enlarged_rounding = 0.0
        match request.mode:
            case SearchMode.DENSE:
                scores, may_hit = dense, np.ones(len(visible), dtype=np.bool_)
            case SearchMode.LEXICAL:
                scores, may_hit = lexical, lexical > 0.0
            case SearchMode.HYBRID:
                near = np.maximum(dense, 0.0)
                weight = (
                    DENSE_WEIGHT if request.ranking.dense_weight is None else request.ranking.dense_weight
                )
                scores = weight * _scale(near) + (1.0 - weight) * _scale(lexical)
                if near.any():
                    enlarged_rounding = weight * ROUNDING / float(near.max())
                may_hit = np.ones(len(visible), dtype=np.bool_)
        may_hit &= _reach(scores, request.ranking.min_score) & _reach(dense, request.ranking.min_dense)
        may_hit &= _reach(lexical, request.ranking.min_lexical)
        found = {
            int(self._ids[row]): float(score)
            for row, score, may in zip(visible, scores, may_hit, strict=True)
            if may
        }
        owners = {self._rows[row].chunk_id: self._rows[row].doc_id for row in visible}
        return Expected(
            scores=found,
            owners=owners,
            best=_list_best(found, owners, request)[: request.k],
            n_visible=len(visible),
            frequencies={name: int((self._count(TextField.BODY, name)[visible] > 0).sum()) for name in asked},
            enlarged_rounding=enlarged_rounding,
        )

    def find_visible(self, request: SearchRequest) -> list[Row]:
        """Return the rows a request may find: seen by its caller at its time, within its filter."""
        return [self._rows[row] for row in np.flatnonzero(self._select(request))]

    def find_readable(self, request: SearchRequest) -> list[Row]:
        """Return the rows that a request's caller may read, at whatever time."""
        return [row for row, may in zip(self._rows, self._read(request), strict=True) if may]

    def refuses(self, request: SearchRequest) -> bool:
        """Return whether a request's filter asks for what none of the rows has that its caller may read."""
        return request.filter is not None and _is_refused(request.filter, self.find_readable(request))

    def _select(self, request: SearchRequest) -> BoolVector:
        if request.as_of is None:
            known = self._to == OPEN_END
        else:
            known = (self._from <= request.as_of) & (request.as_of < self._to)
        return known & self._read(request) & self._filter(request.filter)

    def _read(self, request: SearchRequest) -> BoolVector:
        groups, zones = request.principal.groups, request.principal.zones
        if (groups, zones) not in self._readable:
            self._readable[groups, zones] = np.array(
                [
                    (not row.groups or bool(row.groups & groups)) and (zones is None or row.zone in zones)
                    for row in self._rows
                ]
            )
        return self._readable[groups, zones]

    def _filter(self, expression: FilterExpression | None) -> BoolVector:
        if expression is None:
            return np.ones(len(self._rows), dtype=np.bool_)
        key = repr(expression)
        if key not in self._filtered:
            self._filtered[key] = np.array([judge(expression, row) is True for row in self._rows])
        return self._filtered[key]

    def _score_words(
        self, field: TextField, visible: npt.NDArray[np.int64], asked: dict[str, int]
    ) -> npt.NDArray[np.float64]:
        scores = np.zeros(len(visible))
        lengths = self._lengths[field][visible]
        for name, times in asked.items():
            counts = self._count(field, name)[visible]
            held = float((counts > 0).sum())
            if held:
                idf = np.log1p((len(visible) - held + 0.5) / (held + 0.5))
                held_back = K1 * (1.0 - B + B * lengths / lengths.mean())
                scores += times * idf * (K1 + 1.0) * counts / (counts + held_back)
        return scores

    def _count(self, field: TextField, name: str) -> npt.NDArray[np.float64]:
        """Return how often each row has a word, a phrase, or words that begin so: float64 [n_rows]."""
        key = (field, name)
        if key not in self._counted:
            counts = [_count_in(words, name) for words in self._texts[field]]
            self._counted[key] = np.array(counts, dtype=np.float64)
        return self._counted[key]


def _read_query(query: str) -> dict[str, int]:
    """Return words, phrases and beginnings, each with the times it is asked for."""
    names = [f'"{phrase}"' for phrase in query.split('"')[1::2]]
    names += [word for word in query.replace('"', " ").split() if word.endswith("*") or word in WORDS]
    return {name: names.count(name) for name in names}


def _count_in(words: list[str], name: str) -> int:
    if name.endswith("*"):
        return sum(word.startswith(name[:-1]) for word in words)
    wanted = name.strip('"').split()
    return sum(words[start : start + len(wanted)] == wanted for start in range(len(words)))


def _reach(scores: npt.NDArray[np.float64], floor: float | None) -> BoolVector:
    return np.ones(len(scores), dtype=np.bool_) if floor is None else scores >= floor


def judge(expression: FilterExpression, row: Row) -> bool | None:
    """Return whether a row satisfies an expression: true, false, or `None` as SQL has it."""
    match expression:
        case And(operands=operands) | Or(operands=operands):
            settles = isinstance(expression, Or)
            found = [judge(operand, row) for operand in operands]
            return settles if settles in found else None if None in found else not settles
        case Not(operand=operand):
            inner = judge(operand, row)
            return None if inner is None else not inner
        case IsNull(column=name):
            return row.attributes.get(name.removeprefix("attributes.")) is None
        case Matches(column=name, words=words):
            return _count_in((row.title if name == "title" else row.text).split(), words) > 0
    value = row.attributes.get(expression.column.removeprefix("attributes."))
    return None if value is None else _judge_value(expression, value)


def _judge_value(expression: FilterExpression, value: Any) -> bool | None:
    """Return whether a value that is there satisfies a condition."""
    match expression:
        case StartsWith(prefix=prefix):
            members = value if isinstance(value, list) else [value]
            return any(_is_text(member) and member.startswith(prefix) for member in members)
        case Contains(value=wanted):
            return _compares(value, Comparison.EQ, wanted)
        case IsIn(values=values):
            return any(_compares(value, Comparison.EQ, wanted) for wanted in values)
        case Compare(op=Comparison.NE, value=wanted):
            return not _compares(value, Comparison.EQ, wanted)
        case Compare(op=op, value=wanted):
            return _compares(value, op, wanted)


def _is_refused(expression: FilterExpression, readable: Sequence[Row]) -> bool:
    match expression:
        case And(operands=operands) | Or(operands=operands):
            return any(_is_refused(operand, readable) for operand in operands)
        case Not(operand=operand):
            return _is_refused(operand, readable)
        case Matches():
            return False
    name = expression.column.removeprefix("attributes.")
    kinds = {tell_kind(row.attributes[name]) for row in readable if name in row.attributes}
    match expression:
        case IsNull():
            return not kinds
        case StartsWith():
            return not kinds & {"string", "list"}
        case Contains():
            return "list" not in kinds
        case IsIn(values=values):
            return any(_is_unfit(value, kinds) for value in values)
        case Compare(value=value):
            return _is_unfit(value, kinds)


def _is_unfit(literal: Any, kinds: set[str]) -> bool:
    if isinstance(literal, str):
        return not kinds & ({"string", "list"} if _read_time(literal) is None else {"string", "list", "time"})
    return tell_kind(literal) not in kinds


def _compares(value: Any, op: Comparison, wanted: Any) -> bool:
    """Return whether a value compares so with a literal: those of two kinds never do."""
    if isinstance(value, list):
        return isinstance(wanted, str) and any(_compares_text(item, op, wanted) for item in value)
    if tell_kind(value) == "time":
        moment = _read_time(wanted) if isinstance(wanted, str) else None
        return moment is not None and bool(_OPERATORS[op](_read_time(value), moment))
    if isinstance(value, bool) or isinstance(wanted, bool):
        return isinstance(value, bool) and isinstance(wanted, bool) and bool(_OPERATORS[op](value, wanted))
    if isinstance(value, str):
        return isinstance(wanted, str) and _compares_text(value, op, wanted)
    return not isinstance(wanted, str) and bool(_OPERATORS[op](Fraction(value), Fraction(wanted)))


def _compares_text(value: str, op: Comparison, wanted: str) -> bool:
    if op is not Comparison.EQ and _begins_as_date(wanted) and not _begins_as_date(value):
        return False
    return bool(_OPERATORS[op](value, wanted))


def tell_kind(value: Any) -> str:
    """Return what kind of value a row's is: those of numbers are one."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, list):
        return "list"
    if isinstance(value, str):
        return "string" if _read_time(value) is None else "time"
    return "number"


def name_value(value: Any) -> Hashable:
    """Return what is the same for values that are equal, and for no others."""
    kind = tell_kind(value) if not isinstance(value, tuple) else "list"
    if kind == "list":
        return kind, tuple(value)
    return kind, _read_time(value) if kind == "time" else Fraction(value) if kind == "number" else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and _read_time(value) is None


def _begins_as_date(text: str) -> bool:
    return [part.isdigit() for part in text[:10].split("-")] == [True] * 3 and len(text) >= 10


def _read_time(text: str) -> datetime | None:
    """Return the moment a whole ISO 8601 text names; a date is midnight in UTC."""
    if not _begins_as_date(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if len(text) == 10 else moment if moment.tzinfo else None


def _scale(scores: np.ndarray) -> np.ndarray:
    greatest = scores.max(initial=0.0)
    return scores / greatest if greatest > 0.0 else np.zeros_like(scores)


def _list_best(found: dict[int, float], owners: dict[int, str], request: SearchRequest) -> list[float]:
    """Return the scores of the hits in order, of each document as many as are wanted."""
    n = 1 if request.granularity is Granularity.DOCUMENT else request.ranking.n_per_document or len(found)
    by_document: dict[str, list[float]] = {}
    for chunk_id, score in found.items():
        by_document.setdefault(owners[chunk_id], []).append(score)
    best = [score for scores in by_document.values() for score in sorted(scores, reverse=True)[:n]]
    return sorted(best, reverse=True)
