"""Documents scored by a real cross-encoder, in three shapes of one answer."""

from __future__ import annotations

import numpy as np
import pytest

from eagleray.rerankers import load_reranker
from serve.http.rerank.rerank_bodies import MAX_DOCUMENTS
from serve.http.rerank.rerankings import PATHS
from tests.small_rerankers import MAX_TOKENS

QUERY = "coupon of the 2029 notes"
DOCUMENTS = ["The board met in May.", "The 2029 notes pay 4.5%.", "SOFR plus 145", "The board met in May."]
LONG = "the notes pay a coupon " * MAX_TOKENS


async def ask(served, path, body, **headers):
    named = {} if path == "/rerank" else {"model": "tiny"}
    documents = {"texts" if path == "/rerank" else "documents": DOCUMENTS}
    return await served.client.post(
        path, json={"query": QUERY, **named, **documents, **body}, headers=headers
    )


def read_error(answer):
    told = answer.json()
    return (
        told["error"]["message"]
        if isinstance(told.get("error"), dict)
        else told.get("error", told.get("message"))
    )


@pytest.fixture
def expected(tiny_reranker):
    """Place and score of each document, the best first."""
    raw = load_reranker(tiny_reranker).score(QUERY, DOCUMENTS).astype(float)
    return [(int(row), float(raw[row])) for row in np.argsort(-raw, kind="stable")]


def squash(raw):
    return 1.0 / (1.0 + np.exp(-raw))


def check_ranks(found, expected, *, name="relevance_score", raw=False):
    assert [item["index"] for item in found] == [row for row, _ in expected]
    scores = [score if raw else squash(score) for _, score in expected]
    assert np.allclose([item[name] for item in found], scores, atol=1e-5)


def test_coheres_clients_get_their_shape(serve_reranker, expected):
    async def body(served):
        answer = await ask(served, "/v2/rerank", {"top_n": 2, "max_tokens_per_doc": None})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told.keys() == {"id", "results", "meta"}
        assert told["id"] == answer.headers["x-request-id"]
        check_ranks(told["results"], expected[:2])
        assert told["meta"]["api_version"] == {"version": "2"}
        assert all(item.keys() == {"index", "relevance_score"} for item in told["results"])
        whole = (await ask(served, "/v2/rerank", {"return_documents": True})).json()["results"]
        assert [item["document"]["text"] for item in whole] == [DOCUMENTS[row] for row, _ in expected]
        assert served.recorded == [], "no row was shown"

    serve_reranker(body)


@pytest.mark.parametrize("is_returned", [True, False])
def test_jinas_clients_get_their_shape(serve_reranker, expected, is_returned):
    async def body(served):
        documents = [DOCUMENTS[0], *({"text": text} for text in DOCUMENTS[1:])]
        more = {"documents": documents, "return_documents": is_returned}
        told = (await ask(served, "/v1/rerank", more)).json()
        check_ranks(told["results"], expected)
        for item in told["results"]:
            shown = {"document": {"text": DOCUMENTS[item["index"]]}} if is_returned else {}
            assert {name: item[name] for name in item if name == "document"} == shown
        n_tokens = sum(served.reranker.pairs.count(QUERY, DOCUMENTS))
        assert told["usage"] == {"total_tokens": n_tokens, "prompt_tokens": n_tokens}
        assert told["model"] == "tiny"

    serve_reranker(body)


def test_teis_clients_get_their_shape_and_raw_scores(serve_reranker, expected):
    async def body(served):
        check_ranks((await ask(served, "/rerank", {})).json(), expected, name="score")
        raw = (await ask(served, "/rerank", {"raw_scores": True, "return_text": True})).json()
        check_ranks(raw, expected, name="score", raw=True)
        assert [item["text"] for item in raw] == [DOCUMENTS[row] for row, _ in expected]

    serve_reranker(body)


@pytest.mark.parametrize(("path", "name"), [("/v1/rerank", "documents"), ("/rerank", "texts")])
def test_a_long_document_is_refused_unless_it_may_be_cut(serve_reranker, path, name):
    async def body(served):
        refused = await ask(served, path, {name: ["short", LONG]})
        assert refused.status_code == (413 if path == "/rerank" else 400), refused.text
        assert "document 1" in read_error(refused)
        assert (await ask(served, path, {name: ["short", LONG], "truncate": True})).status_code == 200

    serve_reranker(body)


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_document_is_scored_like_any(serve_reranker, tiny_reranker, path):
    documents = ["", DOCUMENTS[1]]
    raw = load_reranker(tiny_reranker).score(QUERY, documents).astype(float)

    async def body(served):
        answer = await ask(served, path, {"texts" if path == "/rerank" else "documents": documents})
        assert answer.status_code == 200, answer.text
        found = answer.json() if path == "/rerank" else answer.json()["results"]
        name = "score" if path == "/rerank" else "relevance_score"
        scores = {item["index"]: item[name] for item in found}
        assert np.allclose([scores[0], scores[1]], squash(raw), atol=1e-5)

    serve_reranker(body)


def test_cohere_reads_as_many_tokens_of_a_document_as_it_is_told(serve_reranker):
    async def body(served):
        more = {"documents": ["the notes pay a coupon of 4.5%", "the notes pay"], "max_tokens_per_doc": 3}
        first, second = (await ask(served, "/v2/rerank", more)).json()["results"]
        assert first["relevance_score"] == second["relevance_score"], "both are read as 'the notes pay'"
        whole = (await ask(served, "/v2/rerank", {**more, "max_tokens_per_doc": 30})).json()["results"]
        assert whole[0]["relevance_score"] != whole[1]["relevance_score"]
        assert (await ask(served, "/v2/rerank", {"documents": [LONG]})).status_code == 200

    serve_reranker(body)


@pytest.mark.parametrize("path", PATHS)
def test_a_server_without_a_reranker_says_which_setting_names_one(serve_with, path):
    async def body(served):
        answer = await ask(served, path, {})
        assert answer.status_code == (424 if path == "/rerank" else 404), answer.text
        assert "EAGLERAY_RERANKER__MODEL" in read_error(answer)

    serve_with(body)


@pytest.mark.parametrize("path", ["/v2/rerank", "/v1/rerank"])
def test_another_model_is_not_there(serve_reranker, path):
    async def body(served):
        answer = await ask(served, path, {"model": "rerank-v3.5"})
        assert answer.status_code == 404
        assert "'tiny'" in read_error(answer)

    serve_reranker(body)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "wrong", [{"query": ""}, {"documents": []}, {"documents": ["x"] * (MAX_DOCUMENTS + 1)}, {"colour": "red"}]
)
def test_what_does_not_fit_is_refused(serve_reranker, path, wrong):
    if path == "/rerank" and "documents" in wrong:
        wrong = {"texts": wrong["documents"]}

    async def body(served):
        answer = await ask(served, path, wrong)
        assert answer.status_code == (422 if path == "/rerank" else 400), answer.text
        assert next(iter(wrong)) in read_error(answer)

    serve_reranker(body)


@pytest.mark.parametrize("path", PATHS)
def test_only_those_who_may_search_may_ask(serve_reranker, path):
    async def body(served):
        assert (await ask(served, path, {}, authorization="Bearer writer")).status_code == 403
        assert (await ask(served, path, {}, authorization="Bearer wrong")).status_code == 401

    serve_reranker(body)


def test_the_reranker_is_listed_beside_the_embedder(serve_reranker):
    async def body(served):
        listed = (await served.client.get("/v1/models")).json()["data"]
        assert [model["id"] for model in listed] == ["hashing", "tiny", "extractive"]
        assert listed[1]["max_tokens"] == MAX_TOKENS
        assert (await served.client.get("/v1/models/tiny")).json() == listed[1]

    serve_reranker(body)
