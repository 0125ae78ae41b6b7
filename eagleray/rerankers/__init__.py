"""Rerankers: a question and passages to scores. Importing this loads no model library; scoring does."""

from eagleray.rerankers.opening import load_reranker, open_reranker
from eagleray.rerankers.pairs import PairReader, open_pair_reader

__all__ = ["PairReader", "load_reranker", "open_pair_reader", "open_reranker"]
