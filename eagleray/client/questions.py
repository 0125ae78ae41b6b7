"""A question as a client asks it: made of a call's arguments, answered here or by a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final, TypedDict, Unpack

from eagleray.client.choices import (
    Moment,
    choose_granularity,
    choose_mode,
    read_count,
    read_filter_text,
    read_flag,
    read_ranking,
    read_text,
    read_time,
)
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import Ranking, SearchOptions, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import pick_options, show_options
from eagleray.contracts.times import format_micros
from eagleray.errors import QueryError


class OptionArguments(TypedDict, total=False):
    """How a search is done, as a call of Python says it; see `hits.SearchOptions`.

    Attributes:
        k: hits wanted; a server gives at most 1,000.
        mode: `hybrid`, `dense` or `lexical`.
        granularity: what a hit stands for: `document`, by its best chunk, or `chunk`.
        ranking: boosts, fusion, least scores, diversity (`eagleray.Ranking`).
        rerank: how many of the best hits the reranker scores again, at least `k`; 0 for none.
    """

    k: int
    mode: str
    granularity: str
    ranking: Ranking
    rerank: int


class SearchArguments(OptionArguments, total=False):
    """What a call that searches may say besides its question.

    Attributes:
        as_of: time: ISO 8601 text, a date, or a datetime or pandas Timestamp with a zone; a bare date is
            midnight UTC at its start. `None` asks the latest state.
        filter: such as `company = "Cubic Corp" and year >= 2019`; empty for none.
        exact: whether every visible vector is compared, whatever it costs.
    """

    as_of: Moment | None
    filter: str
    exact: bool


DEFAULTS: Final[Mapping[str, Any]] = {
    **{item.name: item.default for item in fields(SearchOptions)},
    "mode": str(SearchOptions().mode),
    "granularity": str(SearchOptions().granularity),
    "as_of": None,
    "filter": "",
}
"""Argument -> what it is where it is not given."""

_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "k": partial(read_count, "k"),
    "mode": choose_mode,
    "granularity": choose_granularity,
    "ranking": read_ranking,
    "rerank": partial(read_count, "rerank"),
    "filter": read_filter_text,
    "exact": partial(read_flag, "exact"),
}
"""Argument -> what checks it and returns what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(SearchOptions):
    """One question, before its filter is read; the caller is known to what answers it.

    Attributes:
        query: the question in words; empty where `like` asks.
        like: a document; others like it are wanted.
        as_of: microseconds, or `None` for the latest state.
        filter: as text; empty for none.
        snapshot: whole id of the one that must answer; empty for the one that is served.
    """

    query: str = ""
    like: str = ""
    as_of: int | None = None
    filter: str = ""
    snapshot: str = ""

    def to_request(
        self, *, parse_filter: Callable[[str], FilterExpression], principal: Principal
    ) -> SearchRequest:
        """Return the question as an engine in this process takes it, whatever its snapshot.

        Raises:
            FilterError: the filter cannot be read.
        """
        return SearchRequest(
            query=self.query,
            like=self.like,
            as_of=self.as_of,
            filter=parse_filter(self.filter) if self.filter else None,
            principal=principal,
            **pick_options(self),
        )

    def show(self) -> dict[str, Any]:
        """Return the question's members but the snapshot, as values that `write_json` takes."""
        asked = {"query": self.query, "like": self.like, "as_of": show_time(self.as_of)}
        return {**asked, "filter": self.filter or None, **show_options(self)}


def make_options(**arguments: Unpack[OptionArguments]) -> SearchOptions:
    """Return the options that a call's arguments make.

    Raises:
        QueryError: a value is none of those that its argument has.
        TypeError: there is no such argument.
    """
    return SearchOptions(**_read_arguments(arguments))


def make_question(
    query: str = "", *, like: str = "", snapshot: str = "", **arguments: Unpack[SearchArguments]
) -> Question:
    """Return the question that a call's arguments make.

    Raises:
        QueryError: a value is none of those that its argument has.
        InvalidTimeError: `as_of` names no instant.
        TypeError: there is no such argument.
    """
    given = _read_arguments(arguments)
    as_of = read_time(given.pop("as_of", None))
    query, like = read_text("query", query), read_text("doc_id", like)
    return Question(query=query, like=like, snapshot=snapshot, as_of=as_of, **given)


def show_time(micros: int | None) -> str | None:
    """Return a time as a server takes it."""
    return None if micros is None else format_micros(micros)


def write_json(body: Mapping[str, Any]) -> bytes:
    """Return a body's JSON.

    Raises:
        QueryError: a value has no JSON, such as a number that is not finite.
    """
    try:
        return json.dumps(body, allow_nan=False, default=_unwrap).encode()
    except (TypeError, ValueError) as error:
        raise QueryError(detail=f"a value of the question cannot be sent: {error}") from error


def _read_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a call's arguments mean."""
    return {name: _READERS[name](value) if name in _READERS else value for name, value in arguments.items()}


def _unwrap(value: Any) -> Any:
    """Return the Python number of a NumPy one."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON")
