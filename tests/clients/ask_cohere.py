"""Cohere's client of version 2 of its API."""

import json
import sys

import cohere

given = json.load(sys.stdin)
client = cohere.ClientV2(api_key=given["key"], base_url=given["url"])
answer = client.rerank(model=given["reranker"], query=given["query"], documents=given["documents"], top_n=2)
json.dump({"ranks": [[item.index, item.relevance_score] for item in answer.results]}, sys.stdout)
