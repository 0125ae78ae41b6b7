"""What callers write: ids of the documents written and removed, and the snapshot that first holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from eagleray.contracts.principals import Principal
from indexes.writing.requests import Write
from serve.audit.entries import ReplyDetails, RequestDetails
from serve.audit.request_kinds import RequestKind


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentWrite:
    """What a caller writes; the reply is the id of the snapshot that first holds it."""

    principal: Principal
    write: Write


def _describe_request(request: DocumentWrite) -> RequestDetails:
    write = request.write
    texts: dict[str, Any] = {
        "documents": [document.doc_id for document in write.documents],
        "removed": list(write.removed),
    }
    return RequestDetails(
        action="write",
        principal=request.principal,
        parameters={
            "write": write.begun.name,
            "versions": [document.version for document in write.documents],
            "n_removed": len(write.removed),
        },
        texts=texts,
    )


WRITE: Final = RequestKind(
    actions=("write",),
    requests=DocumentWrite,
    replies=str,
    describe_request=_describe_request,
    describe_reply=lambda snapshot: ReplyDetails(snapshot=snapshot),
)
