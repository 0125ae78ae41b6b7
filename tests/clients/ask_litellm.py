"""LiteLLM: vectors as from OpenAI, documents scored as by Cohere, Jina and TEI."""

import json
import sys

import litellm

given = json.load(sys.stdin)
found = litellm.embedding(
    model="openai/" + given["embedder"],
    input=given["texts"],
    api_base=given["url"] + "/v1",
    api_key=given["key"],
)
ranks = []
for provider, path in (("cohere", "/v2/rerank"), ("jina_ai", ""), ("huggingface", "")):
    answer = litellm.rerank(
        model=f"{provider}/{given['reranker']}",
        query=given["query"],
        documents=given["documents"],
        top_n=2,
        api_base=given["url"] + path,
        api_key=given["key"],
    )
    ranks.append([[item["index"], item["relevance_score"]] for item in answer.results])
json.dump(
    {"vectors": [row["embedding"] for row in found.data], "all_ranks": ranks},
    sys.stdout,
)
