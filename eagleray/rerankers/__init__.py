"""Rerankers: a question and passages to scores. Importing this loads no model library; scoring does."""

from eagleray.rerankers.opening import load_reranker, open_reranker

__all__ = ["load_reranker", "open_reranker"]
