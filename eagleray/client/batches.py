"""Many questions as a pandas DataFrame: a row a question in, a row a hit out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from eagleray.client.choices import (
    read_filter_text,
    read_groups,
    read_local_time,
    read_text,
    read_texts,
    read_zone,
    refuse,
)
from eagleray.client.frames import make_column
from eagleray.client.questions import DEFAULTS, Question
from eagleray.contracts.hits import SearchOptions
from eagleray.contracts.many_hits import BATCH_SCHEMA, FIELDS, ManyHits, read_attribute_name
from eagleray.contracts.search_options import OLD_NAMES, explain_old_name, pick_options
from eagleray.errors import FilterColumnError, QueryError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("query", "as_of", "filter", "groups")
"""Columns that mean something in a question; only the first must be there."""

_MEANT: Final = frozenset({*COLUMNS, *DEFAULTS, *OLD_NAMES, "zones", "snapshot", "like"})
"""Names that no column of the caller's own may have: it would be passed over, and seem to be heeded."""

_NEAR: Final = 0.8

MAX_QUESTIONS: Final = 256
MAX_HITS: Final = 10_000
"""Questions and hits of one request to a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFrame:
    """What a frame of questions asks.

    Attributes:
        frame: as it was given.
        questions: one a row.
        groups: that each is asked with.
        columns: of hits that are wanted besides those that are always there.
        own: columns of the caller's that come back beside the hits.
    """

    frame: pd.DataFrame
    questions: tuple[Question, ...]
    groups: tuple[frozenset[str], ...]
    columns: tuple[str, ...]
    own: tuple[str, ...]

    def make_answers(self, hits: ManyHits) -> pd.DataFrame:
        """Return the hits as a DataFrame whose `question` is the label of the row that asked."""
        shown: pd.DataFrame = hits.table.to_pandas()
        rows = shown["question"].to_numpy()
        shown["question"] = self.frame.index.to_numpy()[rows]
        for name, values in hits.values.items():
            shown[name] = make_column(name, list(values))
        for name in self.own:
            shown[name] = self.frame[name].take(rows).array
        return shown


def read_frame(
    questions: pd.DataFrame,
    *,
    options: SearchOptions,
    columns: Iterable[str] = (),
    zone: str | None = None,
) -> AskedFrame:
    """Return what a frame asks.

    Args:
        questions: columns `query`, and if wanted `as_of`, `filter` and `groups`, as `LocalCollection.search`
            takes them; missing values ask now, of all rows, without groups. All others are the caller's own.
            A warning tells of times that are missing beside others.
        options: of all of them.
        columns: of hits that are wanted.
        zone: IANA zone of times that name none; `None` refuses such times.

    Raises:
        QueryError: a column is missing or looks like a misspelt one, or a row has no question or a wrong
            value; names it.
        InvalidTimeError: a time names no instant, or there is no such zone.
    """
    questions = _rename_columns(questions)
    wanted = tuple(dict.fromkeys(read_texts("columns", columns)))
    own = _list_own(questions, wanted)
    zone = read_zone("zone", zone)
    asked, groups = [], []
    meant = questions[[name for name in COLUMNS if name in questions.columns]]
    for label, row in zip(meant.index, meant.to_dict("records"), strict=True):
        asked.append(
            Question(
                query=read_text(f"the query of row {label!r}", row["query"]),
                as_of=read_local_time(_choose(row.get("as_of"), None), zone=zone),
                filter=read_filter_text(_choose(row.get("filter"), "")),
                **pick_options(options),
            )
        )
        groups.append(read_groups(_choose(row.get("groups"), ())))
    _warn_of_missing_times(meant, asked)
    return AskedFrame(
        frame=questions, questions=tuple(asked), groups=tuple(groups), columns=wanted, own=tuple(own)
    )


def cut_batches(questions: Sequence[Question]) -> Iterator[Sequence[Question]]:
    """Yield the questions in parts that a server answers at once."""
    part: list[Question] = []
    n_hits = 0
    for question in questions:
        wanted = max(question.k, question.rerank)
        if part and (len(part) == MAX_QUESTIONS or n_hits + wanted > MAX_HITS):
            yield part
            part, n_hits = [], 0
        part.append(question)
        n_hits += wanted
    if part:
        yield part


def refuse_groups(asked: AskedFrame) -> None:
    """Refuse groups: a server knows the caller's by the key.

    Raises:
        QueryError: a question names some.
    """
    if any(asked.groups):
        raise QueryError(detail="groups: a server knows them by the key; ask without that column")


@contextmanager
def explaining_columns(columns: Sequence[str]) -> Iterator[None]:
    """Let an unknown column of hits be refused in the words of the argument that names it.

    Args:
        columns: of hits that are asked for.

    Raises:
        QueryError: there is no such field of hits, and no such attribute that the caller may see.
    """
    attributes = {f"attributes.{read_attribute_name(name)}": name for name in columns}
    try:
        yield
    except FilterColumnError as error:
        name = attributes.get(error.fields["column"])
        if name is None:
            raise
        if name == "snippet":
            detail = "columns: search_many makes no snippets; search_frame does, one question at a time"
            raise QueryError(detail=detail) from error
        told = error.fields["detail"].partition("did you mean ")[2].removeprefix("attributes.").rstrip("?")
        near = get_close_matches(name, FIELDS, 1, _NEAR) or ([told] if told else [])
        hint = f"; did you mean {near[0]}?" if near else ""
        detail = f"columns: {name!r} is neither a field of hits nor an attribute{hint}"
        raise QueryError(detail=detail) from error


def list_unseen(hits: ManyHits) -> list[str]:
    """Return the attributes that no hit has, as a server takes their names."""
    names = ((read_attribute_name(column), values) for column, values in hits.values.items())
    return [f"attributes.{name}" for name, values in names if name and not any(v is not None for v in values)]


def _rename_columns(questions: pd.DataFrame) -> pd.DataFrame:
    """Return the questions with their columns by their names; a warning tells of a former one."""
    if not hasattr(questions, "columns"):
        refuse("questions", questions, "a pandas DataFrame")
    if "where" not in questions.columns or "filter" in questions.columns:
        return questions
    warnings.warn(f"questions: {explain_old_name('where')}", DeprecationWarning, stacklevel=5)
    return questions.rename(columns={"where": OLD_NAMES["where"]})


def _warn_of_missing_times(questions: pd.DataFrame, asked: Sequence[Question]) -> None:
    """Warn where a time is missing: what it asks, the latest state, knows more than the questions beside it.

    A column of nothing but `None` says so on purpose.
    """
    if "as_of" in questions.columns and any(cell is not None for cell in questions["as_of"]):
        n = sum(question.as_of is None for question in asked)
        if n:
            detail = f"{n} of {len(asked)} questions have no as_of, and ask the latest state"
            warnings.warn(f"{detail}; leave out those rows unless that is meant", UserWarning, stacklevel=5)


def _list_own(questions: pd.DataFrame, wanted: Sequence[str]) -> list[str]:
    """Return the caller's own columns.

    Raises:
        QueryError: there is no question, or a column is not clearly the caller's own.
    """
    names = list(questions.columns)
    own = [name for name in names if name not in COLUMNS]
    odd = [name for name in own if not isinstance(name, str) or _is_misleading(name)]
    if odd or "query" not in names or len(set(names)) < len(names):
        hint = "; rename columns of your own that look like one of them, or like an argument" if odd else ""
        found = ", ".join(map(str, names))
        raise QueryError(detail=f"questions have the columns {', '.join(COLUMNS)}; found {found}{hint}")
    always = BATCH_SCHEMA.names
    for name in wanted:
        if name in always:
            raise QueryError(detail=f"columns: {name} is always there; name others")
    twice = sorted({*own} & {*always, *wanted})
    if twice:
        raise QueryError(detail=f"answers have a column {twice[0]}, too; rename that of the questions")
    return own


def _is_misleading(name: str) -> bool:
    plain = name.casefold()
    letters = "".join(filter(str.isalnum, plain))
    return plain in _MEANT or letters.startswith("asof") or bool(get_close_matches(plain, COLUMNS, 1, _NEAR))


def _choose(value: Any, otherwise: Any) -> Any:
    """Return a cell's value, or what stands for a missing one: `None`, NaN and NaT are missing."""
    is_missing = value is None or (not hasattr(value, "__len__") and value != value)
    return otherwise if is_missing else value
