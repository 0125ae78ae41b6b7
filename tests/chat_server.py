"""A server of chat completions within this process: it streams what a test tells it to."""

from __future__ import annotations

import asyncio
import json

import httpx

from eagleray.setting_groups.language import LanguageModelSettings
from serve.llm.openai_server import OpenAiChatModel

HANG = object()


def make_chunk(text=None, *, finish=None, usage=None, calls=None):
    delta = {name: value for name, value in (("content", text), ("tool_calls", calls)) if value is not None}
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"choices": [] if usage else choices, "usage": usage}


def make_usage(n_prompt=7, n_completion=2):
    return make_chunk(usage={"prompt_tokens": n_prompt, "completion_tokens": n_completion})


def show_event(item):
    return item if isinstance(item, bytes) else b"data: " + json.dumps(item).encode() + b"\r\n\r\n"


class Pieces(httpx.AsyncByteStream):
    """Gives the pieces of a body, and knows whether it was closed before their end."""

    def __init__(self, items):
        self.items, self.is_over, self.is_closed = items, False, False

    async def __aiter__(self):
        for item in self.items:
            if item is HANG:
                await asyncio.Event().wait()
            yield show_event(item)
        self.is_over = True

    async def aclose(self):
        self.is_closed = True


class ChatServer:
    """Answers every request with the same events, or what a function makes of its body."""

    def __init__(self, items, status=200):
        self.items, self.status, self.bodies, self.heads, self.sent = items, status, [], [], []

    async def answer(self, request):
        if isinstance(self.items, Exception):
            raise self.items
        body = json.loads(request.content)
        self.bodies.append(body)
        self.heads.append(request.headers)
        self.sent.append(Pieces(self.items(body) if callable(self.items) else self.items))
        return httpx.Response(self.status, stream=self.sent[-1])

    def make_model(self, **settings):
        given = {"url": "http://127.0.0.1:1/v1", "model": "toy", **settings}
        return OpenAiChatModel(LanguageModelSettings(**given), http=httpx.MockTransport(self.answer))


def repeat_words(body):
    """Return the events by which a model repeats the last message, within its limit."""
    text = body["messages"][-1]["content"]
    if "response_format" in body:
        words = [json.dumps({"answer": text})]
    else:
        words = [f" {word}" if place else word for place, word in enumerate(text.split())]
    given = words[: body["max_tokens"]]
    finish = "stop" if given == words else "length"
    return [
        *(make_chunk(word) for word in given),
        make_chunk("", finish=finish),
        make_usage(n_completion=len(given)),
        b"data: [DONE]\n\n",
    ]
