"""Measures over many judged answers, each a ratio of two sums, with intervals by the bootstrap.

Questions are drawn with replacement, the same ones for every measure and for both sides of a comparison; the
seed decides which, so the same judgements give the same intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from serve.evaluation.judging import AnswerJudgement, RetrievalJudgement

N_DRAWS: Final = 1_000
"""Samples of questions that intervals are made of."""

_LEVEL: Final = (0.025, 0.975)
_DIGITS: Final = 4

Sums = npt.NDArray[np.float64]
"""float64 [n, 2 x measures]: what is added up for the numerators, then for the denominators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A ratio of two sums over questions.

    Attributes:
        name: in reports and requirements.
        title: for people.
        read: what one answer adds to the two sums; `None` where it says nothing of this.
        is_count: whether the value is the first sum itself.
        is_better_low: whether less is better.
    """

    name: str
    title: str
    read: Callable[[AnswerJudgement], tuple[float, float] | None]
    is_count: bool = False
    is_better_low: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A measure of some questions.

    Attributes:
        value: over all of them; `None` where no question has the label for it.
        low: end of the interval that has the value of 95 % of the samples.
        high: its other end.
        n: questions that say something of it.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """How a measure differs between two runs over the same questions.

    Attributes:
        before: its value in the run that is compared with.
        after: in the other one.
        delta: after less before.
        low: end of the interval that has the difference of 95 % of the samples.
        high: its other end.
        p: how often samples have no difference, or one of the other sign, both ways.
        n: questions that say something of it in both runs.
    """

    before: float | None
    after: float | None
    delta: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out that there is no difference."""
        return self.low is not None and self.high is not None and not self.low <= 0.0 <= self.high


def _share(value: bool | None) -> tuple[float, float] | None:
    return None if value is None else (float(value), 1.0)


def _of_search(
    read: Callable[[RetrievalJudgement], float],
) -> Callable[[AnswerJudgement], tuple[float, float] | None]:
    return lambda item: None if item.retrieval is None else (read(item.retrieval), 1.0)


MEASURES: Final[Mapping[str, Measure]] = {
    measure.name: measure
    for measure in (
        Measure(name="recall", title="Recall@k", read=_of_search(lambda found: found.recall)),
        Measure(name="mrr", title="MRR@k", read=_of_search(lambda found: found.reciprocal_rank)),
        Measure(name="ndcg", title="nDCG@k", read=_of_search(lambda found: found.ndcg)),
        Measure(
            name="strict", title="Answer held by the citations", read=lambda item: _share(item.is_strict)
        ),
        Measure(name="passage", title="Judged document cited", read=lambda item: _share(item.is_passage)),
        Measure(name="exact_match", title="Exact match", read=lambda item: _share(item.is_exact)),
        Measure(name="numeric_match", title="Numeric match", read=lambda item: _share(item.is_matched)),
        Measure(
            name="citation_precision",
            title="Citation precision",
            read=lambda item: (item.n_supporting, item.n_cited) if item.n_cited else None,
        ),
        Measure(
            name="citation_recall",
            title="Citation recall",
            read=lambda item: (item.n_judged_cited, item.n_judged) if item.n_judged else None,
        ),
        Measure(
            name="judged_citations",
            title="Citations of judged documents",
            read=lambda item: (
                (item.n_judged_citations, item.n_citations) if item.n_judged and item.n_citations else None
            ),
        ),
        Measure(name="coverage", title="Coverage", read=lambda item: _share(item.is_answered)),
        Measure(
            name="unsupported_sentences",
            title="Unsupported sentences",
            read=lambda item: (item.n_unsupported, 1.0),
            is_count=True,
            is_better_low=True,
        ),
        Measure(
            name="tokens",
            title="Tokens for each question",
            read=lambda item: (item.n_tokens, 1.0),
            is_better_low=True,
        ),
    )
}
"""Every measure by its name, in the order of reports."""


def add_up(judgements: Sequence[AnswerJudgement]) -> Sums:
    """Return what each answer adds to the sums of each measure."""
    read = [[measure.read(item) or (0.0, 0.0) for measure in MEASURES.values()] for item in judgements]
    table = np.asarray(read, dtype=np.float64).reshape(len(judgements), len(MEASURES), 2)
    return np.concatenate([table[:, :, 0], table[:, :, 1]], axis=1)


def draw_sums(sums: Sequence[Sums], *, seed: int) -> list[Sums]:
    """Return the sums of samples of the questions: the same questions for each table.

    Args:
        sums: tables over the same questions, in the same order; at least one question.
        seed: decides which questions are drawn.

    Returns:
        For each table, one row for each sample.
    """
    rng, n = np.random.default_rng(seed), len(sums[0])
    drawn = [np.empty((N_DRAWS, table.shape[1])) for table in sums]
    for at in range(N_DRAWS):
        weights = np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64)
        for table, into in zip(sums, drawn, strict=True):
            into[at] = weights @ table
    return drawn


def estimate(judgements: Sequence[AnswerJudgement], *, seed: int) -> dict[str, Estimate]:
    """Return every measure over answers; intervals need at least two questions."""
    if not judgements:
        return {name: Estimate(value=None, low=None, high=None, n=0) for name in MEASURES}
    sums = add_up(judgements)
    values, counts = _divide(sums.sum(axis=0)[None, :])[0], (sums[:, len(MEASURES) :] > 0).sum(axis=0)
    (drawn,) = draw_sums([sums], seed=seed)
    ends = _find_ends(_divide(drawn), is_known=len(judgements) > 1)
    return {
        name: Estimate(value=_round(values[at]), low=_round(low), high=_round(high), n=int(counts[at]))
        for at, (name, (low, high)) in enumerate(zip(MEASURES, ends, strict=True))
    }


def compare_paired(
    before: Sequence[AnswerJudgement], after: Sequence[AnswerJudgement], *, seed: int
) -> dict[str, PairedDifference]:
    """Return how every measure differs over the same questions, in the same order."""
    if not before:
        nothing = PairedDifference(before=None, after=None, delta=None, low=None, high=None, p=None, n=0)
        return dict.fromkeys(MEASURES, nothing)
    tables = [add_up(before), add_up(after)]
    both = (tables[0][:, len(MEASURES) :] > 0) & (tables[1][:, len(MEASURES) :] > 0)
    values = [_divide(table.sum(axis=0)[None, :])[0] for table in tables]
    drawn = [_divide(table) for table in draw_sums(tables, seed=seed)]
    differences = drawn[1] - drawn[0]
    ends = _find_ends(differences, is_known=len(before) > 1)
    return {
        name: PairedDifference(
            before=_round(values[0][at]),
            after=_round(values[1][at]),
            delta=_round(values[1][at] - values[0][at]),
            low=_round(ends[at][0]),
            high=_round(ends[at][1]),
            p=_find_p(differences[:, at]),
            n=int(both[:, at].sum()),
        )
        for at, name in enumerate(MEASURES)
    }


def _divide(sums: Sums) -> Sums:
    """Return the values of measures: float64 [n, measures], NaN where a denominator is 0."""
    above, below = sums[:, : len(MEASURES)], sums[:, len(MEASURES) :]
    values = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
    counted = [at for at, measure in enumerate(MEASURES.values()) if measure.is_count]
    values[:, counted] = above[:, counted]
    return values


def _find_ends(drawn: Sums, *, is_known: bool) -> list[tuple[float, float]]:
    """Return the ends of the interval of each measure; samples without a value are left out."""
    ends = []
    for column in drawn.T:
        kept = column[~np.isnan(column)] if is_known else column[:0]
        low, high = np.quantile(kept, _LEVEL) if len(kept) else (np.nan, np.nan)
        ends.append((float(low), float(high)))
    return ends


def _find_p(differences: Sums) -> float | None:
    kept = differences[~np.isnan(differences)]
    if not len(kept):
        return None
    less, more = ((kept <= 0).mean(), (kept >= 0).mean())
    return round(float(min(1.0, 2 * min(less, more))), _DIGITS)


def _round(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), _DIGITS)
