"""`/mcp`: the tools over streamable HTTP, without sessions, so that any replica answers any request.

Each request is served by itself, by its own caller; what a caller cancels by closing it is ended, and stands
in the audit log. Each call of a tool leaves the record that the route leaves which asks the same.

Source: Model Context Protocol, "Transports", "Streamable HTTP".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, RootModel
from starlette.types import Message, Receive, Scope, Send

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.callers import Action, Caller, describe_roles
from eagleray.contracts.cited_answers import AskRequest, CitedAnswer
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.principals import Principal
from eagleray.contracts.problems import MEDIA_TYPE
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument
from eagleray.errors import ForbiddenError, NotPublishedError
from serve.agents.pipelines import find_pipeline
from serve.engine.questions import ShowDocument
from serve.engine.threads import Work, run_in_thread
from serve.http.access import CALLER, Searching
from serve.http.answer_models import answered
from serve.http.audited_read import count_asked, read_audited
from serve.http.audited_stream import open_audited_reply
from serve.http.feature import given
from serve.http.metrics import AskedKind
from serve.http.native.cited_answers import AskParts
from serve.http.native.cited_answers import choose_parts as choose_ask_parts
from serve.http.pipeline_runs import PipelineRun
from serve.http.serving import ServedCollection, Server
from serve.mcp.ports import OnStatement, SeenCollection

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server as ProtocolServer

PATH: Final = "/mcp"

Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True, kw_only=True)
class McpParts:
    """What the route is given: the tools as the protocol has them."""

    protocol: ProtocolServer[Any]


def choose_parts(server: Server) -> McpParts:
    """Return what this route is given of a server."""
    from serve.mcp.protocol import Context, make_protocol_server  # here: it takes a second of a start

    parts = choose_ask_parts(server)

    def find_reader(context: Context) -> _ServedReader:
        scope: Scope = context.request.scope  # type: ignore[union-attr]  # HTTP always gives one
        return _ServedReader(parts, scope[CALLER])

    return McpParts(protocol=make_protocol_server(find_reader))


class McpMessage(RootModel[Any]):
    """A message of JSON-RPC, checked by the protocol's own rules."""

    model_config = ConfigDict(
        json_schema_extra={
            "type": "object",
            "properties": {
                "jsonrpc": {"type": "string", "const": "2.0"},
                "id": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                "method": {"type": "string"},
                "params": {"type": "object", "additionalProperties": True},
            },
            "required": ["jsonrpc", "method"],
            "examples": [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}],
        }
    )


class McpAnswer(BaseModel):
    """The answer to a message, in JSON-RPC: `result`, or `error`."""

    jsonrpc: Literal["2.0"]
    id: str | int | None = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


_REFUSED: Final[dict[str, Any]] = {
    "model": McpAnswer,
    "description": "The message is none of the protocol, or cannot be answered.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}},
}

router = APIRouter(tags=["mcp"])


@router.post(
    PATH,
    summary="Model Context Protocol",
    response_model=None,
    responses={
        **answered(McpAnswer, streams=True),
        202: {"description": "A notification was taken; there is no body."},
        400: _REFUSED,
        404: _REFUSED,
        406: _REFUSED,
    },
)
async def take_message(
    request: Request,
    body: McpMessage,  # noqa: ARG001 - says that JSON is taken; the protocol reads its bytes
    caller: Searching,  # noqa: ARG001 - who may not search is refused
    parts: Annotated[McpParts, given(McpParts)],
) -> Response:
    """Answer a message of the Model Context Protocol, of its revisions up to 2026-07-28.

    The tools are `search`, `fetch`, `ask`, `table_lookup` and `list_collections`. There are no sessions.
    """
    return _ProtocolResponse(parts.protocol, await request.body())


class _ProtocolResponse(Response):
    """Lets the protocol's own transport answer a request whose body has been read."""

    def __init__(self, protocol: ProtocolServer[Any], body: bytes) -> None:
        super().__init__()
        self._protocol, self._message = protocol, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; see ASGI."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        is_given = False

        async def replay() -> Message:
            nonlocal is_given
            if is_given:
                return await receive()
            is_given = True
            return {"type": "http.request", "body": self._message, "more_body": False}

        manager = StreamableHTTPSessionManager(
            self._protocol, stateless=True, max_request_body_size=len(self._message) + 1
        )
        async with manager.run():
            await manager.handle_request(scope, replay, _without_type_of_nothing(send))


def _without_type_of_nothing(send: Send) -> Send:
    """Return a `send` that names no type for what has no body: the transport calls that JSON."""

    async def send_plain(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 202:
            headers = [pair for pair in message["headers"] if pair[0] != b"content-type"]
            message = {**message, "headers": headers}
        await send(message)

    return send_plain


class _ServedReader:
    """Reads the collections of a server for one caller, and records what is read."""

    def __init__(self, parts: AskParts, caller: Caller) -> None:
        self._parts, self._caller = parts, caller

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self._caller.principal

    async def list_collections(self) -> tuple[SeenCollection, ...]:
        """Return the collections the caller may see."""
        found = self._parts.collections.list_seen(self._caller)
        return tuple(SeenCollection(name=one.name, snapshot=one.watcher.state.snapshot) for one in found)

    async def search(self, collection: str, request: SearchRequest, *, snapshot: str) -> SearchResponse:
        """Return the hits of a question."""
        found = self._find(collection, Action.SEARCH)
        return await self._read(
            found,
            request,
            lambda named: found.searches.answer(request, snapshot=named),
            kind=AskedKind.SEARCH,
            snapshot=snapshot,
        )

    async def show_document(
        self, collection: str, request: DocumentRequest, *, snapshot: str
    ) -> ShownDocument:
        """Return a document by the chunks that the caller may see."""
        found = self._find(collection, Action.SEARCH)
        return await self._read(
            found,
            request,
            lambda named: found.answerer.answer(ShowDocument(request), snapshot=named),
            kind=AskedKind.DOCUMENT,
            snapshot=snapshot,
        )

    async def ask(
        self, collection: str, request: AskRequest, *, snapshot: str, on_statement: OnStatement
    ) -> CitedAnswer:
        """Return an answer with citations; recorded as one that is streamed."""
        found = self._find(collection, Action.ASK)
        with count_asked(self._parts.metrics, AskedKind.ANSWER):
            run = PipelineRun(found, find_pipeline(request, self._parts.pipelines), request)
            reply = open_audited_reply(
                found,
                self._caller,
                run.request,
                uncancellable=self._parts.uncancellable,
                snapshot=snapshot,
            )
            released: tuple[Any, ...] = ()
            async with reply, aclosing(run.iterate(reply.snapshot)) as parts:
                async for part in parts:
                    if isinstance(part, CitedAnswer):
                        await reply.end(part)
                        return part
                    released = (*released, part)
                    reply.update(released)
                    await on_statement(part)
        raise TypeError(f"pipeline {request.pipeline!r} ended without an answer")

    async def compute(self, work: Callable[[], Reply]) -> Reply:
        """Return what work gives, done in a thread."""
        return await run_in_thread(Work.TEXTS, work)

    def _find(self, name: str, action: Action) -> ServedCollection:
        if not self._caller.may(action):
            raise ForbiddenError(action=str(action), needs=describe_roles(action))
        collections = self._parts.collections
        if name:
            return collections.find(name, self._caller)
        first = next(iter(collections.list_seen(self._caller)), None)
        if first is None:
            raise NotPublishedError(name="default", detail="there is no such collection here")
        return first

    async def _read(
        self,
        found: ServedCollection,
        request: object,
        ask: Callable[[AskedSnapshot | None], Awaitable[Reply]],
        *,
        kind: AskedKind,
        snapshot: str,
    ) -> Reply:
        """Return a reply once it is recorded; it is recorded as well where the call is cancelled."""
        with count_asked(self._parts.metrics, kind):
            reading = read_audited(found, self._caller, request, ask, snapshot=snapshot)
            return await self._parts.uncancellable.run(reading)
