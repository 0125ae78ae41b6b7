"""LlamaIndex's `OpenAILikeEmbedding`."""

import json
import sys

from llama_index.embeddings.openai_like import OpenAILikeEmbedding

given = json.load(sys.stdin)
embedding = OpenAILikeEmbedding(
    model_name=given["embedder"], api_base=given["url"] + "/v1", api_key=given["key"]
)
vectors = embedding.get_text_embedding_batch(given["texts"])
question = embedding.get_query_embedding(given["texts"][0])
json.dump({"vectors": vectors, "question": question}, sys.stdout)
