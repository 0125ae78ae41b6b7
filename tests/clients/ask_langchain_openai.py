"""LangChain's `OpenAIEmbeddings` as it is: it sends token ids of cl100k_base."""

import json
import sys

from langchain_openai import OpenAIEmbeddings

given = json.load(sys.stdin)
embeddings = OpenAIEmbeddings(model=given["embedder"], base_url=given["url"] + "/v1", api_key=given["key"])
vectors = embeddings.embed_documents(given["texts"])
question = embeddings.embed_query(given["texts"][0])
json.dump({"vectors": vectors, "question": question}, sys.stdout)
