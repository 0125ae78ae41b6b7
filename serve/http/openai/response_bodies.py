"""What a request for a response carries: its last message is the question.

Source: OpenAI's API reference, `POST /v1/responses`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from eagleray.contracts.bounds import MAX_NAME, MAX_QUESTION
from eagleray.contracts.cited_answers import MAX_CITATIONS, N_PASSAGES, AskRequest
from eagleray.contracts.hits import Granularity, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import InputError
from serve.http.body_models import Absent, Body, Int, describe_optional, show_example
from serve.http.native.search_bodies import Answered, Explained, Filtered
from serve.http.openai.chat_bodies import MAX_MESSAGES, MAX_TOOLS, Content, FunctionBody
from serve.http.openai.upload_bodies import Metadata

_ACCEPTED: Final = "Accepted; nothing depends on it."
_IDLE: Final[tuple[Any, ...]] = (None, [], {}, False, "auto", "disabled", {"format": {"type": "text"}})
"""Values that ask for nothing."""


class InputMessageBody(Body):
    """A message of the conversation."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: Content
    id: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(_ACCEPTED)
    status: Annotated[str, Field(max_length=64)] | Absent = describe_optional(_ACCEPTED)


class FileSearchBody(Body):
    """Where the answer is looked for."""

    type: Literal["file_search"]
    vector_store_ids: list[Annotated[str, Field(max_length=MAX_NAME)]] = Field(
        min_length=1, max_length=1, description="A vector store of the caller, or the name of a collection."
    )
    max_num_results: Int = Field(default=N_PASSAGES, ge=1, le=50, description="Passages that are read.")


class FunctionToolBody(FunctionBody):
    """A function of the caller; nothing here calls it."""

    type: Literal["function"]


AnyToolBody = Annotated[FileSearchBody | FunctionToolBody, Field(discriminator="type")]


class ResponseBody(Filtered, Answered, Explained):
    """A conversation whose last message is answered with citations."""

    model_config = show_example(
        model="extractive",
        input="What were fixed price sales in 2018?",
        tools=[{"type": "file_search", "vector_store_ids": ["sample"]}],
    )

    model: str = Field(max_length=MAX_NAME, description="A pipeline; `GET /v1/models` names them.")
    input: (
        Annotated[str, Field(max_length=MAX_QUESTION)]
        | Annotated[list[InputMessageBody], Field(min_length=1, max_length=MAX_MESSAGES, fail_fast=True)]
    ) = Field(description="The question, or messages of which the last one is the user's, and the question.")
    tools: Annotated[list[AnyToolBody], Field(max_length=MAX_TOOLS, fail_fast=True)] = Field(
        default=[],
        description="`file_search`, once at most; without it the server's default collection is asked. "
        "Functions of the caller are accepted, and not called.",
    )
    stream: bool = Field(default=False, description="Give the answer in events, as each part is certain.")
    max_citations: Int = Field(default=3, ge=1, le=MAX_CITATIONS, description="Citations at most.")
    instructions: Annotated[str, Field(max_length=MAX_QUESTION)] | Absent = describe_optional(_ACCEPTED)
    store: bool = Field(default=True, description="Keep the response, for some time, for its caller alone.")
    previous_response_id: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(
        "A response of the caller that is continued: `as_of` and `snapshot` are those of it; `filter` and "
        "`tools`, too, where none are given."
    )
    metadata: Metadata | Absent = describe_optional("Kept with the response, and given back.")
    temperature: float | Absent = describe_optional(_ACCEPTED)
    top_p: float | Absent = describe_optional(_ACCEPTED)
    max_output_tokens: int | Absent = describe_optional(_ACCEPTED)
    max_tool_calls: int | Absent = describe_optional(_ACCEPTED)
    parallel_tool_calls: bool | Absent = describe_optional(_ACCEPTED)
    user: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(_ACCEPTED)
    reasoning: dict[str, Any] | Absent = describe_optional(_ACCEPTED)
    service_tier: Annotated[str, Field(max_length=64)] | Absent = describe_optional(_ACCEPTED)
    safety_identifier: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(_ACCEPTED)
    prompt_cache_key: Annotated[str, Field(max_length=MAX_NAME)] | Absent = describe_optional(_ACCEPTED)
    tool_choice: Any = describe_optional("Refused unless `auto`.")
    text: Any = describe_optional("Refused unless it asks for text.")
    include: Any = describe_optional("Refused unless empty.")
    conversation: Any = describe_optional("Refused; `previous_response_id` continues a response.")
    background: Any = describe_optional("Refused unless false.")
    prompt: Any = describe_optional("Refused.")
    truncation: Any = describe_optional("Refused unless `disabled` or `auto`.")
    top_logprobs: Any = describe_optional("Refused.")

    @model_validator(mode="after")
    def _check_last(self) -> Self:
        if not isinstance(self.input, str) and self.input[-1].role != "user":
            raise ValueError("the last message is the question; expected one of the user")
        if sum(isinstance(tool, FileSearchBody) for tool in self.tools) > 1:
            raise ValueError("tools: expected file_search once at most")
        return self

    @property
    def file_search(self) -> FileSearchBody | None:
        """Where the answer is looked for; `None` for the server's default collection."""
        return next((tool for tool in self.tools if isinstance(tool, FileSearchBody)), None)

    @property
    def place(self) -> str:
        """The vector store or collection that is asked; empty for the server's default collection."""
        return self.file_search.vector_store_ids[0] if self.file_search else ""

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
            query=self.input if isinstance(self.input, str) else self.input[-1].content,
            k=self.file_search.max_num_results if self.file_search else N_PASSAGES,
            granularity=Granularity.CHUNK,
            as_of=self.read_as_of(),
            filter=self.read_filter(),
            principal=principal,
        )
        return AskRequest(search=search, pipeline=self.model, max_citations=self.max_citations)


_UNSERVED: Final = (
    "tool_choice",
    "text",
    "include",
    "conversation",
    "background",
    "prompt",
    "truncation",
    "top_logprobs",
)
