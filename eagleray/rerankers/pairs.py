"""How a cross-encoder reads pairs, found without loading the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eagleray.models.tokenizing import Tokenize, read_counter, read_tokenizer
from eagleray.rerankers.layout import read_cross_encoder
from eagleray.rerankers.opening import find_cross_encoder
from eagleray.setting_groups.engine import RerankerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReader:
    """What is known of a cross-encoder beside its scores.

    Attributes:
        name: of the model.
        max_tokens: longest pair it reads, special tokens included.
        count: a question and passages in, tokens of each pair out; nothing is cut off.
        tokenize: makes the tokens of one text.
    """

    name: str
    max_tokens: int
    count: Callable[[str, Sequence[str]], list[int]]
    tokenize: Tokenize


def open_pair_reader(settings: RerankerSettings) -> PairReader:
    """Return how the cross-encoder that the settings name reads pairs.

    Raises:
        ModelError: there is no such folder, or it holds no cross-encoder.
        MissingExtraError: a library the model needs is not installed.
    """
    folder = find_cross_encoder(settings)
    layout = read_cross_encoder(folder)
    counter = read_counter(folder / "tokenizer.json")
    return PairReader(
        name=folder.name,
        max_tokens=layout.max_tokens,
        count=counter.count_pairs,
        tokenize=read_tokenizer(folder / "tokenizer.json"),
    )
