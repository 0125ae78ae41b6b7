from __future__ import annotations

from serve.engine.quotas import make_quotas


def test_a_caller_who_asks_too_often_is_told_when_to_come_again(serve_with):
    async def ask(served):
        assert (await served.search(query="swap")).status_code == 200
        refused = await served.search(query="swap")
        assert refused.status_code == 429
        assert refused.json()["type"].endswith(":quota")
        assert refused.json()["fields"]["what"] == "requests"
        assert 90 <= int(refused.headers["retry-after"]) <= 100
        assert refused.headers["ratelimit-limit"] == "1"
        assert refused.headers["ratelimit-remaining"] == "0"
        assert refused.headers["ratelimit-reset"] == refused.headers["retry-after"]
        assert (await served.client.get("/health/ready")).status_code == 200
        assert len(served.recorded) == 1

    serve_with(ask, quotas=make_quotas(requests_per_s=0.01, texts_per_s=0.0, burst_s=1.0))


def test_each_question_of_a_batch_counts(serve_with):
    async def ask(served):
        path, questions = f"/collections/{served.collection}/search/batch", [{"query": "swap"}] * 3
        assert (await served.client.post(path, json={"questions": questions})).status_code == 200
        refused = await served.client.post(path, json={"questions": questions})
        assert (refused.status_code, refused.json()["fields"]["what"]) == (429, "requests")
        assert len(served.recorded) == 3

    serve_with(ask, quotas=make_quotas(requests_per_s=0.01, texts_per_s=0.0, burst_s=400.0))


def test_texts_to_embed_are_counted_one_by_one(serve_with):
    async def ask(served):
        body = {"model": served.model.identity.name, "input": ["a", "b", "c"]}
        assert (await served.client.post("/v1/embeddings", json=body)).status_code == 200
        refused = await served.client.post("/v1/embeddings", json=body)
        assert refused.status_code == 429
        assert refused.headers["ratelimit-limit"] == "4"
        assert refused.headers["ratelimit-remaining"] == "1"
        assert (await served.search(query="swap")).status_code == 200

    serve_with(ask, quotas=make_quotas(requests_per_s=0.0, texts_per_s=0.01, burst_s=400.0))
