"""OpenAI's client, of the version that is imported: vectors as it asks for them by default."""

import json
import sys

import openai

given = json.load(sys.stdin)
client = openai.OpenAI(base_url=given["url"] + "/v1", api_key=given["key"], max_retries=0)
answer = client.embeddings.create(model=given["embedder"], input=given["texts"])
json.dump(
    {"version": openai.__version__, "vectors": [row.embedding for row in answer.data]},
    sys.stdout,
)
