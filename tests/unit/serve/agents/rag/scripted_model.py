"""A model that says what a test wants, however wrong it is."""

from __future__ import annotations

import asyncio
import json
import re

from eagleray.contracts.chat_models import ChatDelta, ChatReply, FinishReason
from eagleray.contracts.cited_answers import TokenUsage

USAGE = TokenUsage(n_prompt=100, n_completion=10)


class ScriptedModel:
    """Gives replies in their order, the last one again and again.

    A reply is a text, the statements of one, an error to raise, or what makes one of these of the request.
    """

    name = "scripted"

    def __init__(self, *replies, usage=USAGE, hangs=False):
        self.replies, self.usage, self.hangs = list(replies), usage, hangs
        self.seen, self.n_closed = [], 0

    async def stream(self, request):
        self.seen.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        reply = reply(request) if callable(reply) else reply
        try:
            if self.hangs:
                await asyncio.Event().wait()
            if isinstance(reply, Exception):
                raise reply
            text = reply if isinstance(reply, str) else json.dumps({"statements": reply})
            yield ChatDelta(text=text or " ")
            yield ChatReply(text=text, tool_calls=(), finish=FinishReason.STOP, usage=self.usage)
        finally:
            self.n_closed += 1


def say(text, *lines):
    """Return a statement as a model writes it."""
    return {"lines": list(lines), "text": text}


def read_prompt(request):
    """Return the lines of the last message that shows some: text -> number."""
    shown = next(item.text for item in reversed(request.messages) if ">>>passages" in item.text)
    return {text: int(number) for number, text in re.findall(r"^\[(\d+)\] (.*)$", shown, re.MULTILINE)}


def find_line(request, part):
    """Return the number of the line that has some text."""
    return next(number for text, number in read_prompt(request).items() if part in text)
