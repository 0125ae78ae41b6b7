"""Answers with citations in the shape of OpenAI's responses, whole or in events.

Source: OpenAI's API reference, `POST /v1/responses`, and its streaming events.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from eagleray.contracts.asked_snapshots import AskedSnapshot
from eagleray.contracts.cited_answers import AnswerPart, CitedAnswer, ReleasedStatement
from eagleray.errors import ModelNotServedError
from serve.agents.pipelines import find_pipeline
from serve.http.access import Asking
from serve.http.answer_models import ResponseAnswer, answered
from serve.http.audited_read import count_asked, read_audited
from serve.http.audited_stream import AuditedReply, AuditedStream, open_audited_reply
from serve.http.errors.problems import tell_error
from serve.http.metrics import AskedKind
from serve.http.native.cited_answers import AskingParts, show_to
from serve.http.openai.kept_responses import ResponseKeeper, find_kept
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
    A stream gives each statement as soon as it is certain.
    """
    body.check_unserved()
    with count_asked(parts.metrics, AskedKind.ANSWER):
        if body.previous_response_id:
            earlier = await find_kept(body.previous_response_id, caller, parts.collections, uploads)
            body = earlier.continue_with(body)
        site = await find_site(body, caller, parts.collections, uploads)
        request = site.request
        names = [pipeline.name for pipeline in parts.pipelines]
        if body.model not in names:
            raise ModelNotServedError(name=body.model, served=", ".join(names), param="model")
        pipeline = find_pipeline(request, parts.pipelines)
        run = PipelineRun(site.collection, pipeline, request, timeout_s=body.timeout_s)
        show = partial(show_to, caller, request=request, is_explained=body.explain)
        keeper = ResponseKeeper.open(caller, parts.collections) if body.store else None
        writer = ResponseWriter(
            body, request.search.query, find_file=site.find_file, show=show, is_kept=keeper is not None
        )
        giving = _Giving(run=run, site=site, writer=writer, body=body, keeper=keeper)
        if body.stream:
            reply = open_audited_reply(
                site.collection, caller, request, uncancellable=parts.uncancellable, snapshot=body.snapshot
            )
            return AuditedStream(reply, giving.give(reply))
        answer = await read_audited(site.collection, caller, request, giving.make, snapshot=body.snapshot)
    return JSONResponse(writer.write_whole(answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Giving:
    """One response while it is made."""

    run: PipelineRun
    site: ResponseSite
    writer: ResponseWriter
    body: ResponseBody
    keeper: ResponseKeeper | None

    async def make(self, named: AskedSnapshot | None) -> CitedAnswer:
        """Return the whole answer, once its response is kept."""
        answer = await self.run.make(named)
        await self._finish(answer)
        return answer

    async def give(self, reply: AuditedReply) -> AsyncGenerator[bytes]:
        """Yield the events of the response; what fails after the first statement is one, too."""
        given: tuple[ReleasedStatement, ...] = ()
        try:
            async with aclosing(self.run.iterate(reply.snapshot)) as parts:
                async for part in parts:
                    if isinstance(part, CitedAnswer):
                        await self._finish(part)
                        await reply.end(part)
                    else:
                        await self._check_there(part)
                    for event in self._write(part, is_first=not given):
                        yield event
                    if isinstance(part, ReleasedStatement):
                        given = (*given, part)
                        reply.update(given)
        except Exception as error:
            if not given:
                raise
            await reply.fail(error)
            yield self.writer.write_failure(tell_error(PATH, error)["error"]["message"])

    def _write(self, part: AnswerPart, *, is_first: bool) -> Iterator[bytes]:
        if is_first:
            yield from self.writer.write_begin()
        if isinstance(part, CitedAnswer):
            yield from self.writer.write_end(part)
        else:
            yield from self.writer.write_piece(part)

    async def _finish(self, answer: CitedAnswer) -> None:
        await self._check_there(answer)
        if self.keeper is not None:
            await self.keeper.keep(self.body, answer, self.writer.write_whole(answer))

    async def _check_there(self, part: AnswerPart) -> None:
        await self.site.check_there(item.source for item in part.citations)
