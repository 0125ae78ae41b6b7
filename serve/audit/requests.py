"""Entries of each kind of request that an engine answers, and the requests they are of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.facets import ValueCounts, make_counts
from eagleray.contracts.hits import FacetRequest, SearchRequest, SearchResponse
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.requests import Reply, Request
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument
from eagleray.digests import digest_bytes
from serve.audit.entries import (
    Asked,
    Questions,
    Told,
    dump,
    read_principal,
    read_search,
    record_request,
    record_search,
    tell_ruling,
    tell_search,
)
from serve.audit.filters import decode_filter, encode_filter
from serve.audit.record import Entry, RecordedHit, RecordKind

FACETS: Final = "facets"
DOCUMENT: Final = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a record tells besides the request and its reply.

    Attributes:
        latency_us: microseconds from question to answer.
        snapshot: the one that was named; `None` where the alias's was asked.
        request_id: the request's name outside.
    """

    latency_us: int
    snapshot: AskedSnapshot | None = None
    request_id: str = ""


def record(
    request: Request, outcome: Reply | Exception, *, questions: Questions, circumstances: Circumstances
) -> Entry:
    """Return the entry of a request.

    Args:
        request: what was asked.
        outcome: the reply, or why there is none; of an error only its type is kept.
        questions: what is kept of the texts.
        circumstances: the rest.
    """
    latency_us, snapshot = circumstances.latency_us, circumstances.snapshot
    if isinstance(request, SearchRequest):
        if isinstance(outcome, ValueCounts | ShownDocument):
            raise TypeError("a search has hits")
        return record_search(
            request,
            outcome,
            questions=questions,
            latency_us=latency_us,
            snapshot=snapshot,
            request_id=circumstances.request_id,
        )
    told = outcome if isinstance(outcome, Exception) else tell(outcome)
    asked = _ask(request, circumstances)
    named = "" if snapshot is None else snapshot.snapshot
    return record_request(asked, told, questions=questions, latency_us=latency_us, snapshot=named)


def tell(reply: Reply) -> Told:
    """Return what is kept of a reply: never a text of a document."""
    if isinstance(reply, SearchResponse):
        return tell_search(reply)
    if isinstance(reply, ValueCounts):
        values = [[item.value, item.documents] for item in reply.values]
        plan = {"n_values": len(values), "counts": digest_bytes(dump(values).encode())}
        return Told(snapshot=reply.snapshot, plan=dump(plan))
    rows = tuple(
        RecordedHit(chunk_id=chunk.chunk_id, doc_id=reply.doc_id, score=0.0) for chunk in reply.chunks
    )
    return Told(snapshot=reply.snapshot, hits=rows)


def read_request(entry: Entry) -> Request | None:
    """Return the request an entry is of; `None` where its texts were not kept, or it is of another kind.

    Raises:
        ValueError: a value in it is unknown.
        KeyError: a value is missing.
    """
    if entry.kind is not RecordKind.REQUEST or entry.action not in (FACETS, DOCUMENT):
        return read_search(entry)
    body = json.loads(entry.body)
    if "texts" not in body:
        return None
    given, texts = body["parameters"], body["texts"]
    if entry.action == FACETS:
        return FacetRequest(
            column=texts["column"],
            n=given["n"],
            as_of=given["as_of"],
            filter=None if texts["filter"] is None else decode_filter(texts["filter"]),
            principal=read_principal(entry),
        )
    return DocumentRequest(doc_id=texts["doc_id"], as_of=given["as_of"], principal=read_principal(entry))


def ask_again(request: Request, engine: SearchEngine) -> Told:
    """Return what would be kept of an engine's reply to a request.

    Raises:
        EagleRayError: there is none.
    """
    return tell(_answer(request, engine))


def _answer(request: Request, engine: SearchEngine) -> Reply:
    if isinstance(request, SearchRequest):
        return engine.search(request)
    if isinstance(request, FacetRequest):
        return make_counts(engine.snapshot, engine.count_values(request))
    return engine.show_document(request)


def _ask(request: FacetRequest | DocumentRequest, circumstances: Circumstances) -> Asked:
    parameters: Mapping[str, Any]
    texts: Mapping[str, Any]
    if isinstance(request, FacetRequest):
        expression = None if request.filter is None else encode_filter(request.filter)
        action, parameters = FACETS, {"n": request.n, "as_of": request.as_of}
        texts = {"column": request.column, "filter": expression}
    else:
        action, parameters, texts = DOCUMENT, {"as_of": request.as_of}, {"doc_id": request.doc_id}
    return Asked(
        action=action,
        principal=request.principal,
        parameters={**parameters, **tell_ruling(circumstances.snapshot)},
        texts=texts,
        request_id=circumstances.request_id,
    )
