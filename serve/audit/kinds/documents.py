"""Documents that were shown: which one, and the rows that came back; their score is 0."""

from __future__ import annotations

from typing import Final

from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument
from serve.audit.entries import ReplyDetails, RequestDetails
from serve.audit.record import RecordedHit
from serve.audit.request_kinds import Replayable, RequestKind


def _describe_request(request: DocumentRequest) -> RequestDetails:
    return RequestDetails(
        action="document",
        principal=request.principal,
        parameters={"as_of": request.as_of},
        texts={"doc_id": request.doc_id},
    )


def _describe_reply(shown: ShownDocument) -> ReplyDetails:
    rows = (RecordedHit(chunk_id=chunk.chunk_id, doc_id=shown.doc_id, score=0.0) for chunk in shown.chunks)
    return ReplyDetails(snapshot=shown.snapshot, hits=tuple(rows))


def _read(asked: RequestDetails) -> DocumentRequest:
    return DocumentRequest(
        doc_id=asked.texts["doc_id"], as_of=asked.parameters["as_of"], principal=asked.principal
    )


DOCUMENT: Final = RequestKind(
    actions=("document",),
    requests=DocumentRequest,
    replies=ShownDocument,
    describe_request=_describe_request,
    describe_reply=_describe_reply,
    replay=Replayable(read=_read, answer=lambda request, engine: engine.show_document(request)),
)
