"""OpenAI's routes for vectors: their shapes, their errors, and that the vectors are the embedder's."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from eagleray.contracts.bounds import MAX_TEXTS
from eagleray.embedders.hashing import DIM, HashingEmbedder, count_words
from eagleray.errors import ModelError
from serve.composition.features import EMBEDDING
from serve.http.middleware.body_limit import MAX_BYTES
from serve.http.openai.embeddings import PATH
from tests.unit.serve.http.conftest import HeldEmbedder, fill_queue

TEXTS = ["coupon of the 2029 notes", "SOFR", "net sales rose 7.4%"]
HELLO = [15339, 1917]
"""`hello world` in cl100k_base."""


async def embed(served, body, **headers):
    return await served.client.post(PATH, json={"model": "hashing", **body}, headers=headers)


def read_vectors(answer):
    assert answer.status_code == 200, answer.text
    whole = answer.json()
    assert [row["index"] for row in whole["data"]] == list(range(len(whole["data"])))
    assert {row["object"] for row in whole["data"]} == {"embedding"}
    return np.array([row["embedding"] for row in whole["data"]], dtype=np.float32)


def check_error(answer, status, *, kind="invalid_request_error", word="", param=None, code=None):
    """Check an error in OpenAI's shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == kind
    assert error["param"] == param
    assert word in error["message"]
    assert code in (None, error["code"])


def test_texts_become_the_vectors_of_the_embedder_and_are_counted(serve_with):
    async def ask(served):
        answer = await embed(served, {"input": TEXTS})
        assert np.array_equal(read_vectors(answer), HashingEmbedder().embed_passages(TEXTS))
        n_tokens = sum(count_words(TEXTS))
        assert answer.json()["usage"] == {"prompt_tokens": n_tokens, "total_tokens": n_tokens}
        assert (answer.json()["object"], answer.json()["model"]) == ("list", "hashing")
        assert served.recorded == [], "no row was shown"

    serve_with(ask)


@pytest.mark.parametrize("shape", ["text", "tokens", "many-texts", "many-tokens"])
def test_every_shape_of_input_means_the_same(serve_with, shape):
    inputs = {
        "text": "hello world",
        "tokens": HELLO,
        "many-texts": ["hello world"] * 2,
        "many-tokens": [HELLO] * 2,
    }
    wanted = HashingEmbedder().embed_passages(["hello world"] * (2 if shape.startswith("many") else 1))

    async def ask(served):
        answer = await embed(served, {"input": inputs[shape], "user": "somebody", "dimensions": None})
        assert np.array_equal(read_vectors(answer), wanted)

    serve_with(ask)


def test_base64_holds_the_same_numbers(serve_with):
    async def ask(served):
        floats = read_vectors(await embed(served, {"input": TEXTS, "encoding_format": "float"}))
        coded = await embed(served, {"input": TEXTS, "encoding_format": "base64"})
        rows = [
            np.frombuffer(base64.b64decode(row["embedding"]), dtype="<f4") for row in coded.json()["data"]
        ]
        assert np.array_equal(np.stack(rows), floats)

    serve_with(ask)


def test_fewer_dimensions_are_the_first_ones_at_length_one(serve_with):
    async def ask(served):
        short = read_vectors(await embed(served, {"input": TEXTS, "dimensions": 300}))
        begun = HashingEmbedder().embed_passages(TEXTS)[:, :300]
        assert np.allclose(short, begun / np.linalg.norm(begun, axis=1, keepdims=True), atol=1e-6)
        assert np.allclose(np.linalg.norm(short, axis=1), 1.0, atol=1e-6)
        whole = read_vectors(await embed(served, {"input": TEXTS, "dimensions": DIM}))
        assert np.array_equal(whole, HashingEmbedder().embed_passages(TEXTS))
        zeros = await embed(served, {"input": "SOFR", "dimensions": 1})
        check_error(zeros, 400, word="all 0", param="dimensions")

    serve_with(ask)


@pytest.mark.parametrize(
    ("body", "param", "word"),
    [
        ({}, "input", ""),
        ({"input": ""}, "input", "input 0"),
        ({"input": []}, "input", ""),
        ({"input": [[]]}, "input", "input 0"),
        ({"input": ["a", ""]}, "input", "input 1"),
        ({"input": ["a", 1]}, "input", "list of strings"),
        ({"input": [[1], "a"]}, "input", "list of strings"),
        ({"input": [True]}, "input", "list of strings"),
        ({"input": [1.5]}, "input", "list of strings"),
        ({"input": {"text": "a"}}, "input", "list of strings"),
        ({"input": [[[1]]]}, "input", "list of strings"),
        ({"input": ["a"] * (MAX_TEXTS + 1)}, "input", str(MAX_TEXTS)),
        ({"input": [1] * 8_193}, "input", "8192"),
        ({"input": "x" * 65_537}, "input", "65536"),
        ({"input": "word " * 300}, "input", "has 300 tokens; the model reads 256"),
        ({"input": [100_300]}, "input", "100300"),
        ({"input": "a", "dimensions": DIM + 1}, "dimensions", str(DIM)),
        ({"input": "a", "dimensions": 0}, "dimensions", ""),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format", "base64"),
        ({"input": "a", "seed": 1}, "seed", ""),
        ({"input": "a", "model": None}, "model", ""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_embedded_is_a_bad_request_that_names_the_parameter(serve_with, body, param, word):
    async def ask(served):
        check_error(await embed(served, body), 400, param=param, word=word)
        assert served.model.encoder.n_waiting == 0

    serve_with(ask)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_bytes_that_are_no_request_are_refused_in_the_same_shape(serve_with, content):
    async def ask(served):
        answer = await served.client.post(PATH, content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}

    serve_with(ask)


def test_a_body_may_be_longer_than_elsewhere_but_not_without_end(serve_with):
    async def ask(served):
        long = {"input": ["x" * 1_000] * 2_000}
        assert len(json.dumps(long)) > MAX_BYTES
        assert (await embed(served, long)).status_code == 200
        too_long = await served.client.post(PATH, content=b" " * (EMBEDDING.long_bodies[PATH] + 1))
        check_error(too_long, 413, word=str(EMBEDDING.long_bodies[PATH]))

    serve_with(ask)


def test_the_served_model_is_shown_and_no_other(serve_with):
    async def ask(served):
        listed = (await served.client.get("/v1/models")).json()
        assert listed["object"] == "list"
        model, pipeline = listed["data"]
        assert (pipeline["id"], pipeline["object"], "max_tokens" in pipeline) == (
            "extractive",
            "model",
            False,
        )
        assert (await served.client.get("/v1/models/hashing")).json() == model
        assert {name: model[name] for name in ("id", "object", "created", "dimensions", "max_tokens")} == {
            "id": "hashing",
            "object": "model",
            "created": 1_700_000_000,
            "dimensions": DIM,
            "max_tokens": 256,
        }
        other = await served.client.get("/v1/models/gpt-4")
        check_error(other, 404, word="'gpt-4' does not exist", code="model_not_found")
        wrong = await embed(served, {"input": "a", "model": "text-embedding-3-small"})
        check_error(wrong, 404, word="'hashing' is the one", param="model", code="model_not_found")
        check_error(await served.client.get("/v1/nothing"), 404)
        check_error(await served.client.get(PATH), 405)

    serve_with(ask)


def test_who_is_not_known_or_has_no_role_for_it_gets_no_vector(serve_with):
    async def ask(served):
        unknown = await embed(served, {"input": "a"}, authorization="Bearer wrong")
        check_error(unknown, 401, kind="authentication_error", code="invalid_api_key")
        assert unknown.headers["www-authenticate"] == "Bearer"
        assert "unknown_key" not in unknown.text
        writer = await embed(served, {"input": "a"}, authorization="Bearer writer")
        check_error(writer, 403, kind="permission_error", word="search")
        models = await served.client.get("/v1/models", headers={"authorization": "Bearer writer"})
        assert models.status_code == 200
        for path in ("/v1/models", "/v1/models/hashing"):
            hidden = await served.client.get(path, headers={"authorization": "Bearer wrong"})
            check_error(hidden, 401, kind="authentication_error")

    serve_with(ask)


def test_too_much_at_once_is_told_with_a_time(serve_with):
    embedder = HeldEmbedder()

    async def ask(served):
        async with fill_queue(served, embedder):
            refused = await embed(served, {"input": "a"})
            check_error(refused, 429, kind="rate_limit_error", word="waiting", code="rate_limit_exceeded")
            assert int(refused.headers["retry-after"]) >= 1
        read_vectors(await embed(served, {"input": "a"}))

    serve_with(ask, embedder=embedder)


def test_a_defect_is_told_without_its_cause(serve_with):
    embedder = HeldEmbedder()
    embedder.error = ZeroDivisionError("secret words")

    async def ask(served):
        answer = await embed(served, {"input": "a"})
        check_error(answer, 500, kind="server_error", word="log")
        assert "secret" not in answer.text

    serve_with(ask, embedder=embedder)


def test_a_model_that_fails_on_a_text_is_told_as_it_is(serve_with):
    embedder = HeldEmbedder()
    embedder.error = ModelError(
        model="hashing", detail="it gave text 0 of 1 a vector without a finite length"
    )

    async def ask(served):
        check_error(await embed(served, {"input": "a"}), 400, word="finite length")

    serve_with(ask, embedder=embedder)
