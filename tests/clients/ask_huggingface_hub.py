"""Hugging Face's `InferenceClient` against the address of a TEI server."""

import json
import sys

from huggingface_hub import InferenceClient

given = json.load(sys.stdin)
client = InferenceClient(model=given["url"], token=given["key"])
found = client.feature_extraction(given["texts"], normalize=True, truncate=True, truncation_direction="left")
json.dump({"vectors": found.tolist()}, sys.stdout)
