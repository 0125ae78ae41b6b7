"""OpenAI's chat completions: a request as a body, and the chunks of a stream as a reply.

Nothing that comes is trusted: text is bounded, and what was cut or cannot be read is an error, never a reply.

Source: OpenAI API reference, chat completions, streaming.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from eagleray.contracts.chat_models import (
    ChatDelta,
    ChatMessage,
    ChatReply,
    ChatRequest,
    FinishReason,
    ToolCall,
)
from eagleray.contracts.cited_answers import TokenUsage
from eagleray.errors import ModelAnswerError

MAX_CHARACTERS: Final = 1 << 20
"""Of a reply and all of its calls together."""

_MAX_CALLS: Final = 64


def make_body(request: ChatRequest, *, model: str) -> dict[str, Any]:
    """Return the body of a streamed chat completion.

    Args:
        request: what is asked.
        model: name by which the server knows the model.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [_show_message(message) for message in request.messages],
        "max_tokens": request.limits.max_tokens,
        "temperature": request.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in request.tools
        ]
    if request.schema is not None:
        shape = {"name": "reply", "schema": dict(request.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    return body


@dataclass(slots=True)
class _HalfCall:
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class ReplyReader:
    """Puts the reply to one request together from the chunks of its stream."""

    def __init__(self, request: ChatRequest, *, model: str) -> None:
        """Begin with nothing.

        Args:
            request: what was asked.
            model: its name, for errors.
        """
        self._request, self._model = request, model
        self._texts, self._n_characters = list[str](), 0
        self._calls: dict[int, _HalfCall] = {}
        self._finish: FinishReason | None = None
        self._usage: TokenUsage | None = None

    def take(self, data: str) -> ChatDelta | None:
        """Return the text of a chunk, if it has any.

        Args:
            data: of the event.

        Raises:
            ModelAnswerError: it is no chunk, or tells that the reply failed.
        """
        try:
            chunk = _read_object(data)
            if "error" in chunk:
                self._refuse("the server reported an error in mid-reply")
            self._usage = _read_usage(chunk.get("usage")) or self._usage
            text = "".join(self._take_choice(choice) for choice in chunk["choices"] if choice["index"] == 0)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            detail = "an event of its stream cannot be read"
            raise ModelAnswerError(model=self._model, detail=detail) from error
        if not text:
            return None
        self._texts.append(text)
        return ChatDelta(text=text)

    def finish(self) -> ChatReply:
        """Return the whole reply, once the stream has ended.

        Raises:
            ModelAnswerError: the reply broke off, or is not what was asked for.
        """
        if self._finish is None:
            self._refuse("its reply broke off")
        text, is_cut = "".join(self._texts), self._finish is FinishReason.LENGTH
        if is_cut and (self._calls or self._request.schema is not None):
            self._refuse(f"its reply was cut at {self._request.limits.max_tokens} tokens; allow it more")
        calls = tuple(self._read_call(self._calls[place]) for place in sorted(self._calls))
        if self._request.schema is not None and not calls:
            self._read_json(text, what="the reply")
        return ChatReply(text=text, tool_calls=calls, finish=self._finish, usage=self._usage)

    def _take_choice(self, choice: dict[str, Any]) -> str:
        if choice.get("finish_reason") is not None:
            self._finish = FinishReason(choice["finish_reason"])
        delta = choice.get("delta") or {}
        for piece in delta.get("tool_calls") or ():
            self._take_call(piece)
        return self._count(_read_text(delta.get("content")))

    def _take_call(self, piece: dict[str, Any]) -> None:
        place = piece["index"]
        if type(place) is not int or not 0 <= place < _MAX_CALLS:
            raise ValueError(place)
        call, function = self._calls.setdefault(place, _HalfCall()), piece.get("function") or {}
        call.call_id = call.call_id or self._count(_read_text(piece.get("id")))
        call.name = call.name or self._count(_read_text(function.get("name")))
        call.arguments += self._count(_read_text(function.get("arguments")))

    def _count(self, text: str) -> str:
        self._n_characters += len(text)
        if self._n_characters > MAX_CHARACTERS:
            self._refuse(f"its reply has more than {MAX_CHARACTERS} characters")
        return text

    def _read_call(self, call: _HalfCall) -> ToolCall:
        if call.name not in {tool.name for tool in self._request.tools}:
            self._refuse("it called a tool that it was not given")
        if not call.call_id:
            self._refuse("it called a tool without an id")
        arguments = self._read_json(call.arguments or "{}", what=f"the arguments of {call.name}")
        return ToolCall(call_id=call.call_id, name=call.name, arguments=arguments)

    def _read_json(self, text: str, *, what: str) -> dict[str, Any]:
        try:
            return _read_object(text)
        except (ValueError, RecursionError) as error:
            raise ModelAnswerError(model=self._model, detail=f"{what} is no JSON object") from error

    def _refuse(self, detail: str) -> NoReturn:
        raise ModelAnswerError(model=self._model, detail=detail)


def _show_message(message: ChatMessage) -> dict[str, Any]:
    shown: dict[str, Any] = {"role": str(message.role), "content": message.text}
    if message.tool_calls:
        shown["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            }
            for call in message.tool_calls
        ]
    if message.call_id:
        shown["tool_call_id"] = message.call_id
    return shown


def _read_object(text: str) -> dict[str, Any]:
    found = json.loads(text, parse_constant=_refuse_constant)
    if not isinstance(found, dict):
        raise ValueError("expected a JSON object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _read_text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _read_usage(usage: Any) -> TokenUsage | None:
    if usage is None:
        return None
    n_prompt, n_completion = usage["prompt_tokens"], usage["completion_tokens"]
    if type(n_prompt) is not int or type(n_completion) is not int:
        raise TypeError("expected whole numbers of tokens")
    return TokenUsage(n_prompt=n_prompt, n_completion=n_completion)
