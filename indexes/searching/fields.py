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
from indexes.searching.local import LocalSource
from indexes.searching.ranking import Wanted, join_rows, rank_rows
from indexes.searching.targets import Target
from indexes.searching.weights import Boosts


class WeightedChannel:
    """The lexical scores of several fields, weighted and added."""

    def __init__(
        self,
        targets: Sequence[Target],
        terms: Mapping[str, int],
        boosts: Boosts,
        *,
        statistics: Sequence[Statistics] | None = None,
    ) -> None:
        """Take the question; see `open_words`."""
        fields = (TextField.BODY, *(field for field, _ in boosts))
        known: Sequence[Statistics | None] = [None] * len(fields) if statistics is None else statistics
        self._channels: list[Channel] = [
            LexicalChannel(targets, terms, field=field, statistics=counted)
            for field, counted in zip(fields, known, strict=True)
        ]
        self._source = LocalSource(targets, self._channels)
        self._weights = (1.0, *(weight for _, weight in boosts))

    def find(self, n: int) -> Best:
        """Return the `n` best rows; see `Channel`."""
        ranked = rank_rows(self._source, self._add, Wanted(k=n))
        held = [item for item in ranked if item.score > 0.0]
        return Best(
            found=join_rows(held),
            greatest=held[0].score if held else 0.0,
            least=held[-1].score if len(held) == n else -np.inf,
        )

    def score(self, rows: Rows) -> DoubleVector:
        """Return the weighted score of each row; see `Channel`."""
        return self._add([channel.score(rows) for channel in self._channels], ())

    def _add(self, scores: Sequence[DoubleVector], _: Sequence[float]) -> DoubleVector:
        total = np.zeros_like(scores[0])
        for weight, part in zip(self._weights, scores, strict=True):
            total += weight * part
        return total


def open_words(
    targets: Sequence[Target],
    terms: Mapping[str, int],
    boosts: Boosts,
    *,
    statistics: Sequence[Statistics] | None = None,
) -> LexicalChannel | WeightedChannel:
    """Return the lexical channel of a question: of the bodies alone, or with weighted fields.

    Args:
        targets: one a segment.
        terms: see `LexicalChannel`.
        boosts: the fields that count besides the body.
        statistics: of all rows the question may find, those of the body first, then of each boosted field;
            `None` where the targets are all.
    """
    if boosts:
        return WeightedChannel(targets, terms, boosts, statistics=statistics)
    return LexicalChannel(targets, terms, statistics=None if statistics is None else statistics[0])
