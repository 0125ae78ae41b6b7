"""LangChain's `HuggingFaceEndpointEmbeddings` with a client of Hugging Face that knows the address."""

import json
import sys

from huggingface_hub import InferenceClient
from langchain_huggingface import HuggingFaceEndpointEmbeddings

given = json.load(sys.stdin)
embeddings = HuggingFaceEndpointEmbeddings(model=given["embedder"])
embeddings.client = InferenceClient(model=given["url"], token=given["key"])
vectors = embeddings.embed_documents(given["texts"])
question = embeddings.embed_query(given["texts"][0])
json.dump({"vectors": vectors, "question": question}, sys.stdout)
