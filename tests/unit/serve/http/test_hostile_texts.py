"""Whole requests with hostile texts: their time grows as they do, and none keeps the event loop busy."""

from __future__ import annotations

import time

import pytest

from tests.doubling import LINEAR
from tests.small_collections import SPEC

COLLECTION = f"/collections/{SPEC.name}"
BUSY_S = 0.1
"""Processor time of the event loop's thread that one step may take."""

TEXTS = {
    "parts": lambda n: ("a." * n)[: 2 * n],
    "groups": lambda n: ("1" + ",111" * n + "1")[-2 * n :],
    "marks": lambda n: "a" + "\u0301" * (2 * n - 1),
    "asterisks": lambda n: ("ab.c*" * n)[: 2 * n],
    "quotes": lambda n: ('"a b" ' * n)[: 2 * n],
    "ligatures": lambda n: "\ufdfa\ufdf2" * n,
    "letters": lambda n: "y" * (2 * n),
}
BODIES = {
    "search": (f"{COLLECTION}/search", lambda text: {"query": text, "mode": "lexical"}),
    "hybrid": (f"{COLLECTION}/search", lambda text: {"query": text, "k": 1}),
    "batch": (f"{COLLECTION}/search/batch", lambda text: {"questions": [{"query": text, "k": 1}] * 4}),
    "matches": (
        f"{COLLECTION}/search",
        lambda text: {"query": "bond", "filter": {"or": [{"text": {"matches": text[-1_024:]}}] * 16}},
    ),
    "values": (
        f"{COLLECTION}/facets",
        lambda text: {"column": "source", "filter": {"zone": [text[:4_096]] * 9}},
    ),
    "filter": (f"{COLLECTION}/facets", lambda text: {"column": "source", "filter": f"zone = 'x' or {text}"}),
    "embed": ("/embed", lambda text: {"inputs": [text] * 4, "truncate": True}),
    "embeddings": ("/v1/embeddings", lambda text: {"model": "hashing", "input": [text] * 4}),
    "tokenize": ("/tokenize", lambda text: {"inputs": [text] * 4}),
    "rerank": ("/v2/rerank", lambda text: {"model": "tiny", "query": "bond", "documents": [text] * 4}),
    "cut": (
        "/v2/rerank",
        lambda text: {"model": "tiny", "query": "bond", "documents": [text], "max_tokens_per_doc": 5},
    ),
}


async def measure(served, path, body):
    """Return the least processor time of some equal requests."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        answer = await served.client.post(path, json=body)
        best = min(best, time.process_time() - started)
        assert answer.status_code < 500, answer.text[:200]
    return best


@pytest.mark.parametrize("name", BODIES)
def test_requests_take_time_that_grows_as_they_do(serve_reranker, name):
    path, make = BODIES[name]

    async def body(served):
        for text in TEXTS.values():
            await measure(served, path, make(text(200)))
            short, long = [await measure(served, path, make(text(n))) for n in (2_000, 8_000)]
            assert long / max(short, 0.002) < LINEAR

    serve_reranker(body)


@pytest.mark.parametrize("name", BODIES)
def test_the_event_loop_goes_on_meanwhile(serve_reranker, steps, name):
    path, make = BODIES[name]

    async def body(served):
        await served.client.post(path, json=make("warm"))
        steps.clear()
        for text in TEXTS.values():
            await served.client.post(path, json=make(text(8_000)))
            assert (await served.client.get("/health/live")).status_code == 200
        assert steps.longest_s < BUSY_S, steps.longest

    serve_reranker(body)


def test_a_megabyte_of_tokens_is_refused_and_what_is_taken_is_written_beside_the_loop(serve_with, steps):
    async def body(served):
        texts = ["a " * 32_768] * 15
        answer = await served.client.post("/tokenize", json={"inputs": texts})
        assert (answer.status_code, "262144" in answer.json()["error"]) == (413, True)
        steps.clear()
        answer = await served.client.post("/tokenize", json={"inputs": texts[:4]})
        assert steps.longest_s < BUSY_S, steps.longest
        assert [len(tokens) for tokens in answer.json()] == [32_768] * 4

    serve_with(body)


def test_token_ids_that_stand_for_too_much_text_are_refused(serve_with):
    async def body(served):
        spaces = 58_040  # 128 of them
        answer = await served.client.post(
            "/v1/embeddings", json={"model": "hashing", "input": [spaces] * 8_000}
        )
        assert answer.status_code == 400
        assert "more than 65,536 characters" in answer.json()["error"]["message"]

    serve_with(body)
