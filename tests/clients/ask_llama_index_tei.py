"""LlamaIndex's `TextEmbeddingsInference`."""

import json
import sys

from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

given = json.load(sys.stdin)
embedding = TextEmbeddingsInference(
    model_name=given["embedder"],
    base_url=given["url"],
    auth_token=given["key"],
    text_instruction=" ",
    query_instruction=" ",
    truncate_text=True,
)
json.dump({"vectors": embedding.get_text_embedding_batch(given["texts"])}, sys.stdout)
