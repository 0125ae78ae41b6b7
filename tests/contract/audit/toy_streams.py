"""A server with one route that streams, whose replies are a kind of request of their own.

Run as a program it takes the folder of a store, and prints the port it listens at.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import uvicorn
from fastapi import FastAPI

from eagleray.contracts.principals import Principal
from eagleray.errors import StoreError
from eagleray.setting_groups.serving import AuditSettings
from indexes.storage import open_store
from serve.audit.audit_writer import AuditWriter
from serve.audit.entries import ReplyDetails, RequestDetails
from serve.audit.kinds import KINDS
from serve.audit.record import RecordedHit
from serve.audit.request_kinds import RequestKind
from serve.audit.request_recorder import RequestRecorder
from serve.engine.uncancellable import UncancellableWork
from serve.http.audited_stream import AuditedReply, AuditedStream
from serve.http.errors.problems import install
from serve.http.feature import Feature
from serve.http.middleware.connections import ConnectionLimits, PatientProtocol, Peers
from serve.http.request_ids import RequestIds

COLLECTION = "notes"
N_PIECES = 5
WRITE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A request to be told something, in a way that ends well or not."""

    how: str


TELLING = RequestKind(
    actions=("telling",),
    requests=Telling,
    replies=tuple,
    describe_request=lambda request: RequestDetails(
        action="telling", principal=Principal(subject="ann"), parameters={"how": request.how}
    ),
    describe_reply=lambda rows: ReplyDetails(
        hits=tuple(RecordedHit(chunk_id=row, doc_id="d", score=1.0) for row in rows)
    ),
)
TELLER = Feature(routers=(), parts=Telling, open=nullcontext, kinds=(TELLING,))


async def give(reply, how):
    """Cite a row with each piece, and end as asked."""
    rows = ()
    if how == "fails-at-once":
        raise StoreError(path="x", detail="the store is away")
    while how != "whole" or len(rows) < N_PIECES:
        rows = (*rows, len(rows))
        reply.update(rows)
        yield b"data: %s\n\n" % (b"x" * (1 << 20 if how == "floods" else 9))
        if len(rows) == 3 and how == "fails":
            raise StoreError(path="x", detail="the store is away")
        if len(rows) == 3 and how == "waits":
            await asyncio.Event().wait()
        if how == "goes-on":
            await asyncio.sleep(0.02)
    await reply.end(rows)
    yield b"data: [DONE]\n\n"


def make_app(writer):
    uncancellable = UncancellableWork()

    @asynccontextmanager
    async def live(_):
        with writer:
            yield
            await uncancellable.close()

    app = FastAPI(lifespan=live)
    install(app)
    recorder = RequestRecorder(writer, questions="text", kinds=KINDS.extend(TELLING))

    @app.get("/telling/{how}")
    async def tell(how: str):
        reply = AuditedReply(recorder, uncancellable, Telling(how=how))
        return AuditedStream(reply, give(reply, how))

    return RequestIds(app)


class AnnouncedServer(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        sys.stdout.write(f"{self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


def main():
    settings = AuditSettings(flush_s=0.05)
    writer = AuditWriter(open_store(sys.argv[1]), COLLECTION, settings=settings)
    limits = ConnectionLimits(head_s=5.0, write_s=WRITE_S, most=100, most_per_peer=100)
    protocol = partial(PatientProtocol, limits=limits, peers=Peers(limits))
    config = uvicorn.Config(
        make_app(writer), port=0, http=protocol, access_log=False, timeout_graceful_shutdown=1
    )
    AnnouncedServer(config).run()


if __name__ == "__main__":
    main()
