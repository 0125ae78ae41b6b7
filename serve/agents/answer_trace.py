"""What a pipeline does for one answer, noted as it happens: prompts, what came of them, calls of tools."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from eagleray.contracts.chat_models import ChatMessage, ChatModel, ChatPart, ChatReply, ChatRequest, ToolCall
from eagleray.contracts.cited_answers import AnswerStep, StepKind


class AnswerTrace:
    """The steps of one answer, which its pipeline gives with it (`CitedAnswer.steps`)."""

    def __init__(self) -> None:
        """Begin with none."""
        self._steps: list[AnswerStep] = []

    @property
    def steps(self) -> tuple[AnswerStep, ...]:
        """In the order in which they ended."""
        return tuple(self._steps)

    def watch(self, model: ChatModel) -> ChatModel:
        """Return a model that notes each prompt and what came of it."""
        return _WatchedModel(model, self._steps)

    def note_tool(
        self, name: str, arguments: Mapping[str, Any], *, came: str = "", chunk_ids: Sequence[int] = ()
    ) -> None:
        """Note a call of a tool.

        Args:
            name: of the tool.
            arguments: JSON values.
            came: what it returned; of a call that failed, the type of the error.
            chunk_ids: that it read.
        """
        given = _write(dict(arguments))
        step = AnswerStep(
            kind=StepKind.TOOL, name=name, given=given, came=came, chunk_ids=tuple(map(int, chunk_ids))
        )
        self._steps.append(step)


class _WatchedModel:
    """A model whose calls are noted, also those that fail or are cancelled."""

    def __init__(self, model: ChatModel, steps: list[AnswerStep]) -> None:
        self._model, self._steps = model, steps

    @property
    def name(self) -> str:
        """Which model it is."""
        return self._model.name

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatPart, None]:
        """Yield what the model gives."""
        came = "cancelled"
        try:
            async with aclosing(self._model.stream(request)) as parts:
                async for part in parts:
                    if isinstance(part, ChatReply):
                        came = _write_reply(part)
                    yield part
        except Exception as error:
            came = type(error).__name__
            raise
        finally:
            given = _write([_show_message(message) for message in request.messages])
            step = AnswerStep(kind=StepKind.MODEL, name=self.name, given=given, came=came)
            self._steps.append(step)


def _write_reply(reply: ChatReply) -> str:
    """Return the text of a reply, or its text and the calls that it asks for as JSON."""
    if not reply.tool_calls:
        return reply.text
    return _write({"text": reply.text, "tool_calls": _show_calls(reply.tool_calls)})


def _show_message(message: ChatMessage) -> dict[str, Any]:
    shown: dict[str, Any] = {"role": str(message.role), "text": message.text}
    calls = {"tool_calls": _show_calls(message.tool_calls)} if message.tool_calls else {}
    return {**shown, **calls, **({"call_id": message.call_id} if message.call_id else {})}


def _show_calls(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    return [{"id": call.call_id, "name": call.name, "arguments": dict(call.arguments)} for call in calls]


def _write(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
