"""Answers with citations, whole or as they are made."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from eagleray.contracts.answers import show_citation, show_cited_answer, show_statement
from eagleray.contracts.callers import Caller
from eagleray.contracts.cited_answers import AskRequest, CitedAnswer, ReleasedStatement
from serve.agents.pipelines import Pipelines, find_pipeline
from serve.engine.uncancellable import UncancellableWork
from serve.http.access import Asking
from serve.http.answer_models import CitedAnswerAnswer, answered
from serve.http.audited_read import count_asked, read_audited
from serve.http.audited_stream import AuditedReply, AuditedStream, open_audited_reply
from serve.http.errors.problems import tell_error
from serve.http.feature import given
from serve.http.metrics import AskedKind, Metrics
from serve.http.native.ask_bodies import AskBody
from serve.http.native.searches import explain_to, write_ids
from serve.http.pipeline_runs import PipelineRun
from serve.http.serving import ServedCollections, Server

STATEMENT: Final = "statement"
ANSWER: Final = "answer"
ERROR: Final = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskParts:
    """What routes are given that answer: collections, what answers, and what counts."""

    collections: ServedCollections
    pipelines: Pipelines
    metrics: Metrics
    uncancellable: UncancellableWork


def choose_parts(server: Server) -> AskParts:
    """Return what these routes are given of a server."""
    return AskParts(
        collections=server.collections,
        pipelines=server.pipelines,
        metrics=server.metrics,
        uncancellable=server.uncancellable,
    )


AskingParts = Annotated[AskParts, given(AskParts)]

router = APIRouter()


@router.post(
    "/collections/{name}/ask",
    tags=["search"],
    summary="An answer with citations",
    response_model=None,
    responses=answered(CitedAnswerAnswer, streams=True),
)
async def ask(name: str, body: AskBody, caller: Asking, parts: AskingParts) -> Response:
    """Answer a question from the alias's snapshot, or the one it names, citing what each statement stands on.

    With `stream`, each statement is an event `statement` as soon as it is certain, with those of its
    citations that were not given before; the event `answer` is what the answer is without `stream`. Where
    making it fails half-way, the last event is `error`, with the problem.
    """
    collection = parts.collections.find(name, caller)
    with count_asked(parts.metrics, AskedKind.ANSWER):
        asked = body.to_request(caller.principal)
        run = PipelineRun(collection, find_pipeline(asked, parts.pipelines), asked, timeout_s=body.timeout_s)
        show = partial(show_to, caller, request=run.request, is_explained=body.explain)
        if body.stream:
            reply = open_audited_reply(
                collection, caller, run.request, uncancellable=parts.uncancellable, snapshot=body.snapshot
            )
            return AuditedStream(reply, _give(run, reply, show))
        answer = await read_audited(collection, caller, run.request, run.make, snapshot=body.snapshot)
    return JSONResponse(show(answer))


async def _give(
    run: PipelineRun, reply: AuditedReply, show: Callable[[CitedAnswer], dict[str, Any]]
) -> AsyncGenerator[bytes]:
    """Yield the events of a stream; what fails after the first of them is an event, too."""
    given: tuple[ReleasedStatement, ...] = ()
    try:
        async with aclosing(run.iterate(reply.snapshot)) as parts:
            async for part in parts:
                if isinstance(part, ReleasedStatement):
                    given = (*given, part)
                    reply.update(given)
                    yield _write_event(STATEMENT, _show_released(part))
                else:
                    await reply.end(part)
                    yield _write_event(ANSWER, show(part))
    except Exception as error:
        if not given:
            raise
        await reply.fail(error)
        yield _write_event(ERROR, tell_error("", error))


def show_to(
    caller: Caller, answer: CitedAnswer, *, request: AskRequest, is_explained: bool
) -> dict[str, Any]:
    """Return an answer as JSON values, with what its caller may be told of its search."""
    told = replace(answer, retrieved=explain_to(caller, request.search, answer.retrieved))
    shown = show_cited_answer(told, is_explained=is_explained)
    write_ids(shown["citations"])
    if is_explained:
        write_ids(shown["retrieved"]["hits"])
    return shown


def _show_released(part: ReleasedStatement) -> dict[str, Any]:
    citations = [show_citation(item) for item in part.citations]
    write_ids(citations)
    return {"statement": show_statement(part.statement), "citations": citations}


def _write_event(name: str, data: dict[str, Any]) -> bytes:
    """Return a server-sent event.

    Source: WHATWG HTML, server-sent events.
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False)
    return f"event: {name}\ndata: {text}\n\n".encode()
