from __future__ import annotations

import numpy as np

from eagleray.embedders.hashing import HashingEmbedder
from eagleray.embedders.remembering import RememberingEmbedder


class Counting(HashingEmbedder):
    def __init__(self):
        super().__init__()
        self.asked = []

    def embed_queries(self, texts):
        self.asked.append(list(texts))
        return super().embed_queries(texts)


def test_a_question_is_embedded_once_and_alone():
    inner = Counting()
    embedder = RememberingEmbedder(inner)
    first = embedder.embed_queries(["swap", "repo"])
    again = embedder.embed_queries(["repo", "swap"])
    assert inner.asked == [["swap"], ["repo"]]
    assert np.array_equal(first, again[::-1])
    assert np.array_equal(first, HashingEmbedder().embed_queries(["swap", "repo"]))
    assert embedder.embed_queries([]).shape == (0, inner.identity.dim)
    assert np.array_equal(embedder.embed_passages(["swap"]), inner.embed_passages(["swap"]))
