"""The deterministic test double: word n-grams hashed into a unit vector; no model, no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import FloatMatrix
from eagleray.digests import digest_bytes, digest_json

DIM: Final = 384
MAX_TOKENS: Final = 256
_WORD: Final = re.compile(r"\w+")
_MAX_KNOWN: Final = 64
"""Characters of a word, or of two, whose place is remembered."""
_RULES: Final = "words and pairs, lower case, SHA-256, signed"


class HashingEmbedder:
    """Similar texts share words, so their vectors are near; the bits depend on the text alone."""

    @property
    def identity(self) -> EmbedderIdentity:
        """What the bits depend on: the rules."""
        return EmbedderIdentity(
            name="hashing",
            weights=digest_json([_RULES, DIM]),
            dim=DIM,
            max_tokens=MAX_TOKENS,
            backend="hashing",
            instruction_set="any",
        )

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return float32 [len(texts), 384], C-contiguous, unit L2 norm."""
        vectors = np.zeros((len(texts), DIM), dtype=np.float64)
        for row, text in enumerate(texts):
            words = _WORD.findall(text.lower())
            for gram in [*words, *map(" ".join, pairwise(words))]:
                place, sign = _hash(gram)
                vectors[row, place] += sign
            if not vectors[row].any():
                vectors[row, 0] = 1.0
        unit: FloatMatrix = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return what `embed_passages` returns."""
        return self.embed_passages(texts)


def count_words(texts: Sequence[str]) -> list[int]:
    """Return how many words each text has: what this embedder reads instead of tokens."""
    return [len(_WORD.findall(text)) for text in texts]


def find_words(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the place in a vector, the first and the last character (exclusive) of each word."""
    for word in _WORD.finditer(text):
        yield _hash(word[0].lower())[0], word.start(), word.end()


def _hash(gram: str) -> tuple[int, float]:
    return _hash_known(gram) if len(gram) <= _MAX_KNOWN else _hash_new(gram)


def _hash_new(gram: str) -> tuple[int, float]:
    number = int(digest_bytes(gram.encode())[:12], 16)
    return number % DIM, 1.0 if number >> 40 & 1 else -1.0


_hash_known: Final = lru_cache(maxsize=1 << 16)(_hash_new)
