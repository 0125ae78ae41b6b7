"""What a request for an answer with citations carries."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from pydantic import Field

from eagleray.contracts.bounds import MAX_NAME, MAX_QUESTION
from eagleray.contracts.cited_answers import DEFAULT_PIPELINE, MAX_CITATIONS, N_PASSAGES, AskRequest
from eagleray.contracts.hits import Granularity, SearchOptions, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import pick_options
from serve.http.body_models import Int, show_example, with_fields_of
from serve.http.native.search_bodies import Answered, Explained, Filtered, RankingBody, read_body_options

MAX_PASSAGES: Final = 100
"""That are read for one answer."""


@with_fields_of(SearchOptions, ranking=RankingBody)
class _SearchedBody(Filtered, Answered, Explained):
    """How passages are searched for."""


class AskBody(_SearchedBody):
    """A question that is answered with citations."""

    model_config = show_example(question="What were fixed price sales in 2018?", as_of="2020-06-30")

    named_elsewhere = MappingProxyType({"query": "question"})

    question: str = Field(max_length=MAX_QUESTION, description="In words.")
    k: Int = Field(default=N_PASSAGES, ge=1, le=MAX_PASSAGES, description="Passages that are read.")
    granularity: Granularity = Field(
        default=Granularity.CHUNK, description="What is read: chunks, or the best one of each document."
    )
    pipeline: str = Field(
        default=DEFAULT_PIPELINE,
        max_length=MAX_NAME,
        description="What answers; empty for what reads with a model where one is set, else extractive.",
    )
    max_citations: Int = Field(default=3, ge=1, le=MAX_CITATIONS, description="Citations at most.")
    stream: bool = Field(
        default=False, description="Give statements as server-sent events as soon as each is certain."
    )

    def to_request(self, principal: Principal) -> AskRequest:
        """Return the question as a pipeline takes it.

        Raises:
            InvalidTimeError: `as_of` names no instant.
            FilterError: the filter cannot be read.
        """
        options = read_body_options(self)
        search = SearchRequest(
            query=self.question,
            as_of=self.read_as_of(),
            filter=self.read_filter(),
            principal=principal,
            **pick_options(options),
        )
        return AskRequest(search=search, pipeline=self.pipeline, max_citations=self.max_citations)
