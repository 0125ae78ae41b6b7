"""Embedders: text to unit vectors. Importing this loads no model library; opening one does."""

from eagleray.embedders.opening import find_tokenizer, open_embedder, settle_backend

__all__ = ["find_tokenizer", "open_embedder", "settle_backend"]
