"""Entries of requests: what is kept of a question and its answer, by policy; those of searches are made here.

The texts of a request (its question, a document's name, the filter with its values) are kept whole or as one
SHA-256; no text of a document is ever kept. From an entry with texts the same request can be made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.hits import (
    Explanation,
    Fusion,
    Granularity,
    Page,
    Ranking,
    SearchMode,
    SearchRequest,
    SearchResponse,
)
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.digests import digest_bytes
from serve.audit.filters import decode_filter, encode_filter
from serve.audit.record import Entry, RecordedHit, RecordKind

Questions = Literal["digest", "text"]
"""What is kept of a question."""

SEARCH = "search"
OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of any kind.

    Attributes:
        action: what was asked for.
        parameters: JSON values that hold no text of the caller's.
        texts: JSON values that do; kept by policy.
        request_id: the request's name outside.
    """

    action: str
    principal: Principal
    parameters: Mapping[str, Any]
    texts: Mapping[str, Any]
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is kept of an answer.

    Attributes:
        snapshot: id of the one that answered.
        plan: JSON in ASCII: how the answer came about, or a digest of it.
        hits: the rows that came back.
    """

    snapshot: str
    plan: str = ""
    hits: tuple[RecordedHit, ...] = ()


def record_search(
    request: SearchRequest,
    outcome: SearchResponse | Exception,
    *,
    questions: Questions,
    latency_us: int,
    snapshot: AskedSnapshot | None = None,
    request_id: str = "",
) -> Entry:
    """Return the entry of a search.

    Args:
        request: what was asked.
        outcome: the answer, or why there is none; of an error only its type is kept.
        questions: what is kept of the question.
        latency_us: microseconds from question to answer.
        snapshot: the one that was named; `None` where the alias's was asked.
        request_id: the request's name outside.
    """
    boosts = request.ranking.boosts
    pairs = None if boosts is None else [[name, weight] for name, weight in boosts.items()]  # in their order
    ranking = {**asdict(request.ranking), "boosts": pairs}
    parameters = {
        "k": request.k,
        "mode": request.mode,
        "granularity": request.granularity,
        "as_of": request.as_of,
        "exact": request.exact,
        "rerank": request.rerank,
        "ranking": ranking,
    }
    parameters |= tell_ruling(snapshot)
    if request.page is not None:
        parameters["page"] = [request.page.skip, request.page.n]
    expression = None if request.filter is None else encode_filter(request.filter)
    texts = {"query": request.query, "like": request.like, "filter": expression}
    asked = Asked(
        action=SEARCH,
        principal=request.principal,
        parameters=parameters,
        texts=texts,
        request_id=request_id,
    )
    told = tell_search(outcome) if isinstance(outcome, SearchResponse) else outcome
    named = "" if snapshot is None else snapshot.snapshot
    return record_request(asked, told, questions=questions, latency_us=latency_us, snapshot=named)


def record_request(
    asked: Asked,
    outcome: Told | Exception,
    *,
    questions: Questions,
    latency_us: int,
    snapshot: str = "",
) -> Entry:
    """Return the entry of any request.

    Args:
        asked: the request.
        outcome: what is kept of the answer, or the error, of which only the type is kept.
        questions: what is kept of the texts.
        latency_us: microseconds from question to answer.
        snapshot: id of the one that was asked, where the outcome does not name it.
    """
    principal, texts = asked.principal, dict(asked.texts)
    body = {"parameters": dict(asked.parameters), **({"texts": texts} if questions == "text" else {})}
    told = outcome if isinstance(outcome, Told) else Told(snapshot=_clean(snapshot))
    return Entry(
        kind=RecordKind.REQUEST,
        request_id=_clean(asked.request_id),
        subject=_clean(principal.subject),
        groups=tuple(sorted(map(_clean, principal.groups))),
        zones=None if principal.zones is None else tuple(sorted(map(_clean, principal.zones))),
        action=_clean(asked.action),
        body=dump(body),
        question=digest_bytes(dump(texts).encode()),
        snapshot=told.snapshot,
        plan=told.plan,
        hits=told.hits,
        status=type(outcome).__name__ if isinstance(outcome, Exception) else OK,
        latency_us=latency_us,
    )


def tell_search(response: SearchResponse) -> Told:
    """Return what is kept of a search's answer."""
    hits = tuple(
        RecordedHit(
            chunk_id=int(hit.chunk_id),
            doc_id=hit.doc_id,
            score=float(hit.score),
            reranked=None if hit.reranked is None else float(hit.reranked),
        )
        for hit in response.hits
    )
    explanation = response.explanation
    return Told(snapshot=explanation.snapshot, plan=dump(_shorten_plan(explanation)), hits=hits)


def read_search(entry: Entry) -> SearchRequest | None:
    """Return the request an entry is of; `None` where it is no search, or its texts were not kept.

    Raises:
        ValueError: a value in it is unknown.
        KeyError: a value is missing.
    """
    if entry.kind is not RecordKind.REQUEST or entry.action != SEARCH:
        return None
    body = json.loads(entry.body)
    if "texts" not in body:
        return None
    given, texts = body["parameters"], body["texts"]
    ranking, page = dict(given["ranking"]), given.get("page")
    boosts = ranking.pop("boosts")
    return SearchRequest(
        query=texts["query"],
        like=texts["like"],
        filter=None if texts["filter"] is None else decode_filter(texts["filter"]),
        k=given["k"],
        mode=SearchMode(given["mode"]),
        granularity=Granularity(given["granularity"]),
        as_of=given["as_of"],
        exact=given["exact"],
        rerank=given["rerank"],
        page=None if page is None else Page(skip=page[0], n=page[1]),
        principal=read_principal(entry),
        ranking=Ranking(
            **{**ranking, "fusion": Fusion(ranking["fusion"])},
            boosts=None if boosts is None else {TextField(name): weight for name, weight in boosts},
        ),
    )


def tell_ruling(snapshot: AskedSnapshot | None) -> dict[str, Any]:
    """Return what is kept of the entitlements that ruled a named snapshot; nothing of its own."""
    if snapshot is None or snapshot.entitled_by == snapshot.snapshot:
        return {}
    return {"entitled_by": snapshot.entitled_by, "is_published": snapshot.is_published}


def read_ruling(entry: Entry) -> AskedSnapshot:
    """Return the snapshot that answered, by the entitlements that ruled it then."""
    given = json.loads(entry.body)["parameters"]
    return AskedSnapshot(
        snapshot=entry.snapshot,
        entitled_by=given.get("entitled_by", entry.snapshot),
        is_published=given.get("is_published", True),
    )


def read_principal(entry: Entry) -> Principal:
    """Return the caller of a request's entry."""
    zones = None if entry.zones is None else frozenset(entry.zones)
    return Principal(subject=entry.subject, groups=frozenset(entry.groups), zones=zones)


def dump(value: Any) -> str:
    """Return JSON in ASCII, keys sorted: it holds any text, also one that is no valid Unicode."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _shorten_plan(explanation: Explanation) -> dict[str, Any]:
    """Return how an answer came about, without the words of the question."""
    segments = [
        [item.segment, str(item.plan), item.n_rows, item.n_selected, item.n_probes, item.n_candidates]
        for item in explanation.segments
    ]
    model = explanation.reranking
    return {
        "is_exact": explanation.is_exact,
        "n_visible": explanation.n_visible,
        "segments": segments,
        "reranking": None if model is None else [model.reranker, model.digest, model.n_candidates],
    }


def _clean(text: str) -> str:
    """Return a name that UTF-8 can hold."""
    return text.encode("utf-8", "backslashreplace").decode()
