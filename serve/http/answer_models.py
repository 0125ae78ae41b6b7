"""What answers look like, for the description of the API; the routes make them without these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from eagleray.contracts.hits import Explanation

Document = dict[str, Any]


class SpanAnswer(BaseModel):
    """Characters of a text, code points, the last one exclusive."""

    start: int
    end: int


class SnippetAnswer(BaseModel):
    """What answers best in a hit's text: a sentence, or a row of a table below its header; up to three."""

    text: str = Field(description="What is shown; a row, or the sentences that follow each other, on a line.")
    spans: list[SpanAnswer] = Field(description="Where the lines stand in the hit's text.")
    highlights: list[SpanAnswer] = Field(description="Words of the question in the snippet's text.")


class HitAnswer(BaseModel):
    """One result; times are ISO 8601, `known_to` is `open` for what holds on."""

    chunk_id: str = Field(description="63 bits in decimal: more than a number of JavaScript holds.")
    doc_id: str
    version: str
    score: float = Field(description="Orders the hits unless they were reranked; grows with likeness.")
    dense: float | None = Field(description="Cosine similarity, where that channel took part.")
    lexical: float | None = Field(description="BM25, where that channel took part.")
    reranked: float | None
    relevance: float | None = Field(
        description="0 to 1: how likely the hit answers; orders nothing. None where `like` asked."
    )
    title: str
    heading: str
    text: str
    start: int = Field(description="First character of the chunk in its document.")
    end: int
    page: int | None
    source: str
    zone: str
    groups: list[str]
    event_time: str | None
    known_from: str
    known_to: str
    attributes: dict[str, Any]
    highlights: list[SpanAnswer] = Field(description="Words of the question in `text`; no stop words.")
    snippet: SnippetAnswer


class SearchAnswer(BaseModel):
    """Hits, best first, of one snapshot."""

    snapshot: str = Field(description="Id of the snapshot that answered.")
    relevant: bool | None = Field(
        description="Whether a hit is likely to answer; if not, nothing relevant was found. None with `like`."
    )
    hits: list[HitAnswer]
    explanation: Explanation | None = Field(default=None, description="Where it was asked for.")
    next: str | None = Field(default=None, description="Cursor of the next page, where there may be one.")


class StatementAnswer(BaseModel):
    """A part of an answer."""

    text: str
    citations: list[int] = Field(description="Numbers of what it stands on.")


class CitationAnswer(BaseModel):
    """A sentence, or a row of a table, as a document has it; times are ISO 8601."""

    number: int = Field(description="From 1, in the order in which the answer cites.")
    kind: Literal["sentence", "row"]
    chunk_id: str = Field(description="63 bits in decimal: more than a number of JavaScript holds.")
    doc_id: str
    version: str
    title: str
    heading: str
    text: str
    start: int = Field(description="First character in the document.")
    end: int
    header: list[str] = Field(description="Of a row, the rows that name its columns.")
    section: str = Field(description="Of a row, the row above that names it and its neighbours.")
    scale_note: str = Field(description="What its table says of scale and unit, as it is written there.")
    quotation: str = Field(description="The text, a row below the rows that name it.")
    page: int | None
    source: str
    zone: str
    event_time: str | None
    known_from: str
    relevance: float | None
    attributes: dict[str, Any]


class TokenUsageAnswer(BaseModel):
    """Tokens that a language model read and wrote."""

    n_prompt: int
    n_completion: int


class NoticeAnswer(BaseModel):
    """What a reader of an answer should know of it."""

    kind: Literal["instruction", "replaced", "without_model", "not_found"]
    text: str = Field(description="A sentence.")


class CitedAnswerAnswer(BaseModel):
    """An answer in which every statement cites what it stands on."""

    question: str
    is_answered: bool = Field(description="Whether something was found that answers.")
    text: str = Field(description="The statements, each with the numbers of its citations.")
    statements: list[StatementAnswer]
    citations: list[CitationAnswer]
    pipeline: str
    model: str = Field(description="That wrote; empty where none did.")
    snapshot: str = Field(description="Id of the snapshot that answered.")
    as_of: str | None
    usage: TokenUsageAnswer
    notices: list[NoticeAnswer] = Field(description="What a reader should know of the answer.")
    retrieved: SearchAnswer | None = Field(default=None, description="The search, where it was asked for.")


class WriteAnswer(BaseModel):
    """Documents that are written or closed."""

    snapshot: str = Field(description="Id of the first snapshot that holds them.")
    written: int = Field(description="Documents of the request.")
    removed: int = Field(description="Documents that are closed, or were not there.")
    is_searchable: bool = Field(
        description="Whether every search that begins now finds the change; false where the wait ran out."
    )


class BatchAnswer(BaseModel):
    """An answer to each question, in their order, all of one snapshot."""

    snapshot: str = Field(description="Id of the snapshot that answered.")
    answers: list[SearchAnswer]


class ValueAnswer(BaseModel):
    """One value of a column."""

    value: str | int | float | bool = Field(description="A time is ISO 8601.")
    documents: int = Field(description="Documents that have it, of those the caller may see.")


class FacetsAnswer(BaseModel):
    """The commonest values, ties in the order of the values."""

    snapshot: str = Field(description="Id of the snapshot that answered.")
    values: list[ValueAnswer]


class ChunkAnswer(BaseModel):
    """A chunk of a document."""

    chunk_id: str = Field(description="63 bits in decimal: more than a number of JavaScript holds.")
    heading: str
    text: str
    start: int = Field(description="First character of the chunk in its document.")
    end: int
    page: int | None


class DocumentAnswer(BaseModel):
    """A document by the chunks the caller may see; times as hits have them."""

    snapshot: str = Field(description="Id of the snapshot that answered.")
    doc_id: str
    version: str
    title: str
    source: str
    zone: str
    groups: list[str]
    event_time: str | None
    known_from: str
    known_to: str
    attributes: dict[str, Any]
    chunks: list[ChunkAnswer] = Field(description="In their order; neighbours may overlap.")


class LinksAnswer(BaseModel):
    """Paths on this server."""

    docs: str = Field(description="The description of the API, to read.")
    openapi: str = Field(description="The same for programs.")
    live: str
    ready: str
    collections: str


class LandingAnswer(BaseModel):
    """What this is."""

    name: str
    version: str
    description: str
    links: LinksAnswer


class LiveAnswer(BaseModel):
    """The process answers."""

    status: Literal["live"]


class AliasStateAnswer(BaseModel):
    """Where a collection stands with its alias."""

    name: str = Field(description="Of the collection.")
    snapshot: str = Field(description="Id of the snapshot that answers.")
    wanted: str = Field(description="Where the alias points, as far as it could be read.")
    is_failing: bool = Field(description="Whether taking up the wanted one fails; the log says why.")


class ReadyAnswer(BaseModel):
    """A real question was answered by each collection; the rest is told to callers that have a role."""

    status: Literal["ready"]
    snapshot: str = Field(default="", description="Of the first collection.")
    wanted: str = Field(default="", description="Of the first collection.")
    is_failing: bool = Field(default=False, description="Of the first collection.")
    collections: list[AliasStateAnswer] = Field(default=[], description="Those that the caller may see.")


class EmbeddingAnswer(BaseModel):
    """One vector."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str = Field(description="Numbers, or base64 of little-endian float32.")


class UsageAnswer(BaseModel):
    """Tokens of the model."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(BaseModel):
    """Vectors in the order of the input."""

    object: Literal["list"]
    data: list[EmbeddingAnswer]
    model: str
    usage: UsageAnswer


class ChatMessageAnswer(BaseModel):
    """What is answered."""

    role: Literal["assistant"]
    content: str = Field(description="The statements, each with the numbers of its citations.")
    refusal: None
    annotations: list[Any] = Field(description="Empty: OpenAI's are of web pages.")
    eagleray: dict[str, list[dict[str, Any]]] = Field(description="`annotations`: of each citation.")


class ChatChoiceAnswer(BaseModel):
    """The one answer that is given."""

    index: int
    message: ChatMessageAnswer
    logprobs: None
    finish_reason: Literal["stop"]


class ChatUsageAnswer(BaseModel):
    """Tokens of a language model; none where none wrote."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletionAnswer(BaseModel):
    """An answer with citations, in OpenAI's shape."""

    id: str
    object: Literal["chat.completion"]
    created: int = Field(description="Seconds since the epoch.", json_schema_extra={"format": "unixtime"})
    model: str
    choices: list[ChatChoiceAnswer]
    usage: ChatUsageAnswer
    eagleray: CitedAnswerAnswer


class ResponseUsageAnswer(BaseModel):
    """Tokens of a language model; none where none wrote."""

    input_tokens: int
    input_tokens_details: dict[str, int]
    output_tokens: int
    output_tokens_details: dict[str, int]
    total_tokens: int


class ResponseAnswer(BaseModel):
    """An answer with citations, in the shape of OpenAI's responses."""

    id: str
    object: Literal["response"]
    created_at: int = Field(description="Seconds since the epoch.", json_schema_extra={"format": "unixtime"})
    model: str
    status: Literal["completed"]
    error: None
    incomplete_details: None
    instructions: None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    previous_response_id: str | None
    store: bool = Field(description="Whether it is kept.")
    temperature: None
    tool_choice: Literal["auto"]
    tools: list[dict[str, Any]]
    top_p: None
    output: list[dict[str, Any]] = Field(description="The search, where one was asked for, and the message.")
    usage: ResponseUsageAnswer
    eagleray: CitedAnswerAnswer


class ModelAnswer(BaseModel):
    """A served model."""

    id: str
    object: Literal["model"]
    created: int = Field(description="Seconds since the epoch.", json_schema_extra={"format": "unixtime"})
    owned_by: str
    shutdown_date: str | None = Field(default=None, description="Here null.")
    dimensions: int | None = Field(default=None, description="Of a vector, where the model makes vectors.")
    max_tokens: int | None = Field(default=None, description="Of a text, where the model reads texts.")


class ModelsAnswer(BaseModel):
    """The served models."""

    object: Literal["list"]
    data: list[ModelAnswer]


class ProblemAnswer(BaseModel):
    """Why there is no answer (RFC 9457)."""

    type: str = Field(description="A URN that names the kind of problem.")
    title: str
    status: int
    detail: str = Field(description="What was expected, what came, what to do.")
    request_id: str
    fields: dict[str, Any] | None = Field(default=None, description="The parts that `detail` is made of.")
    faults: list[dict[str, str]] | None = Field(default=None, description="Fields that do not fit.")


class OpenAIErrorMembers(BaseModel):
    """Why there is no answer."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorAnswer(BaseModel):
    """An error in OpenAI's shape."""

    error: OpenAIErrorMembers


def answered(
    model: type[BaseModel], description: str = "The answer.", *, streams: bool = False
) -> dict[int | str, Document]:
    """Return FastAPI's `responses` for an answer that a model describes, and does not check.

    Args:
        model: of the whole answer.
        description: of it.
        streams: whether it may come as server-sent events instead.
    """
    events = (
        {"content": {"text/event-stream": {"schema": {"description": "Server-sent events."}}}}
        if streams
        else {}
    )
    return {200: {"model": model, "description": description, **events}}
