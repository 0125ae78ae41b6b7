"""TEI's routes: its shapes, its errors, and that the vectors and tokens are the embedder's."""

from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.bounds import MAX_TEXTS
from eagleray.embedders.hashing import DIM, MAX_TOKENS, HashingEmbedder
from eagleray.errors import ModelError
from serve.http.errors.tei_errors import PATHS
from tests.unit.serve.http.conftest import HeldEmbedder, fill_queue

TEXTS = ["coupon of the 2029 notes", "SOFR", "net sales rose 7.4%"]
LONG = " ".join(f"w{word}" for word in range(MAX_TOKENS + 40))


async def ask(served, path, body, **headers):
    return await served.client.post(path, json=body, headers=headers)


def check_error(answer, status, error_type, word=""):
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"error", "error_type"}
    assert answer.json()["error_type"] == error_type
    assert word in answer.json()["error"]


@pytest.mark.parametrize("path", ["/", "/embed"])
@pytest.mark.parametrize("inputs", [TEXTS, TEXTS[0]], ids=["many", "one"])
def test_texts_become_the_vectors_of_the_embedder(serve_with, path, inputs):
    async def body(served):
        answer = await ask(served, path, {"inputs": inputs, "normalize": True, "prompt_name": None})
        assert answer.status_code == 200, answer.text
        expected = HashingEmbedder().embed_passages([inputs] if isinstance(inputs, str) else inputs)
        assert np.array_equal(np.array(answer.json(), dtype=np.float32), expected)
        assert served.recorded == [], "no row was shown"

    serve_with(body)


def test_questions_are_embedded_as_questions_where_the_prompt_says_so(serve_with):
    class QuestionEmbedder(HashingEmbedder):
        """Gives each question the same vector."""

        def __init__(self):
            self.seen = []

        def embed_queries(self, texts):
            self.seen.append(texts)
            return np.eye(1, DIM, dtype="f4")

    embedder = QuestionEmbedder()

    async def body(served):
        answer = await ask(served, "/embed", {"inputs": "SOFR", "prompt_name": "query"})
        assert (embedder.seen, answer.json()[0][0]) == ([["SOFR"]], 1.0)
        check_error(
            await ask(served, "/embed", {"inputs": "a", "prompt_name": "x"}), 422, "Validation", "prompt_name"
        )

    serve_with(body, embedder=embedder)


def test_dimensions_shorten_the_vectors(serve_with):
    async def body(served):
        answer = await ask(served, "/embed", {"inputs": [TEXTS[0], TEXTS[2]], "dimensions": 200})
        found = np.array(answer.json(), dtype=np.float32)
        assert found.shape == (2, 200)
        assert np.allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)
        check_error(
            await ask(served, "/embed", {"inputs": "a", "dimensions": DIM + 1}), 413, "Validation", str(DIM)
        )

    serve_with(body)


@pytest.mark.parametrize(
    ("direction", "kept"),
    [("Right", slice(None, MAX_TOKENS)), ("left", slice(-MAX_TOKENS, None))],
    ids=["end", "start"],
)
def test_a_long_text_is_refused_unless_it_may_be_cut(serve_with, direction, kept):
    async def body(served):
        check_error(await ask(served, "/embed", {"inputs": LONG}), 413, "Validation", str(MAX_TOKENS))
        cut = await ask(
            served, "/embed", {"inputs": LONG, "truncate": True, "truncation_direction": direction}
        )
        short = " ".join(LONG.split()[kept])
        assert np.array_equal(np.array(cut.json(), dtype="f4"), HashingEmbedder().embed_passages([short]))

    serve_with(body)


def test_tokens_say_where_they_stand(serve_with):
    async def body(served):
        answer = await ask(served, "/tokenize", {"inputs": ["Zürich notes", "SOFR"]})
        assert answer.status_code == 200, answer.text
        places = [[(token["start"], token["stop"], token["text"]) for token in row] for row in answer.json()]
        assert places == [[(0, 6, "Zürich"), (7, 12, "notes")], [(0, 4, "SOFR")]]
        assert answer.json()[0][0].keys() == {"id", "text", "special", "start", "stop"}

    serve_with(body)


@pytest.mark.parametrize(
    ("sent", "status", "error_type", "word"),
    [
        ({"inputs": []}, 400, "Empty", "empty"),
        ({"inputs": ""}, 400, "Empty", "empty"),
        ({"inputs": ["a"] * (MAX_TEXTS + 1)}, 413, "Validation", "batch size"),
        ({"inputs": "a" * 70_000}, 413, "Validation", "characters"),
        ({"inputs": [[1, 2]]}, 422, "Validation", "token ids"),
        ({"inputs": "a", "normalize": False}, 422, "Validation", "normalize"),
        ({"inputs": "a", "colour": "red"}, 422, "Validation", "colour"),
        ({}, 422, "Validation", "inputs"),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_refused_as_teis_clients_expect(
    serve_with, sent, status, error_type, word
):
    async def body(served):
        check_error(await ask(served, "/embed", sent), status, error_type, word)

    serve_with(body)


def test_a_body_that_is_too_long_is_refused(serve_with):
    async def body(served):
        answer = await served.client.post("/embed", content=b"x" * (9 << 20))
        check_error(answer, 413, "Validation", "bytes")

    serve_with(body)


def test_only_those_who_may_search_get_vectors_and_every_role_sees_the_model(serve_with):
    async def body(served):
        writer, unknown = {"authorization": "Bearer writer"}, {"authorization": "Bearer wrong"}
        for path in ("/", "/embed", "/tokenize"):
            check_error(await ask(served, path, {"inputs": "a"}, **writer), 403, "Validation", "search")
            check_error(await ask(served, path, {"inputs": "a"}, **unknown), 401, "Validation")
        check_error(await served.client.get("/info", headers=unknown), 401, "Validation")
        told = (await served.client.get("/info", headers=writer)).json()
        assert (told["model_id"], told["max_input_length"]) == ("hashing", MAX_TOKENS)
        assert told["model_type"] == {"embedding": {"pooling": "mean"}}
        assert told["max_client_batch_size"] == MAX_TEXTS

    serve_with(body)


def test_health_is_what_embedding_a_text_gives(serve_with):
    embedder = HeldEmbedder()

    async def body(served):
        answer = await served.client.get("/health", headers={"authorization": "Bearer wrong"})
        assert (answer.status_code, answer.text) == (200, "")
        embedder.error = ModelError(model="hashing", detail="secret words")
        answer = await served.client.get("/health")
        check_error(answer, 503, "Unhealthy", "ModelError")
        assert "secret" not in answer.text
        check_error(await ask(served, "/embed", {"inputs": "a"}), 424, "Backend", "secret")

    serve_with(body, embedder=embedder)


def test_too_much_at_once_is_told_with_a_time(serve_with):
    embedder = HeldEmbedder()

    async def body(served):
        async with fill_queue(served, embedder):
            answer = await ask(served, "/embed", {"inputs": "a"})
        check_error(answer, 429, "Overloaded", "waiting")
        assert int(answer.headers["retry-after"]) >= 1

    serve_with(body, embedder=embedder)


def test_every_path_with_teis_errors_has_a_route(serve_with):
    async def body(served):
        described = (await served.client.get("/openapi.json")).json()
        assert set(described["paths"]) >= PATHS

    serve_with(body)
