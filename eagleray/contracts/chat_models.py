"""Language models that chat: what one is asked, what it streams, and the port.

Whatever a model writes comes from outside: a reply is whole and readable, or an error.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from eagleray.contracts.cited_answers import TokenUsage


class ChatRole(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that a model asks for.

    Attributes:
        call_id: that the message with its result repeats.
        name: of the tool.
        arguments: a JSON object; whether they fit the tool's schema is for the tool to check.
    """

    call_id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message of a conversation.

    Attributes:
        tool_calls: of a message of the assistant.
        call_id: of a tool's message, the call that it answers.
    """

    role: ChatRole
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTool:
    """A tool that a model may ask to be called.

    Attributes:
        description: for the model.
        parameters: JSON schema of its arguments, an object.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLimits:
    """What one reply may take. Attributes: tokens it may have, seconds until its end."""

    max_tokens: int = 512
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What a model is asked.

    Attributes:
        messages: the conversation; at least one.
        collection: that the text in the messages comes from.
        zones: of the documents that the text comes from; a model that may not read one of them refuses.
        tools: that the model may ask to be called.
        schema: JSON schema of an object that the reply must be; `None` for plain text.
        limits: of the reply.
        temperature: 0 for the likeliest reply.
    """

    messages: tuple[ChatMessage, ...]
    collection: str
    zones: frozenset[str]
    tools: tuple[ChatTool, ...] = ()
    schema: Mapping[str, Any] | None = None
    limits: ChatLimits = ChatLimits()
    temperature: float = 0.0


class FinishReason(StrEnum):
    """Why a reply ended: by itself, at its limit of tokens, to have tools called, or withheld."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDelta:
    """The next piece of a reply's text; never empty."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """The end of a stream: the reply, whole.

    Attributes:
        text: the text of all deltas; a JSON object where a schema was given and no tool is to be called.
        tool_calls: whole ones; none of a reply that was cut.
        finish: why it ended.
        usage: tokens read and written; `None` where the server does not tell.
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish: FinishReason
    usage: TokenUsage | None


ChatPart = ChatDelta | ChatReply
"""What a stream gives: pieces of text, in their order, then the whole reply."""


@runtime_checkable
class ChatModel(Protocol):
    """A language model that continues a conversation."""

    @property
    def name(self) -> str:
        """Which model it is."""
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatPart, None]:
        """Yield the pieces of a reply as they come, then the whole reply.

        Closing the iterator (`aclose`), or cancelling the task that awaits it, cancels the reply.

        Raises:
            DisclosureError: the model may not be given text of that collection or zone; nothing was sent.
            ContextLengthError: the conversation is longer than the model reads.
            UnavailableError: the model does not answer now.
            DeadlineError: the reply took longer than its limit.
            ModelAnswerError: what came is no reply, or a half one.
        """
        ...
