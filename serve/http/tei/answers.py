"""What answers of TEI's routes look like, for the description of the API."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, RootModel

VectorsAnswer = RootModel[list[list[float]]]


class TokenAnswer(BaseModel):
    """One token; a special one stands at no place of the text."""

    id: int
    text: str
    special: bool
    start: int | None = Field(description="First character.")
    stop: int | None = Field(description="The character behind the last.")


TokensAnswer = RootModel[list[list[TokenAnswer]]]


class RankAnswer(BaseModel):
    """A text's place in the request, and its score."""

    index: int
    score: float
    text: str | None = None


RanksAnswer = RootModel[list[RankAnswer]]


class InfoAnswer(BaseModel):
    """The embedder and its limits."""

    model_id: str
    model_sha: str | None
    model_dtype: str
    model_type: dict[str, dict[str, str]]
    max_concurrent_requests: int = Field(description="Texts that may wait.")
    max_input_length: int = Field(description="Tokens of one text.")
    max_batch_tokens: int
    max_batch_requests: int | None
    max_client_batch_size: int
    auto_truncate: Literal[False]
    tokenization_workers: int
    version: str
    sha: str | None
    docker_label: str | None


class TeiErrorAnswer(BaseModel):
    """An error in TEI's shape."""

    error: str
    error_type: Literal["Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty"]
