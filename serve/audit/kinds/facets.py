"""Counts of a column's values: the column and the filter, and a digest of what was counted."""

from __future__ import annotations

from typing import Final

from eagleray.contracts.facets import ValueCounts, make_counts
from eagleray.contracts.hits import FacetRequest
from eagleray.contracts.ports import SearchEngine
from eagleray.digests import digest_bytes
from serve.audit.entries import ReplyDetails, RequestDetails, dump
from serve.audit.filters import decode_filter, encode_filter
from serve.audit.request_kinds import Replayable, RequestKind


def _describe_request(request: FacetRequest) -> RequestDetails:
    expression = None if request.filter is None else encode_filter(request.filter)
    return RequestDetails(
        action="facets",
        principal=request.principal,
        parameters={"n": request.n, "as_of": request.as_of},
        texts={"column": request.column, "filter": expression},
    )


def _describe_reply(counts: ValueCounts) -> ReplyDetails:
    values = [[item.value, item.documents] for item in counts.values]
    plan = {"n_values": len(values), "counts": digest_bytes(dump(values).encode())}
    return ReplyDetails(snapshot=counts.snapshot, plan=dump(plan))


def _read(asked: RequestDetails) -> FacetRequest:
    expression = asked.texts["filter"]
    return FacetRequest(
        column=asked.texts["column"],
        n=asked.parameters["n"],
        as_of=asked.parameters["as_of"],
        filter=None if expression is None else decode_filter(expression),
        principal=asked.principal,
    )


def _answer(request: FacetRequest, engine: SearchEngine) -> ValueCounts:
    return make_counts(engine.snapshot, engine.count_values(request))


def _compare(recorded: ReplyDetails, found: ReplyDetails) -> str:
    return "" if recorded.plan == found.plan else f"counts were {recorded.plan}, now {found.plan}"


FACETS: Final = RequestKind(
    actions=("facets",),
    requests=FacetRequest,
    replies=ValueCounts,
    describe_request=_describe_request,
    describe_reply=_describe_reply,
    replay=Replayable(read=_read, answer=_answer, compare=_compare),
)
