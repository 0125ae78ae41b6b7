"""What scored documents look like in Cohere's and Jina's shapes, for the description of the API."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from serve.http.answer_models import UsageAnswer


class RelevanceAnswer(BaseModel):
    """One document, which may come back."""

    index: int = Field(description="Its place in the request.")
    relevance_score: float = Field(description="Between 0 and 1; grows with relevance.")
    document: dict[str, str] | None = None


class CohereRerankAnswer(BaseModel):
    """Documents, the best first."""

    id: str = Field(description="Name of the request.")
    results: list[RelevanceAnswer]
    meta: dict[str, Any]


class JinaRerankAnswer(BaseModel):
    """Documents, the best first."""

    model: str
    object: Literal["list"]
    usage: UsageAnswer
    results: list[RelevanceAnswer]


class CohereErrorAnswer(BaseModel):
    """An error in Cohere's shape."""

    message: str
