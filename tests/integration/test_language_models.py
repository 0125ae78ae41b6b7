"""The small language model by vLLM on Ray Serve: it answers with citations, streams, and ends."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import jsonschema
import numpy as np
import pytest

from eagleray.contracts.chat_models import (
    ChatDelta,
    ChatLimits,
    ChatMessage,
    ChatReply,
    ChatRole,
    FinishReason,
)
from eagleray.contracts.cited_answers import RAG, AskRequest
from eagleray.contracts.hits import SearchRequest
from eagleray.errors import ContextLengthError, ModelAnswerError
from eagleray.setting_groups.language import LanguageModelSettings
from eagleray.settings import Settings
from eagleray.testing.chat_models import QUESTION, SCHEMA, read_parts
from indexes.service import LocalIndexService
from indexes.storage import open_store
from serve.answer_service import LocalAnswerService
from serve.llm.openai_server import OpenAiChatModel
from tests.hashing_collections import HASHED, publish, write_hashed_snapshot
from tests.language_models import MODEL, run_model_server
from tests.small_collections import make_rows

LONG = replace(QUESTION, limits=ChatLimits(max_tokens=1_500, timeout_s=300.0))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all tests here; it shows what its engine does as it does it."""
    log = tmp_path_factory.mktemp("models") / "stderr"
    with run_model_server(log, RAY_metrics_report_interval_ms="250") as running:
        yield running


@asynccontextmanager
async def opened(server, name=MODEL):
    """Give the client of a model; the end of the block ends its connections."""
    model = OpenAiChatModel(LanguageModelSettings(url=server.url, model=name))
    try:
        yield model
    finally:
        await model.close()


def ask(server, request, name=MODEL):
    """Return all that a model streams."""

    async def read():
        async with opened(server, name) as model:
            return await read_parts(model, request)

    return asyncio.run(read())


def wait_until(condition, *, within_s):
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_it_is_listed_by_its_name(server):
    listed = httpx.get(f"{server.url}/models", timeout=60).json()
    assert [item["id"] for item in listed["data"]] == [MODEL]


def test_a_reply_streams_and_tells_its_tokens(server):
    asked = replace(QUESTION, limits=ChatLimits(max_tokens=48, timeout_s=120.0))

    async def read():
        times, parts = [], []
        async with opened(server) as model:
            async for part in model.stream(asked):
                times.append(time.monotonic())
                parts.append(part)
        return times, parts

    times, (*deltas, reply) = asyncio.run(read())
    assert isinstance(reply, ChatReply)
    assert all(isinstance(delta, ChatDelta) for delta in deltas)
    assert "".join(delta.text for delta in deltas) == reply.text != ""
    assert 0 < reply.usage.n_completion <= 48
    assert len({round(moment, 2) for moment in times}) > 2  # it came in pieces


def test_a_schema_makes_the_reply_an_object_of_it(server):
    asked = replace(QUESTION, schema=SCHEMA, limits=ChatLimits(max_tokens=200, timeout_s=120.0))
    reply = ask(server, asked)[-1]
    assert reply.finish is FinishReason.STOP
    jsonschema.validate(json.loads(reply.text), SCHEMA)


def test_a_conversation_that_is_too_long_is_told_as_that(server):
    messages = (ChatMessage(role=ChatRole.USER, text="bond " * 5_000),)
    with pytest.raises(ContextLengthError):
        ask(server, replace(QUESTION, messages=messages))


def test_a_model_that_is_not_served_is_an_error(server):
    with pytest.raises(ModelAnswerError, match="404"):
        ask(server, QUESTION, "other")


def publish_reports(settings):
    """Publish what the sample has of Cubic's annual reports, a chunk each."""
    sample = Path(__file__).parents[2] / "examples" / "sample" / "annual_reports.jsonl"
    reports = [item for item in map(json.loads, sample.read_text().splitlines()) if "Cubic" in item["title"]]
    made = make_rows(np.random.default_rng(7), n_documents=len(reports), known_from=0)
    firsts = [row for row in made if row["ordinal"] == 0]
    rows = [
        {**row, "title": item["title"], "text": item["text"], "end": len(item["text"]), "groups": []}
        for row, item in zip(firsts, reports, strict=True)
    ]
    store = open_store(settings.store)
    publish(store, write_hashed_snapshot(store, 7, len(rows), HASHED.name, rows=rows))


def test_a_question_is_answered_with_citations(server, tmp_path):
    settings = Settings(
        store=str(tmp_path / "store"),
        collection=HASHED.name,
        cache=str(tmp_path / "cache"),
        embedder={"model": "hashing"},
        llm={
            "url": server.url,
            "model": MODEL,
            "context_tokens": 2_048,
            "reply_tokens": 160,
            "answer_timeout_s": 240.0,
        },
    )
    publish_reports(settings)
    before = server.read_metric("generation_tokens_total") or 0
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    search = SearchRequest(query="What do we agree to perform on a fixed-price type contract?", k=4)
    answer = LocalAnswerService(settings).ask(AskRequest(search=search, pipeline=RAG), engine)
    wait_until(lambda: (server.read_metric("generation_tokens_total") or 0) > before, within_s=20)
    assert answer.pipeline == RAG
    assert answer.is_answered
    assert all(statement.citations for statement in answer.statements)
    assert all("Cubic" in citation.title for citation in answer.citations)


def test_closing_a_reply_ends_it_in_the_engine(server):
    async def begin_and_leave():
        async with opened(server) as model:
            stream = model.stream(LONG)
            await anext(stream)
            await asyncio.to_thread(
                wait_until, lambda: (server.read_metric("num_requests_running") or 0) > 0, within_s=20
            )
            await stream.aclose()

    asyncio.run(begin_and_leave())
    wait_until(lambda: server.read_metric("num_requests_running") == 0, within_s=15)  # of minutes
    wait_until(lambda: server.read_metric("kv_cache_usage_perc") == 0, within_s=15)
