"""A feature whose replies stream, and the kind of request that it records; nothing outside knows them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter

from eagleray.contracts.principals import Principal
from eagleray.errors import StoreError
from serve.audit.entries import ReplyDetails, RequestDetails
from serve.audit.record import RecordedHit
from serve.audit.request_kinds import RequestKind
from serve.http.access import Asking
from serve.http.audited_stream import AuditedStream, open_audited_reply
from serve.http.feature import Feature, given, made_by
from serve.http.serving import Server

N_PIECES, PAUSE_S = 5, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A request to be told something, in a way that ends well or not."""

    how: str
    principal: Principal


TELLING = RequestKind(
    actions=("telling",),
    requests=Telling,
    replies=tuple,
    describe_request=lambda request: RequestDetails(
        action="telling", principal=request.principal, parameters={"how": request.how}
    ),
    describe_reply=lambda rows: ReplyDetails(
        hits=tuple(RecordedHit(chunk_id=row, doc_id="d", score=1.0) for row in rows)
    ),
)


async def give(reply, how):
    rows = ()
    while how == "goes-on" or len(rows) < N_PIECES:
        rows = (*rows, len(rows))
        reply.update(rows)
        yield b"data: %d\n\n" % len(rows)
        if how == "fails" and len(rows) == 3:
            raise StoreError(path="x", detail="the store is away")
        await asyncio.sleep(PAUSE_S)
    await reply.end(rows)
    yield b"data: [DONE]\n\n"


router = APIRouter()


@router.get("/collections/{name}/tellings/{how}")
async def tell(name: str, how: str, caller: Asking, server: Annotated[Server, given(Server)]):
    request, found = Telling(how=how, principal=caller.principal), server.collections.find(name, caller)
    reply = open_audited_reply(found, caller, request, uncancellable=server.uncancellable)
    return AuditedStream(reply, give(reply, how))


TOY = Feature(routers=(router,), parts=Server, open=made_by(lambda server: server), kinds=(TELLING,))
