"""A question as a server takes it: what a search's arguments make, and its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from eagleray.contracts.hits import Granularity, Ranking, SearchMode
from eagleray.contracts.times import format_micros
from eagleray.errors import QueryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; the server knows the caller by what is shown with it.

    Attributes:
        query: the question in words; empty where `like` asks.
        like: a document; others like it are wanted.
        k: hits wanted.
        mode: channels that answer.
        granularity: chunks, or documents by their best chunk.
        as_of: microseconds, or `None` for the latest state.
        where: filter as text, which the server reads; empty for none.
        exact: compare every visible vector.
        ranking: which of the rows found are hits, and in which order.
        rerank: best candidates scored again; 0 for none.
        snapshot: whole id of the one that must answer; empty for the one that is served.
    """

    query: str = ""
    like: str = ""
    k: int = 10
    mode: SearchMode = SearchMode.HYBRID
    granularity: Granularity = Granularity.DOCUMENT
    as_of: int | None = None
    where: str = ""
    exact: bool = False
    ranking: Ranking = field(default_factory=Ranking)
    rerank: int = 0
    snapshot: str = ""


_PLAIN: Final = ("query", "like", "k", "mode", "granularity", "exact", "rerank")


def show_question(question: Question) -> dict[str, Any]:
    """Return a question's members but the snapshot, as values that `write_json` takes."""
    ranking = {item.name: getattr(question.ranking, item.name) for item in fields(Ranking)}
    if ranking["boosts"] is not None:
        ranking["boosts"] = {str(name): weight for name, weight in ranking["boosts"].items()}
    shown = {name: getattr(question, name) for name in _PLAIN}
    return {**shown, "as_of": show_time(question.as_of), "filter": question.where or None, "ranking": ranking}


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


def _unwrap(value: Any) -> Any:
    """Return the Python number of a NumPy one."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON")
