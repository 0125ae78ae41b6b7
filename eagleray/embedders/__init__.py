"""Embedders: text to unit vectors. Importing this loads no model library; embedding does."""

from eagleray.embedders.calibration import settle_backend
from eagleray.embedders.configured_embedder import (
    describe_embedder,
    find_tokenizer,
    load_embedder,
    name_model,
    open_embedder,
    read_pooling,
)
from eagleray.embedders.model_tokens import CountTokens, open_counter, open_question_counter, open_tokenize

__all__ = [
    "CountTokens",
    "describe_embedder",
    "find_tokenizer",
    "load_embedder",
    "name_model",
    "open_counter",
    "open_embedder",
    "open_question_counter",
    "open_tokenize",
    "read_pooling",
    "settle_backend",
]
