"""What requests to score documents carry: three shapes of one thing.

Source: Cohere's API reference, `POST /v2/rerank`; Jina's, `POST /v1/rerank`;
huggingface/text-embeddings-inference, `docs/openapi.json`, `POST /rerank`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from eagleray.contracts.bounds import MAX_QUESTION, MAX_TEXT
from serve.http.body_models import Body, Int, lower_case, show_example

MAX_DOCUMENTS: Final = 1_000
COHERE_MAX_TOKENS: Final = 4_096
"""Tokens of a document that Cohere reads where a request does not say how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankQuestion:
    """A question and the documents to score.

    Attributes:
        query: the question.
        documents: to score, in the order that `index` counts.
        model: name of the reranker; `None` for the one that is served.
        top_n: documents that are wanted; `None` for all.
        may_cut: whether what the model cannot read is cut, not refused.
        max_tokens_each: tokens of a document that are read at most.
    """

    query: str
    documents: list[str]
    model: str | None = None
    top_n: int | None = None
    may_cut: bool = False
    max_tokens_each: int | None = None


_QUERY: Final = "coupon of the 2029 notes"
_DOCUMENTS: Final = ["The 2029 notes pay 4.5%.", "The board met in May."]

Text = Annotated[str, Field(max_length=MAX_TEXT)]
"""May be empty: lists of passages now and then hold one that is, and it is scored like any."""

Query = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]
TopN = Annotated[Int, Field(ge=1)] | None


class TextDocument(Body):
    """A document as an object."""

    text: Text


class CohereRerankBody(Body):
    """Documents to score, as Cohere's clients send them."""

    model_config = show_example(model="ms-marco-MiniLM-L6-v2", query=_QUERY, documents=_DOCUMENTS, top_n=1)

    model: str = Field(max_length=256, description="The served reranker; `GET /v1/models` names it.")
    query: Query
    documents: list[Text] = Field(min_length=1, max_length=MAX_DOCUMENTS)
    top_n: TopN = Field(default=None, description="Documents wanted; all by default.")
    max_tokens_per_doc: Annotated[Int, Field(ge=1)] | None = Field(
        default=None, description=f"Tokens of a document that are read; {COHERE_MAX_TOKENS} by default."
    )
    return_documents: bool | None = Field(default=False, description="Whether the documents come back.")
    priority: Annotated[Int, Field(ge=0, le=999)] | None = Field(
        default=None, description="Accepted; nothing depends on it."
    )

    def to_question(self) -> RerankQuestion:
        """Return what is asked."""
        return RerankQuestion(
            model=self.model,
            query=self.query,
            documents=self.documents,
            top_n=self.top_n,
            may_cut=True,
            max_tokens_each=self.max_tokens_per_doc or COHERE_MAX_TOKENS,
        )


class JinaRerankBody(Body):
    """Documents to score, as Jina's clients send them."""

    model_config = show_example(model="ms-marco-MiniLM-L6-v2", query=_QUERY, documents=_DOCUMENTS, top_n=1)

    model: str = Field(max_length=256, description="The served reranker; `GET /v1/models` names it.")
    query: Query
    documents: list[Text | TextDocument] = Field(min_length=1, max_length=MAX_DOCUMENTS)
    top_n: TopN = Field(default=None, description="Documents wanted; all by default.")
    return_documents: bool | None = Field(default=True, description="Whether the documents come back.")
    truncate: bool | None = Field(default=False, description="Cut what is longer than the model reads.")

    def to_question(self) -> RerankQuestion:
        """Return what is asked."""
        return RerankQuestion(
            model=self.model,
            query=self.query,
            documents=[item if isinstance(item, str) else item.text for item in self.documents],
            top_n=self.top_n,
            may_cut=bool(self.truncate),
        )


class TeiRerankBody(Body):
    """Texts to score, as TEI's clients send them."""

    model_config = show_example(query=_QUERY, texts=_DOCUMENTS)

    query: Query
    texts: list[Text] = Field(min_length=1, max_length=MAX_DOCUMENTS)
    raw_scores: bool | None = Field(default=False, description="The model's logits, not between 0 and 1.")
    return_text: bool | None = Field(default=False, description="Whether the texts come back.")
    truncate: bool | None = Field(default=False, description="Cut what is longer than the model reads.")
    truncation_direction: Annotated[Literal["right"], BeforeValidator(lower_case)] | None = Field(
        default="right", description="The end of a text is cut always."
    )
    top_n: TopN = Field(default=None, description="Texts wanted; TEI has no such field, LiteLLM sends it.")

    def to_question(self) -> RerankQuestion:
        """Return what is asked."""
        return RerankQuestion(
            query=self.query, documents=self.texts, top_n=self.top_n, may_cut=bool(self.truncate)
        )
