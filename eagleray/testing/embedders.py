"""What any embedder must do to take another's place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest

from eagleray.contracts.ports import Embedder

PASSAGES: Final = (
    "The basis swap curve moved by two points.",
    "Repo haircuts rose.",
    "swap",
    "Margin calls on the basis swap were met in cash, " * 5,
    "curve",
)
ODD: Final = ("", "Ünïcödé 東京 🚀 basis", "مقايضة الأساس", "a\u0301\u200d\u0000b", "\n\t  ", "x" * 5000)

_NOISE: Final = 1e-5
"""By which a number may differ where a text is embedded beside others."""


class EmbedderContract:
    """A subclass gives the fixture `embedder`."""

    def test_it_is_an_embedder_that_says_which(self, embedder: Embedder) -> None:
        assert isinstance(embedder, Embedder)
        identity = embedder.identity
        assert identity.name
        assert len(identity.weights) == 64
        assert identity.dim > 0
        assert identity == embedder.identity

    def test_no_texts_have_no_vectors(self, embedder: Embedder) -> None:
        for found in (embedder.embed_passages([]), embedder.embed_queries([])):
            assert found.shape == (0, embedder.identity.dim)
            assert found.dtype == np.float32

    @pytest.mark.parametrize("texts", [PASSAGES, ODD, PASSAGES[:1]], ids=["plain", "odd", "one"])
    def test_every_text_has_a_vector_of_length_one(self, embedder: Embedder, texts: Sequence[str]) -> None:
        for found in (embedder.embed_passages(texts), embedder.embed_queries(texts)):
            assert found.shape == (len(texts), embedder.identity.dim)
            assert found.dtype == np.float32
            assert found.flags.c_contiguous
            np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=_NOISE)

    def test_vectors_tell_texts_apart(self, embedder: Embedder) -> None:
        found = embedder.embed_passages(PASSAGES)
        similarities = found @ found.T
        assert (similarities[~np.eye(len(PASSAGES), dtype=np.bool_)] < 1.0 - _NOISE).all()

    def test_the_same_list_gives_the_same_bits(self, embedder: Embedder) -> None:
        for embed in (embedder.embed_passages, embedder.embed_queries):
            assert embed(PASSAGES).tobytes() == embed(PASSAGES).tobytes()

    def test_a_text_has_the_vector_it_has_alone(self, embedder: Embedder) -> None:
        alone = np.concatenate([embedder.embed_passages([text]) for text in PASSAGES])
        np.testing.assert_allclose(embedder.embed_passages(PASSAGES), alone, atol=_NOISE)

    def test_vectors_stand_in_the_order_of_the_texts(self, embedder: Embedder) -> None:
        found = embedder.embed_passages(PASSAGES)
        np.testing.assert_allclose(embedder.embed_passages(PASSAGES[::-1]), found[::-1], atol=_NOISE)

    def test_what_it_is_given_stays_as_it_was(self, embedder: Embedder) -> None:
        texts = [*PASSAGES]
        embedder.embed_passages(texts)
        assert texts == [*PASSAGES]
