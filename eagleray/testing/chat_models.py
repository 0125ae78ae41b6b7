"""What any chat model must do to take another's place."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from eagleray.contracts.chat_models import (
    ChatDelta,
    ChatLimits,
    ChatMessage,
    ChatModel,
    ChatPart,
    ChatReply,
    ChatRequest,
    ChatRole,
    FinishReason,
)

QUESTION: Final = ChatRequest(
    messages=(
        ChatMessage(role=ChatRole.SYSTEM, text="Answer in a sentence."),
        ChatMessage(role=ChatRole.USER, text="Why did the basis swap curve move? Ünïcödé 東京 🚀"),
    ),
    collection="default",
    zones=frozenset({"public"}),
    limits=ChatLimits(max_tokens=64, timeout_s=120.0),
)
SCHEMA: Final = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


async def read_parts(model: ChatModel, request: ChatRequest) -> list[ChatPart]:
    """Return all that a model streams."""
    return [part async for part in model.stream(request)]


class ChatModelContract:
    """A subclass gives the fixture `make_model`, which makes a model for the running event loop."""

    def test_it_is_a_chat_model_that_says_which(self, make_model: Callable[[], ChatModel]) -> None:
        async def check() -> None:
            model = make_model()
            assert isinstance(model, ChatModel)
            assert model.name

        asyncio.run(check())

    def test_pieces_come_first_then_the_reply_that_they_make(
        self, make_model: Callable[[], ChatModel]
    ) -> None:
        *deltas, reply = asyncio.run(_read(make_model, QUESTION))
        assert isinstance(reply, ChatReply)
        texts = [part.text for part in deltas if isinstance(part, ChatDelta)]
        assert len(texts) == len(deltas)
        assert all(texts)
        assert "".join(texts) == reply.text != ""

    def test_a_reply_keeps_its_limit_of_tokens_and_says_that_it_was_cut(
        self, make_model: Callable[[], ChatModel]
    ) -> None:
        *_, reply = asyncio.run(_read(make_model, replace(QUESTION, limits=ChatLimits(max_tokens=2))))
        assert isinstance(reply, ChatReply)
        assert reply.finish is FinishReason.LENGTH
        assert reply.usage is not None
        assert reply.usage.n_completion <= 2
        assert reply.usage.n_prompt > 0

    def test_with_a_schema_the_reply_is_an_object(self, make_model: Callable[[], ChatModel]) -> None:
        *_, reply = asyncio.run(_read(make_model, replace(QUESTION, schema=SCHEMA)))
        assert isinstance(reply, ChatReply)
        assert isinstance(json.loads(reply.text)["answer"], str)

    def test_a_closed_reply_gives_nothing_more_and_the_next_one_is_whole(
        self, make_model: Callable[[], ChatModel]
    ) -> None:
        async def check() -> None:
            model = make_model()
            stream = model.stream(QUESTION)
            assert isinstance(await anext(stream), ChatDelta)
            await stream.aclose()
            assert [part async for part in stream] == []
            assert isinstance((await read_parts(model, QUESTION))[-1], ChatReply)

        asyncio.run(check())

    def test_conversations_at_once_do_not_mix(self, make_model: Callable[[], ChatModel]) -> None:
        other = replace(QUESTION, messages=(ChatMessage(role=ChatRole.USER, text="What is repo?"),))

        async def check() -> None:
            model = make_model()
            alone = [(await read_parts(model, item))[-1] for item in (QUESTION, other)]
            at_once = await asyncio.gather(*(read_parts(model, item) for item in (QUESTION, other)))
            assert [parts[-1] for parts in at_once] == alone

        asyncio.run(check())

    def test_what_it_is_asked_stays_as_it_was(self, make_model: Callable[[], ChatModel]) -> None:
        asked = replace(QUESTION, schema=copy.deepcopy(SCHEMA))
        asyncio.run(_read(make_model, asked))
        assert asked == replace(QUESTION, schema=SCHEMA)


async def _read(make_model: Callable[[], ChatModel], request: ChatRequest) -> list[ChatPart]:
    return await read_parts(make_model(), request)
