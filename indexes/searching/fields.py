"""Words in the title or heading of a row that count besides those of its body.

A row's lexical score is that of its body and, times its weight, that of each field that was given one.
Each field is scored by BM25 with the statistics of that field among the visible rows.

Source: Robertson, Zaragoza and Taylor, Simple BM25 Extension to Multiple Weighted Fields (2004), section 2:
    the linear combination of field scores. Words of a heading stand in the body, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eagleray.contracts.indexes import TextField
from indexes.lexical.bm25 import Statistics
from indexes.searching.channels import Best, Channel, DoubleVector, LexicalChannel, Rows
from indexes.searching.ranking import Wanted, rank_rows
from indexes.searching.targets import Target
from indexes.searching.weights import Boosts, list_boosts


class WeightedChannel:
    """The lexical scores of several fields, weighted and added."""

    def __init__(self, targets: Sequence[Target], terms: Mapping[str, int], boosts: Boosts) -> None:
        """Take the question.

        Args:
            targets: one a segment.
            terms: see `LexicalChannel`.
            boosts: the fields that count besides the body.
        """
        self._targets = targets
        self._body = LexicalChannel(targets, terms)
        self._channels: list[Channel] = [
            self._body,
            *(LexicalChannel(targets, terms, field=field) for field, _ in boosts),
        ]
        self._weights = (1.0, *(weight for _, weight in boosts))

    @property
    def statistics(self) -> Statistics:
        """What BM25 knows of the visible rows' bodies."""
        return self._body.statistics

    def find(self, n: int) -> Best:
        """Return the `n` best rows; see `Channel`."""
        ranked = rank_rows(self._targets, self._channels, self._add, Wanted(k=n))
        held = [item for item in ranked if item.score > 0.0]
        return Best(
            found=Rows(
                parts=np.array([item.part for item in held], dtype=np.int64),
                rows=np.array([item.row for item in held], dtype=np.int64),
            ),
            greatest=held[0].score if held else 0.0,
            least=held[-1].score if len(held) == n else -np.inf,
        )

    def score(self, rows: Rows) -> DoubleVector:
        """Return the weighted score of each row; see `Channel`."""
        return self._add([channel.score(rows) for channel in self._channels], ())

    def _add(self, scores: Sequence[DoubleVector], _: Sequence[Best]) -> DoubleVector:
        total = np.zeros_like(scores[0])
        for weight, part in zip(self._weights, scores, strict=True):
            total += weight * part
        return total


def open_words(
    targets: Sequence[Target], terms: Mapping[str, int], boosts: Mapping[TextField, float]
) -> LexicalChannel | WeightedChannel:
    """Return the lexical channel of a question: of the bodies alone, or with weighted fields.

    Args:
        targets: one a segment.
        terms: see `LexicalChannel`.
        boosts: weights of fields besides the body; 0 leaves one out.
    """
    counted = list_boosts(boosts)
    return WeightedChannel(targets, terms, counted) if counted else LexicalChannel(targets, terms)
