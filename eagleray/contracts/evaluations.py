"""Evaluations: which questions are asked, how, and what is to be done with what is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.cited_answers import DEFAULT_PIPELINE, N_CITATIONS, CitedAnswer
from eagleray.contracts.hits import SearchOptions

MAX_LABELLED_QUESTIONS: Final = 100_000
"""Of one file of labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PosedQuestion:
    """A labelled question as it is asked.

    Attributes:
        text: in words.
        as_of: microseconds; `None` for the latest state.
        filter: as it is written; empty for none.
        groups: of the caller.
    """

    text: str
    as_of: int | None = None
    filter: str = ""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerConfiguration:
    """How questions are answered.

    Attributes:
        options: of the search, the same for each question.
        pipeline: name of what answers; empty for that of the place that is asked.
        max_citations: that an answer may have.
        snapshot: alias or id.
    """

    options: SearchOptions
    pipeline: str = DEFAULT_PIPELINE
    max_citations: int = N_CITATIONS
    snapshot: str = "live"


AskConfigured = Callable[[PosedQuestion, AnswerConfiguration], CitedAnswer]
"""Answers a question as a configuration says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """An evaluation that is wanted.

    Attributes:
        labels: path of a file of questions with labels.
        asked: how they are answered.
        compared: how they are answered by what it is compared with; `None` for no such run.
        compared_result: path of the result of an earlier evaluation that it is compared with; empty for none.
        n: questions, the first ones; 0 for all.
        seed: of the samples that intervals are made of.
        requirements: what must hold, such as `strict>=.85`.
        result: path that takes the whole result; empty for none.
        page: path that takes the report as one page; empty for none.
        place: what is asked, as the result names it.
    """

    labels: str
    asked: AnswerConfiguration
    compared: AnswerConfiguration | None = None
    compared_result: str = ""
    n: int = 0
    seed: int = 0
    requirements: tuple[str, ...] = ()
    result: str = ""
    page: str = ""
    place: str = ""
