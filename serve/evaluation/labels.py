"""Files of questions with labels: JSON Lines or comma-separated values, checked line by line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from eagleray.contracts.evaluations import MAX_LABELLED_QUESTIONS, PosedQuestion
from eagleray.contracts.times import parse_instant
from eagleray.errors import EagleRayError, InputError
from serve.evaluation.truths import Truth, make_truth, read_figures

COLUMNS: Final = ("question", "id", "relevant", "answer", "operands", "as_of", "filter", "groups")
"""Columns with a meaning of their own; `query` is another name of the first. Any other one is a slice."""

_NAMES: Final = (*COLUMNS, "query")
_LISTS: Final = frozenset({"relevant", "operands", "groups"})
"""Columns of which a cell of comma-separated values may hold several, with `;` between."""

_NEAR: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledQuestion:
    """A question, and what is known of its answer.

    Attributes:
        id: that no other question of the file has.
        line: of the file, from 1.
        posed: as it is asked.
        relevant: document -> grade, above 0; none where no documents were judged.
        truth: what answers; `None` where that is not known.
        slices: column -> value, of each other column that has one.
    """

    id: str
    line: int
    posed: PosedQuestion
    relevant: Mapping[str, float]
    truth: Truth | None
    slices: Mapping[str, str]


def read_labels(path: Path) -> list[LabelledQuestion]:
    """Return the questions of a file, in its order.

    Args:
        path: of JSON Lines, or, where its name ends in `.csv`, comma-separated values with a first line that
            names the columns.

    Raises:
        InputError: the file cannot be read, or a line is something else; names line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(detail=f"{path}: expected a file of labelled questions: {reason}") from error
    rows = _read_csv(text, path) if path.suffix.lower() == ".csv" else _read_json_lines(text, path)
    questions: dict[str, LabelledQuestion] = {}
    for line, fields in rows:
        question = _read_question(fields, line=line, path=path)
        if question.id in questions:
            first = questions[question.id].line
            raise _fault(path, line, "id", f"{question.id!r} is that of line {first}, too")
        questions[question.id] = question
        if len(questions) > MAX_LABELLED_QUESTIONS:
            raise InputError(detail=f"{path}: expected at most {MAX_LABELLED_QUESTIONS:,} questions")
    if not questions:
        raise InputError(detail=f"{path}: expected labelled questions, found none")
    return list(questions.values())


def _read_json_lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line, parse_float=Decimal)
        except json.JSONDecodeError as error:
            detail = f"{path}, line {number}, character {error.colno}: no JSON: {error.msg}"
            raise InputError(detail=detail) from error
        except (ValueError, RecursionError) as error:
            raise InputError(detail=f"{path}, line {number}: no JSON that can be read") from error
        if not isinstance(fields, dict):
            raise InputError(detail=f"{path}, line {number}: expected a JSON object, found {_name(fields)}")
        yield number, fields


def _read_csv(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next(reader, [])
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise _fault(path, 1, twice[0], "it is there twice")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                detail = f"expected {len(names)} columns, found {len(cells)}"
                raise InputError(detail=f"{path}, line {reader.line_num}: {detail}")
            row = zip(names, cells, strict=True)
            line = reader.line_num
            yield line, {name: _read_cell(name, cell, line, path) for name, cell in row if cell.strip()}
    except csv.Error as error:
        raise InputError(detail=f"{path}, line {reader.line_num}: {error}") from error


def _read_cell(name: str, cell: str, line: int, path: Path) -> Any:
    """Return what a cell holds: JSON where it begins as a list or object does, several texts, or one."""
    if name in (*_LISTS, "answer") and cell.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(cell, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise _fault(path, line, name, "no JSON that can be read") from error
    return [part.strip() for part in cell.split(";") if part.strip()] if name in _LISTS else cell


def _read_question(fields: dict[str, Any], *, line: int, path: Path) -> LabelledQuestion:
    _check_names(fields, line=line, path=path)

    def read(name: str, convert: Callable[[Any], Any], default: Any) -> Any:
        value = fields.get(name)
        if _is_missing(value):
            return default
        try:
            return convert(value)
        except (ValueError, TypeError, EagleRayError) as error:
            raise _fault(path, line, name, str(error)) from error

    named = "query" if "query" in fields else "question"
    relevant = read("relevant", _read_relevant, {})
    answers = read("answer", _read_answers, ())
    operands = read("operands", _read_operands, None)
    posed = PosedQuestion(
        text=read(named, _read_text, ""),
        as_of=read("as_of", lambda value: parse_instant(_read_text(value)), None),
        filter=read("filter", _read_text, ""),
        groups=read("groups", lambda value: frozenset(_read_texts(value)), frozenset()),
    )
    if not posed.text.strip():
        raise _fault(path, line, named, "expected a question in words, found none")
    return LabelledQuestion(
        id=read("id", lambda value: str(_read_scalar(value)), str(line)),
        line=line,
        posed=posed,
        relevant=relevant,
        truth=make_truth(answers, operands) if answers or operands is not None else None,
        slices={
            name: _show_value(read(name, _read_scalar, ""))
            for name, value in fields.items()
            if name not in _NAMES and not _is_missing(value)
        },
    )


def _is_missing(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _check_names(fields: Mapping[str, Any], *, line: int, path: Path) -> None:
    """Refuse names of columns that are almost those with a meaning: they would count as slices.

    Raises:
        InputError: names the column, and the one that was meant.
    """
    if "query" in fields and "question" in fields:
        raise _fault(path, line, "query", "the question is in 'question' already")
    for name in fields:
        near = [] if name in _NAMES else get_close_matches(name.casefold(), _NAMES, n=1, cutoff=_NEAR)
        if near:
            detail = f"did you mean {near[0]!r}? A slice needs a name that is less like it"
            raise _fault(path, line, name, detail)
    if not {"question", "query"} & fields.keys():
        found = ", ".join(map(repr, fields)) or "none"
        raise InputError(detail=f"{path}, line {line}: expected a column 'question', found {found}")


def _read_relevant(value: Any) -> dict[str, float]:
    """Return document -> grade: of an id, a list of ids, or an object of ids and grades."""
    if isinstance(value, dict):
        grades = {name: float(_read_number(grade)) for name, grade in value.items()}
    else:
        grades = dict.fromkeys(_read_texts(value), 1.0)
    kept = {name: grade for name, grade in grades.items() if grade > 0.0}
    if not kept:
        raise ValueError("it names no document; leave it out where none was judged")
    return kept


def _read_answers(value: Any) -> tuple[str, ...]:
    answers = tuple(str(_read_scalar(item)) for item in (value if isinstance(value, list) else [value]))
    if not answers or not all(answer.strip() for answer in answers):
        raise ValueError("expected the answer, or a list of its parts; leave it out where it is not known")
    return answers


def _read_operands(value: Any) -> set[Decimal]:
    figures = set()
    for item in value if isinstance(value, list) else [value]:
        read = read_figures([str(_read_scalar(item))])
        if len(read) != 1:
            raise ValueError(f"expected one figure each, found {item!r}")
        figures |= read
    return figures


def _read_texts(value: Any) -> list[str]:
    return [_read_text(item) for item in (value if isinstance(value, list) else [value])]


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {_name(value)}")
    return value


def _read_number(value: Any) -> Decimal | int:
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise TypeError(f"expected a grade, found {_name(value)}")
    return value


def _read_scalar(value: Any) -> str | int | Decimal | bool:
    if not isinstance(value, str | int | Decimal | bool):
        raise TypeError(f"expected a text, a number, true or false, found {_name(value)}")
    return value


def _show_value(value: str | int | Decimal | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _fault(path: Path, line: int, column: str, detail: str) -> InputError:
    return InputError(detail=f"{path}, line {line}, column {column!r}: {detail}")
