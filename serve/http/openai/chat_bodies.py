"""What a request for a chat completion carries: its last message is the question.

Source: OpenAI's API reference, `POST /v1/chat/completions`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, FailFast, Field, WithJsonSchema, model_validator

from eagleray.contracts.bounds import MAX_NAME, MAX_QUESTION
from eagleray.contracts.cited_answers import MAX_CITATIONS, N_PASSAGES, AskRequest
from eagleray.contracts.hits import Granularity, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import InputError
from serve.http.body_models import Absent, Body, Int, describe_optional, show_example
from serve.http.native.search_bodies import Answered, Explained, Filtered

MAX_MESSAGES: Final = 256
MAX_PARTS: Final = 64
"""Of one message."""

MAX_TOOLS: Final = 128
"""That one request may bring."""

_ACCEPTED: Final = "Accepted; nothing depends on it."
_IDLE: Final[tuple[Any, ...]] = (None, [], {}, "none", "auto", False, ["text"], {"type": "text"})
"""Values that ask for nothing."""


_TEXTS: Final = ("text", "input_text", "output_text")


def _join_parts(value: object) -> object:
    """Return the text of a message that comes in parts; refuse other parts with one sentence."""
    if not isinstance(value, list):
        return value
    if len(value) > MAX_PARTS:
        raise ValueError(f"expected at most {MAX_PARTS} parts, found {len(value)}")
    texts = [part.get("text") for part in value if isinstance(part, dict) and part.get("type") in _TEXTS]
    if len(texts) < len(value) or not all(isinstance(text, str) for text in texts):
        raise ValueError('expected text, or parts such as {"type": "text", "text": "..."}')
    return "".join(map(str, texts))


_PART: Final = {
    "type": "object",
    "properties": {"type": {"enum": list(_TEXTS)}, "text": {"type": "string", "maxLength": MAX_QUESTION}},
    "required": ["type", "text"],
}
Content = Annotated[
    str,
    BeforeValidator(_join_parts),
    Field(max_length=MAX_QUESTION),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": MAX_QUESTION},
                {"type": "array", "items": _PART, "maxItems": MAX_PARTS},
            ]
        }
    ),
]
"""The text of a message, or its parts."""


class FunctionBody(Body):
    """A function of the caller; nothing here calls it."""

    name: str = Field(max_length=MAX_NAME)
    description: Annotated[str, Field(max_length=MAX_QUESTION)] | Absent = describe_optional(_ACCEPTED)
    parameters: dict[str, Any] | Absent = describe_optional(_ACCEPTED)
    strict: bool | Absent = describe_optional(_ACCEPTED)


class ToolBody(Body):
    """A tool of the caller."""

    type: Literal["function"]
    function: FunctionBody


class ChatMessageBody(Body):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content = ""
    name: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(_ACCEPTED)
    refusal: Annotated[str, Field(max_length=MAX_QUESTION)] | Absent = describe_optional(_ACCEPTED)
    annotations: Annotated[list[Any], Field(max_length=MAX_CITATIONS)] | Absent = describe_optional(_ACCEPTED)
    tool_call_id: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(_ACCEPTED)
    tool_calls: Annotated[list[Any], Field(max_length=MAX_TOOLS)] | Absent = describe_optional(_ACCEPTED)


class StreamOptions(Body):
    """What a stream tells besides."""

    include_usage: bool = False
    include_obfuscation: bool | Absent = describe_optional(_ACCEPTED)


class ChatBody(Filtered, Answered, Explained):
    """A conversation whose last message is answered with citations."""

    model_config = show_example(
        model="extractive", messages=[{"role": "user", "content": "What were fixed price sales in 2018?"}]
    )

    model: str = Field(max_length=MAX_NAME, description="A pipeline; `GET /v1/models` names them.")
    messages: Annotated[list[ChatMessageBody], FailFast()] = Field(
        min_length=1, max_length=MAX_MESSAGES, description="The last one is the user's, and the question."
    )
    stream: bool = Field(default=False, description="Give the answer in chunks, as each part is certain.")
    stream_options: StreamOptions | Absent = describe_optional("What a stream tells besides.")
    collection: str = Field(
        default="", max_length=MAX_NAME, description="That is asked; the server's default one if empty."
    )
    k: Int = Field(default=N_PASSAGES, ge=1, le=100, description="Passages that are read.")
    max_citations: Int = Field(default=3, ge=1, le=MAX_CITATIONS, description="Citations at most.")
    n: Int = Field(default=1, ge=1, le=1, description="One answer is given.")
    temperature: float | Absent = describe_optional(_ACCEPTED)
    top_p: float | Absent = describe_optional(_ACCEPTED)
    presence_penalty: float | Absent = describe_optional(_ACCEPTED)
    frequency_penalty: float | Absent = describe_optional(_ACCEPTED)
    seed: int | Absent = describe_optional(_ACCEPTED)
    max_tokens: int | Absent = describe_optional(_ACCEPTED)
    max_completion_tokens: int | Absent = describe_optional(_ACCEPTED)
    user: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(_ACCEPTED)
    store: bool | Absent = describe_optional(_ACCEPTED)
    metadata: dict[str, Any] | Absent = describe_optional(_ACCEPTED)
    service_tier: Annotated[str, Field(max_length=64)] | Absent = describe_optional(_ACCEPTED)
    safety_identifier: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(_ACCEPTED)
    prompt_cache_key: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(_ACCEPTED)
    reasoning_effort: Annotated[str, Field(max_length=64)] | Absent = describe_optional(_ACCEPTED)
    verbosity: Annotated[str, Field(max_length=64)] | Absent = describe_optional(_ACCEPTED)
    parallel_tool_calls: bool | Absent = describe_optional(_ACCEPTED)
    tools: Annotated[list[ToolBody], Field(max_length=MAX_TOOLS, fail_fast=True)] | Absent = (
        describe_optional("Functions of the caller; a pipeline answers from the collection, and calls none.")
    )
    tool_choice: Any = describe_optional("Refused unless `none` or `auto`.")
    functions: Any = describe_optional("Refused unless empty.")
    function_call: Any = describe_optional("Refused unless `none` or `auto`.")
    response_format: Any = describe_optional("Refused unless it asks for text.")
    logprobs: Any = describe_optional("Refused unless false: statements have no token probabilities.")
    top_logprobs: Any = describe_optional("Refused.")
    logit_bias: Any = describe_optional("Refused unless empty.")
    stop: Any = describe_optional("Refused: a statement is given whole or not at all.")
    modalities: Any = describe_optional("Refused unless text.")
    audio: Any = describe_optional("Refused.")
    web_search_options: Any = describe_optional("Refused: no pipeline reaches a network.")

    @model_validator(mode="after")
    def _check_last(self) -> Self:
        if self.messages[-1].role != "user":
            raise ValueError("the last message is the question; expected one of the user")
        return self

    def check_unserved(self) -> None:
        """Refuse what would change the answer, and nothing here does.

        Raises:
            InputError: names the first such field.
        """
        for name in _UNSERVED:
            if getattr(self, name) not in _IDLE:
                raise InputError(detail=f"{name} is not served here; leave it out", param=name)

    def to_request(self, principal: Principal) -> AskRequest:
        """Return the question as a pipeline takes it.

        Raises:
            InvalidTimeError: `as_of` names no instant.
            FilterError: the filter cannot be read.
        """
        search = SearchRequest(
            query=self.messages[-1].content,
            k=self.k,
            granularity=Granularity.CHUNK,
            as_of=self.read_as_of(),
            filter=self.read_filter(),
            principal=principal,
        )
        return AskRequest(search=search, pipeline=self.model, max_citations=self.max_citations)


_UNSERVED: Final = (
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "stop",
    "modalities",
    "audio",
    "web_search_options",
)
