"""Answers with citations in the shape of OpenAI's chat completions, whole or in chunks.

What the shape has no place for stands in members `eagleray`: its `annotations` are those of web pages.

Source: OpenAI's API reference, `POST /v1/chat/completions`, and its streaming events.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from eagleray.contracts.cited_answers import CitedAnswer, ReleasedStatement
from eagleray.errors import ModelNotServedError
from serve.agents.pipelines import find_pipeline
from serve.http.access import Asking
from serve.http.answer_models import ChatCompletionAnswer, answered
from serve.http.audited_read import count_asked, read_audited
from serve.http.audited_stream import AuditedReply, AuditedStream, open_audited_reply
from serve.http.errors.problems import tell_error
from serve.http.metrics import AskedKind
from serve.http.native.cited_answers import AskingParts, show_to
from serve.http.openai.chat_bodies import ChatBody
from serve.http.openai.file_citations import FileCitations, name_document
from serve.http.pipeline_runs import PipelineRun, write_piece

PATH: Final = "/v1/chat/completions"
_DONE: Final = b"data: [DONE]\n\n"

router = APIRouter(tags=["openai"])


@router.post(
    PATH,
    summary="An answer with citations to the last message",
    response_model=None,
    responses=answered(ChatCompletionAnswer, streams=True),
)
async def complete(body: ChatBody, caller: Asking, parts: AskingParts) -> Response:
    """Answer the last message from a collection; the model is a pipeline.

    `collection`, `as_of`, `filter`, `snapshot`, `k`, `max_citations` and `explain` are as of
    `POST /collections/{name}/ask`. A stream gives each statement as soon as it is certain.
    """
    body.check_unserved()
    collections = parts.collections
    found = collections.find(body.collection, caller) if body.collection else collections.find_default(caller)
    with count_asked(parts.metrics, AskedKind.ANSWER):
        request = body.to_request(caller.principal)
        names = [pipeline.name for pipeline in parts.pipelines]
        if body.model not in names:
            raise ModelNotServedError(name=body.model, served=", ".join(names), param="model")
        run = PipelineRun(found, find_pipeline(request, parts.pipelines), request, timeout_s=body.timeout_s)
        writer = _Writer(body, partial(show_to, caller, request=request, is_explained=body.explain))
        if body.stream:
            reply = open_audited_reply(
                found, caller, request, uncancellable=parts.uncancellable, snapshot=body.snapshot
            )
            return AuditedStream(reply, writer.give(run, reply))
        answer = await read_audited(found, caller, request, run.make, snapshot=body.snapshot)
    return JSONResponse(writer.write_whole(answer))


class _Writer:
    """Writes one answer in OpenAI's shape."""

    def __init__(self, body: ChatBody, show: Callable[[CitedAnswer], dict[str, Any]]) -> None:
        self._body, self._show, self._cited = body, show, FileCitations(name_document)
        self._about = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": body.model,
        }

    def write_whole(self, answer: CitedAnswer) -> dict[str, Any]:
        """Return the whole answer."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": answer.text,
            "refusal": None,
            "annotations": [],
            "eagleray": {"annotations": FileCitations(name_document).write(answer.citations)},
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {
            **self._about,
            "object": "chat.completion",
            "choices": [choice],
            "usage": _count(answer),
            "eagleray": self._show(answer),
        }

    async def give(self, run: PipelineRun, reply: AuditedReply) -> AsyncGenerator[bytes]:
        """Yield the chunks of the answer; what fails after the first statement is one, too."""
        given: tuple[ReleasedStatement, ...] = ()
        try:
            async with aclosing(run.iterate(reply.snapshot)) as parts:
                async for part in parts:
                    if isinstance(part, ReleasedStatement):
                        yield self._write_text(part, is_first=not given)
                        given = (*given, part)
                        reply.update(given)
                    else:
                        await reply.end(part)
                        for chunk in self._write_end(part, is_empty=not given):
                            yield chunk
        except Exception as error:
            if not given:
                raise
            await reply.fail(error)
            yield f"data: {json.dumps(tell_error(PATH, error))}\n\n".encode()

    def _write_text(self, part: ReleasedStatement, *, is_first: bool) -> bytes:
        delta: dict[str, Any] = {"content": write_piece(part, is_first=is_first)}
        if annotations := self._cited.write(part.citations):
            delta["eagleray"] = {"annotations": annotations}
        return self._write({"role": "assistant", **delta} if is_first else delta)

    def _write_end(self, answer: CitedAnswer, *, is_empty: bool) -> Iterator[bytes]:
        if is_empty:
            yield self._write({"role": "assistant", "content": answer.text})
        yield self._write({}, finish_reason="stop", eagleray=self._show(answer))
        if self._body.stream_options is not None and self._body.stream_options.include_usage:
            yield self._encode({"choices": [], "usage": _count(answer)})
        yield _DONE

    def _write(self, delta: dict[str, Any], *, finish_reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._encode({"choices": [choice], **more})

    def _encode(self, members: dict[str, Any]) -> bytes:
        chunk = {**self._about, "object": "chat.completion.chunk", **members}
        return f"data: {json.dumps(chunk, ensure_ascii=True, allow_nan=False)}\n\n".encode()


def _count(answer: CitedAnswer) -> dict[str, int]:
    read, written = answer.usage.n_prompt, answer.usage.n_completion
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
