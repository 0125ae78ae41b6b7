"""A response in OpenAI's shape, and the events that its stream is made of.

Source: OpenAI's API reference, the object `response` and its streaming events.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from eagleray.contracts.cited_answers import CitedAnswer, ReleasedStatement
from serve.http.openai.file_citations import FileCitations, FindFile
from serve.http.openai.response_bodies import ResponseBody
from serve.http.pipeline_runs import write_piece
from serve.uploads.records import make_name


class ResponseWriter:
    """Writes one response, whole or in events numbered from 0.

    Args:
        body: what was asked.
        question: that the search was for.
        find_file: gives id and name of the file that is cited.
        show: gives the answer with its citations, as its caller may see it.
        is_kept: whether the response is kept.
    """

    def __init__(
        self,
        body: ResponseBody,
        question: str,
        *,
        find_file: FindFile,
        show: Callable[[CitedAnswer], dict[str, Any]],
        is_kept: bool,
    ) -> None:
        self._body, self._question, self._find_file, self._show = body, question, find_file, show
        self._message_id, self._search_id = f"msg_{uuid.uuid4().hex}", f"fs_{uuid.uuid4().hex}"
        self._about = {
            "id": make_name("resp_"),
            "object": "response",
            "created_at": int(time.time()),
            "model": body.model,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": body.metadata or {},
            "parallel_tool_calls": False,
            "previous_response_id": body.previous_response_id,
            "store": is_kept,
            "temperature": None,
            "tool_choice": "auto",
            "tools": [tool.model_dump() for tool in body.tools],
            "top_p": None,
        }
        self._n_events, self._n_pieces = 0, 0
        self._cited = FileCitations(find_file)

    def write_whole(self, answer: CitedAnswer) -> dict[str, Any]:
        """Return the whole response."""
        read, written = answer.usage.n_prompt, answer.usage.n_completion
        usage = {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        }
        message = self._write_message("completed", [self._write_text(answer)])
        output = [*self._list_searches("completed"), message]
        more = {"usage": usage, "eagleray": self._show(answer)}
        return {**self._about, "status": "completed", "output": output, **more}

    def write_begin(self) -> Iterator[bytes]:
        """Yield the events before the first piece of text."""
        begun = {**self._about, "status": "in_progress", "output": [], "usage": None}
        yield self._write("response.created", response=begun)
        yield self._write("response.in_progress", response=begun)
        for search in self._list_searches("in_progress"):
            yield self._write("response.output_item.added", output_index=0, item=search)
            for state in ("in_progress", "searching", "completed"):
                name = f"response.file_search_call.{state}"
                yield self._write(name, output_index=0, item_id=self._search_id)
            done = {**search, "status": "completed"}
            yield self._write("response.output_item.done", output_index=0, item=done)
        yield self._write_message_event(
            "response.output_item.added", item=self._write_message("in_progress", [])
        )
        yield self._write_part("response.content_part.added", part=_make_text("", []))

    def write_piece(self, part: ReleasedStatement) -> Iterator[bytes]:
        """Yield the events of a statement: its text, then the citations that it is the first to have."""
        text = write_piece(part, is_first=not self._n_pieces)
        self._n_pieces += 1
        yield self._write_part("response.output_text.delta", delta=text, logprobs=[])
        first = self._cited.n_written
        for index, annotation in enumerate(self._cited.write(part.citations), start=first):
            name = "response.output_text.annotation.added"
            yield self._write_part(name, annotation_index=index, annotation=annotation)

    def write_end(self, answer: CitedAnswer) -> Iterator[bytes]:
        """Yield the events after the last statement; the last one has the whole response."""
        if not self._n_pieces:
            yield self._write_part("response.output_text.delta", delta=answer.text, logprobs=[])
        part = self._write_text(answer)
        yield self._write_part("response.output_text.done", text=answer.text, logprobs=[])
        yield self._write_part("response.content_part.done", part=part)
        message = self._write_message("completed", [part])
        yield self._write_message_event("response.output_item.done", item=message)
        yield self._write("response.completed", response=self.write_whole(answer))

    def write_failure(self, detail: str) -> bytes:
        """Return the last event of a response that failed half-way."""
        error = {"code": "server_error", "message": detail}
        failed = {**self._about, "status": "failed", "error": error, "output": [], "usage": None}
        return self._write("response.failed", response=failed)

    def _list_searches(self, status: str) -> list[dict[str, Any]]:
        if self._body.file_search is None:
            return []
        call = {"id": self._search_id, "type": "file_search_call", "status": status}
        return [{**call, "queries": [self._question], "results": None}]

    def _write_text(self, answer: CitedAnswer) -> dict[str, Any]:
        return _make_text(answer.text, FileCitations(self._find_file).write(answer.citations))

    def _write_message(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        about = {"id": self._message_id, "type": "message", "role": "assistant"}
        return {**about, "status": status, "content": content}

    def _write_message_event(self, name: str, **members: Any) -> bytes:
        return self._write(name, output_index=int(self._body.file_search is not None), **members)

    def _write_part(self, name: str, **members: Any) -> bytes:
        return self._write_message_event(name, item_id=self._message_id, content_index=0, **members)

    def _write(self, name: str, **members: Any) -> bytes:
        event = {"type": name, "sequence_number": self._n_events, **members}
        self._n_events += 1
        text = json.dumps(event, ensure_ascii=True, allow_nan=False)
        return f"event: {name}\ndata: {text}\n\n".encode()


def _make_text(text: str, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}
