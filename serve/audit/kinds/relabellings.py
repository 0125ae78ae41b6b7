"""Relabellings: runs that give versions there are what a corrected mapping makes of them, as jobs tell."""

from __future__ import annotations

from typing import Final

from eagleray.contracts.audits import RelabellingReply, RelabellingRequest
from eagleray.contracts.principals import Principal
from serve.audit.entries import ReplyDetails, RequestDetails
from serve.audit.request_kinds import RequestKind


def _describe_request(request: RelabellingRequest) -> RequestDetails:
    return RequestDetails(
        action="relabel",
        principal=Principal(subject=request.subject),
        parameters={"source": request.source, "mapping": request.mapping, "alias": request.alias},
    )


def _describe_reply(reply: RelabellingReply) -> ReplyDetails:
    counts = {"relabelled": reply.n_relabelled, "regrouped": reply.n_regrouped, "left": reply.n_left}
    return ReplyDetails(snapshot=reply.snapshot, parameters={"run": reply.run, **counts})


RELABELLING: Final = RequestKind(
    actions=("relabel",),
    requests=RelabellingRequest,
    replies=RelabellingReply,
    describe_request=_describe_request,
    describe_reply=_describe_reply,
)
