"""Which pipeline answers where a model is set, and that its connections end with it."""

from __future__ import annotations

import pytest

from eagleray.contracts.chat_models import ChatLimits, ChatMessage, ChatRequest, ChatRole
from eagleray.errors import UnavailableError
from eagleray.settings import Settings
from serve.agents import pipelines
from serve.agents.extractive import ExtractivePipeline
from serve.agents.ports import AnswerBudget
from serve.answer_service import LocalAnswerService
from serve.llm import openai_server
from serve.llm.openai_server import OpenAiChatModel
from tests.unit.serve.agents.passages import make_found, make_table_hit
from tests.unit.serve.agents.test_local_answers import Engine, make_request

WITH_MODEL = {"llm": {"url": "http://127.0.0.1:9/v1", "model": "tiny"}}


class ReadingPipeline:
    """Asks its model first."""

    name = "reading"

    seen = None

    def __init__(self, model, budget):
        self._model = model
        ReadingPipeline.seen = budget

    async def answer(self, request, searcher):
        message = ChatMessage(role=ChatRole.USER, text=request.search.query)
        asked = ChatRequest(
            messages=(message,),
            collection=searcher.collection,
            zones=frozenset(),
            limits=ChatLimits(timeout_s=5.0),
        )
        async for _ in self._model.stream(asked):
            pass
        async for part in ExtractivePipeline().answer(request, searcher):
            yield part


@pytest.fixture
def reading(monkeypatch):
    monkeypatch.setattr(pipelines, "WITH_MODEL", (ReadingPipeline,))


@pytest.fixture
def opened(monkeypatch):
    """What happened to the models: each was opened, then closed."""
    events = []

    class WatchedModel(OpenAiChatModel):
        def __init__(self, settings):
            super().__init__(settings)
            events.append("opened")

        async def close(self):
            await super().close()
            events.append("closed")

    monkeypatch.setattr(openai_server, "OpenAiChatModel", WatchedModel)
    return events


def ask(*, pipeline="", **settings):
    engine = Engine(make_found(make_table_hit()))
    return LocalAnswerService(Settings(**settings)).ask(make_request(pipeline=pipeline), engine)


def test_what_needs_no_model_answers_where_none_is_set(reading):
    assert ask().pipeline == "extractive"


def test_what_reads_with_the_model_answers_where_one_is_set_and_none_is_named(reading, opened):
    with pytest.raises(UnavailableError):
        ask(**WITH_MODEL)
    assert ask(pipeline="extractive", **WITH_MODEL).pipeline == "extractive"
    assert opened == ["opened", "closed"] * 2


def test_the_budget_of_an_answer_is_that_of_the_settings(reading, opened):
    limits = {"context_tokens": 1_000, "reply_tokens": 50, "answer_tokens": 2_000, "answer_timeout_s": 5.0}
    ask(pipeline="extractive", llm={**WITH_MODEL["llm"], **limits})
    assert ReadingPipeline.seen == AnswerBudget(
        context_tokens=1_000, reply_tokens=50, answer_tokens=2_000, timeout_s=5.0
    )
