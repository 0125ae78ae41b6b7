"""Haystack's `OpenAITextEmbedder` and `OpenAIDocumentEmbedder`."""

import json
import sys

from haystack import Document
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.utils import Secret

given = json.load(sys.stdin)
shared = {
    "api_key": Secret.from_token(given["key"]),
    "model": given["embedder"],
    "api_base_url": given["url"] + "/v1",
}
question = OpenAITextEmbedder(**shared).run(given["texts"][0])["embedding"]
documents = [Document(content=text) for text in given["texts"]]
found = OpenAIDocumentEmbedder(**shared, progress_bar=False).run(documents)["documents"]
json.dump({"vectors": [document.embedding for document in found], "question": question}, sys.stdout)
