"""A question as a server takes it: the body of `POST /collections/NAME/search`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any

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


def write_body(question: Question, *, timeout_s: float) -> bytes:
    """Return the JSON of a question that asks for its explanation, too.

    Args:
        question: what is asked.
        timeout_s: seconds the answer may take.

    Raises:
        QueryError: a value has no JSON, such as a number that is not finite.
    """
    ranking = {item.name: getattr(question.ranking, item.name) for item in fields(Ranking)}
    if ranking["boosts"] is not None:
        ranking["boosts"] = {str(name): weight for name, weight in ranking["boosts"].items()}
    body = {item.name: getattr(question, item.name) for item in fields(Question) if item.name != "where"}
    body |= {
        "as_of": None if question.as_of is None else format_micros(question.as_of),
        "filter": question.where or None,
        "ranking": ranking,
        "explain": True,
        "timeout_s": timeout_s,
    }
    try:
        return json.dumps(body, allow_nan=False, default=_unwrap).encode()
    except (TypeError, ValueError) as error:
        raise QueryError(detail=f"a value of the question cannot be sent: {error}") from error


def _unwrap(value: Any) -> Any:
    """Return the Python number of a NumPy one."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON")
