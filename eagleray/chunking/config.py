"""How long chunks are, and the identity that says so in a collection's spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eagleray.contracts.manifests import ChunkerIdentity
from eagleray.errors import InputError

RULES: Final = 2
"""Version of the splitting rules; a change of any span or heading raises it."""

SPECIAL_TOKENS: Final = 2
"""Tokens a model adds round its input, such as `[CLS]` and `[SEP]`."""

MIN_TOKENS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkerConfig:
    """Lengths in the embedder's tokens.

    Attributes:
        max_tokens: longest embedded text: heading, text and special tokens.
        target_tokens: length of text aimed at, heading apart.
        overlap_tokens: text shared by neighbours at most.

    Raises:
        InputError: the lengths contradict each other.
    """

    max_tokens: int = 256
    target_tokens: int = 230
    overlap_tokens: int = 40

    def __post_init__(self) -> None:
        longest = self.max_tokens - SPECIAL_TOKENS
        _check_range("target_tokens", self.target_tokens, low=MIN_TOKENS, high=longest)
        _check_range("overlap_tokens", self.overlap_tokens, low=0, high=self.target_tokens // 2)

    @property
    def max_heading_tokens(self) -> int:
        """Longest heading: a quarter of the whole."""
        return self.max_tokens // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLengths:
    """How long the chunks of one document are, where it is not as the collection says.

    Attributes:
        max_tokens: of a chunk with its heading, special tokens apart.
        overlap_tokens: that neighbours share at most.
    """

    max_tokens: int
    overlap_tokens: int


def limit_chunks(collection: ChunkerConfig, lengths: ChunkLengths | None) -> ChunkerConfig:
    """Return how long a document's chunks are: as the collection says, unless it has lengths of its own.

    Raises:
        InputError: the embedder does not read so much, or the lengths contradict each other.
    """
    if lengths is None:
        return collection
    _check_range(
        "max_tokens", lengths.max_tokens, low=MIN_TOKENS, high=collection.max_tokens - SPECIAL_TOKENS
    )
    return ChunkerConfig(
        max_tokens=lengths.max_tokens + SPECIAL_TOKENS,
        target_tokens=lengths.max_tokens,
        overlap_tokens=lengths.overlap_tokens,
    )


def make_chunker_identity(config: ChunkerConfig, *, tokenizer: str) -> ChunkerIdentity:
    """Return what a collection's spec records; `tokenizer` is the SHA-256 of the tokenizer's file."""
    return ChunkerIdentity(
        tokenizer=tokenizer,
        max_tokens=config.max_tokens,
        target_tokens=config.target_tokens,
        overlap_tokens=config.overlap_tokens,
        rules=RULES,
    )


def _check_range(name: str, value: int, *, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InputError(detail=f"{name} is {value}; expected {low} to {high}")
