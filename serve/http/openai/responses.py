"""Answers with citations in the shape of OpenAI's responses, whole or in events; none is kept.

Source: OpenAI's API reference, `POST /v1/responses`, and its streaming events.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.cited_answers import CitedAnswer, ReleasedStatement
from eagleray.errors import ModelNotServedError
from serve.agents.pipelines import find_pipeline
from serve.http.access import Asking
from serve.http.answer_models import ResponseAnswer, answered
from serve.http.audited_read import count_asked, read_audited
from serve.http.audited_stream import AuditedReply, AuditedStream, open_audited_reply
from serve.http.errors.problems import tell_error
from serve.http.metrics import AskedKind
from serve.http.native.cited_answers import AskingParts, show_to
from serve.http.openai.owned_records import Site
from serve.http.openai.response_bodies import ResponseBody
from serve.http.openai.response_events import ResponseWriter
from serve.http.openai.response_sites import ResponseSite, find_site
from serve.http.pipeline_runs import PipelineRun

PATH: Final = "/v1/responses"

router = APIRouter(tags=["openai"])


@router.post(
    PATH,
    summary="An answer with citations from a collection or a vector store",
    response_model=None,
    responses=answered(ResponseAnswer, streams=True),
)
async def respond(body: ResponseBody, caller: Asking, parts: AskingParts, uploads: Site) -> Response:
    """Answer the last message; the model is a pipeline, and `file_search` says where it looks.

    `as_of`, `filter`, `snapshot`, `max_citations` and `explain` are as of `POST /collections/{name}/ask`.
    A stream gives each statement as soon as it is certain. No response is kept.
    """
    body.check_unserved()
    with count_asked(parts.metrics, AskedKind.ANSWER):
        site = await find_site(body, caller, parts.collections, uploads)
        request = site.request
        names = [pipeline.name for pipeline in parts.pipelines]
        if body.model not in names:
            raise ModelNotServedError(name=body.model, served=", ".join(names), param="model")
        pipeline = find_pipeline(request, parts.pipelines)
        run = PipelineRun(site.collection, pipeline, request, timeout_s=body.timeout_s)
        show = partial(show_to, caller, request=request, is_explained=body.explain)
        writer = ResponseWriter(body, request.search.query, find_file=site.find_file, show=show)
        if body.stream:
            reply = open_audited_reply(
                site.collection, caller, request, uncancellable=parts.uncancellable, snapshot=body.snapshot
            )
            return AuditedStream(reply, _give(run, site, reply, writer))
        make = partial(_make, run, site)
        answer = await read_audited(site.collection, caller, request, make, snapshot=body.snapshot)
    return JSONResponse(writer.write_whole(answer))


async def _make(run: PipelineRun, site: ResponseSite, named: AskedSnapshot | None) -> CitedAnswer:
    answer = await run.make(named)
    await site.check_there(answer.citations)
    return answer


async def _give(
    run: PipelineRun, site: ResponseSite, reply: AuditedReply, writer: ResponseWriter
) -> AsyncGenerator[bytes]:
    """Yield the events of the answer; what fails after the first statement is one, too."""
    given: tuple[ReleasedStatement, ...] = ()
    try:
        async with aclosing(run.iterate(reply.snapshot)) as parts:
            async for part in parts:
                await site.check_there(part.citations)
                if not given:
                    for event in writer.write_begin():
                        yield event
                if isinstance(part, ReleasedStatement):
                    for event in writer.write_piece(part):
                        yield event
                    given = (*given, part)
                    reply.update(given)
                else:
                    await reply.end(part)
                    for event in writer.write_end(part):
                        yield event
    except Exception as error:
        if not given:
            raise
        await reply.fail(error)
        yield writer.write_failure(tell_error(PATH, error)["error"]["message"])
