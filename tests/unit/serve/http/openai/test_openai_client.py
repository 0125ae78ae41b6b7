"""OpenAI's own client, as its users have it, asks the application."""

from __future__ import annotations

import httpx
import numpy as np
import openai
import pytest

from eagleray.embedders.hashing import HashingEmbedder

TEXTS = ["coupon of the 2029 notes", "SOFR", "net sales rose 7.4%"]


def ask(serve_with, body, *, key="reader"):
    """Run `body` with a client of an application; OpenAI's client shows a key always."""

    async def run(served):
        transport = httpx.ASGITransport(served.app, raise_app_exceptions=False)
        async with (
            httpx.AsyncClient(transport=transport) as http,
            openai.AsyncOpenAI(
                api_key=key, base_url="http://test/v1", http_client=http, max_retries=0
            ) as client,
        ):
            await body(client, served)

    serve_with(run)


def test_vectors_come_as_the_client_asks_by_default_and_as_floats(serve_with):
    expected = HashingEmbedder().embed_passages(TEXTS)

    async def body(client, _):
        for encoding in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
            answer = await client.embeddings.create(model="hashing", input=TEXTS, **encoding)
            rows = [row.embedding for row in answer.data]
            if encoding == {"encoding_format": "base64"}:  # asked for, it stays as it came
                assert all(isinstance(row, str) for row in rows)
                continue
            assert np.array_equal(np.array(rows, dtype=np.float32), expected)
            assert answer.usage.total_tokens == answer.usage.prompt_tokens > 0

    ask(serve_with, body)


def test_token_ids_are_the_text_they_stand_for(serve_with):
    async def body(client, _):
        answer = await client.embeddings.create(model="hashing", input=[[15339, 1917]])
        assert np.array_equal(
            np.array(answer.data[0].embedding, dtype=np.float32),
            HashingEmbedder().embed_passages(["hello world"])[0],
        )

    ask(serve_with, body)


def test_models_are_listed_and_found(serve_with):
    async def body(client, _):
        assert [model.id async for model in client.models.list()] == ["hashing", "extractive"]
        assert (await client.models.retrieve("hashing")).owned_by == "eagleray"

    ask(serve_with, body)


@pytest.mark.parametrize(
    ("arguments", "error", "word"),
    [
        ({"model": "ada", "input": "x"}, openai.NotFoundError, "'ada' does not exist here"),
        ({"model": "hashing", "input": []}, openai.BadRequestError, "input"),
        ({"model": "hashing", "input": "x", "dimensions": 100_000}, openai.BadRequestError, "dimensions"),
    ],
)
def test_refusals_are_the_errors_its_users_catch(serve_with, arguments, error, word):
    async def body(client, _):
        with pytest.raises(error, match=word) as caught:
            await client.embeddings.create(**arguments)
        assert caught.value.type == "invalid_request_error"

    ask(serve_with, body)


def test_a_key_that_is_not_known_is_refused_as_its_users_expect(serve_with):
    async def body(client, _):
        with pytest.raises(openai.AuthenticationError, match="valid API key"):
            await client.models.list()

    ask(serve_with, body, key="er_unknown")
