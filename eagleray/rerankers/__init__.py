"""Rerankers: a question and passages to scores. Importing this loads no model library; scoring does."""

from eagleray.rerankers.configured_reranker import PairReader, load_reranker, open_pair_reader, open_reranker

__all__ = ["PairReader", "load_reranker", "open_pair_reader", "open_reranker"]
