"""A question that is to be answered with citations, as a client asks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Unpack

from eagleray.client.choices import read_count, read_text
from eagleray.client.questions import DEFAULTS, Question, SearchArguments, make_question
from eagleray.contracts.cited_answers import DEFAULT_PIPELINE, N_PASSAGES, AskRequest
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import Granularity
from eagleray.contracts.principals import Principal


class AskArguments(SearchArguments, total=False):
    """What a call that asks for an answer may say besides its question.

    Attributes:
        k: passages that are read.
        granularity: what is read: `chunk`, or the best one of each `document`.
        pipeline: name of what answers; empty for that of the place that is asked.
        max_citations: that the answer may have.
    """

    pipeline: str
    max_citations: int


ASK_DEFAULTS: Final[Mapping[str, Any]] = {
    **DEFAULTS,
    "k": N_PASSAGES,
    "granularity": str(Granularity.CHUNK),
    "pipeline": DEFAULT_PIPELINE,
    "max_citations": AskRequest.__dataclass_fields__["max_citations"].default,
}
"""Argument -> what it is where it is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedQuestion:
    """One question to a pipeline, before its filter is read.

    Attributes:
        question: what is searched for.
        pipeline: name of what answers; empty for that of the place that is asked.
        max_citations: that the answer may have.
    """

    question: Question
    pipeline: str
    max_citations: int

    def to_request(
        self, *, parse_filter: Callable[[str], FilterExpression], principal: Principal
    ) -> AskRequest:
        """Return the question as a pipeline in this process takes it.

        Raises:
            FilterError: the filter cannot be read.
        """
        search = self.question.to_request(parse_filter=parse_filter, principal=principal)
        return AskRequest(search=search, pipeline=self.pipeline, max_citations=self.max_citations)

    def show(self) -> dict[str, Any]:
        """Return the question's members as values that `write_json` takes."""
        shown = self.question.show()
        asked = {"question": shown.pop("query"), "snapshot": self.question.snapshot}
        del shown["like"]
        return {**shown, **asked, "pipeline": self.pipeline, "max_citations": self.max_citations}


def make_cited_question(
    question: str, *, snapshot: str = "", **arguments: Unpack[AskArguments]
) -> CitedQuestion:
    """Return the question that a call's arguments make.

    Raises:
        QueryError: a value is none of those that its argument has.
        InvalidTimeError: `as_of` names no instant.
        TypeError: there is no such argument.
    """
    given: dict[str, Any] = {**ASK_DEFAULTS, **arguments}
    pipeline = read_text("pipeline", given.pop("pipeline"))
    max_citations = read_count("max_citations", given.pop("max_citations"))
    return CitedQuestion(
        question=make_question(read_text("question", question), snapshot=snapshot, **given),
        pipeline=pipeline,
        max_citations=max_citations,
    )
