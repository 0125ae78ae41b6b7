"""The models of a server that speaks OpenAI's chat completions, by its URL."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import httpx

from eagleray.client.endpoints import read_endpoint
from eagleray.client.event_streams import EventReader
from eagleray.contracts.chat_models import ChatPart, ChatRequest
from eagleray.errors import (
    ContextLengthError,
    DeadlineError,
    DisclosureError,
    EagleRayError,
    ModelAnswerError,
    ServerError,
    UnavailableError,
)
from eagleray.setting_groups.language import LanguageModelSettings
from serve.llm.chat_events import ReplyReader, make_body

_RETRY_S: Final = 1.0
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
_TOO_LONG: Final = frozenset({400, 413, 422})
_MAX_REFUSAL_BYTES: Final = 1 << 16
_DONE: Final = "[DONE]"
_CONTEXT: Final = re.compile(rb"context[ _]length", re.IGNORECASE)
"""In what OpenAI and vLLM say of a conversation that is longer than the model reads."""

Result = TypeVar("Result")


def open_chat_model(settings: LanguageModelSettings) -> OpenAiChatModel | None:
    """Return the model that the settings name; `None` where they name no server.

    Raises:
        InputError: its URL or key cannot be used.
    """
    return OpenAiChatModel(settings) if settings.url else None


class OpenAiChatModel:
    """One model of a server, for one event loop.

    Text of collections and zones that the settings forbid is refused before anything is sent. A reply that is
    no longer awaited closes its connection, by which the server knows that it may stop.
    """

    def __init__(
        self, settings: LanguageModelSettings, *, http: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Open nothing yet.

        Args:
            settings: where the model is, and what it may read.
            http: what carries requests in the place of the network.

        Raises:
            InputError: the URL or key cannot be used.
        """
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        endpoint = read_endpoint(settings.url, collection="", api_key=key, allow_http=False)
        self._url, self._model = f"{endpoint.url}/chat/completions", settings.model
        self._forbidden_collections = frozenset(settings.forbidden_collections.split())
        self._forbidden_zones = frozenset(settings.forbidden_zones.split())
        self._client = httpx.AsyncClient(
            transport=http,
            trust_env=not endpoint.is_loopback,
            headers={**endpoint.make_headers(), "accept": "text/event-stream"},
            timeout=None,  # noqa: S113 - every wait ends at the deadline of its reply
        )

    @property
    def name(self) -> str:
        """By which the server knows the model."""
        return self._model

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatPart, None]:
        """Yield the pieces of a reply, then the reply: see `ChatModel`."""
        self._refuse_disclosure(request)
        wait = _Deadline(request.limits.timeout_s)
        reader, events = ReplyReader(request, model=self.name), EventReader(url=self._url)
        async with self._open(request, wait) as response:
            pieces, is_done = response.aiter_bytes(), False
            while not is_done and (piece := await wait.until(anext(pieces, None))) is not None:
                for data in self._list_data(events, piece):
                    is_done = is_done or data == _DONE
                    part = None if is_done else reader.take(data)
                    if part is not None:
                        yield part
        yield reader.finish()

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()

    def _refuse_disclosure(self, request: ChatRequest) -> None:
        if request.collection in self._forbidden_collections:
            raise DisclosureError(model=self.name, what=f"the collection {request.collection!r}")
        for zone in sorted(request.zones & self._forbidden_zones):
            raise DisclosureError(model=self.name, what=f"the zone {zone!r}")

    @asynccontextmanager
    async def _open(self, request: ChatRequest, wait: _Deadline) -> AsyncIterator[httpx.Response]:
        body = json.dumps(make_body(request, model=self.name)).encode()
        call = self._client.build_request("POST", self._url, content=body)
        response = await wait.until(self._client.send(call, stream=True))
        try:
            if response.status_code != 200:
                raise await self._read_refusal(response, wait)
            yield response
        finally:
            await response.aclose()

    def _list_data(self, events: EventReader, piece: bytes) -> list[str]:
        try:
            return [event.data for event in events.feed(piece)]
        except ServerError as error:
            detail = "its stream cannot be read"
            raise ModelAnswerError(model=self.name, detail=detail) from error

    async def _read_refusal(self, response: httpx.Response, wait: _Deadline) -> EagleRayError:
        if response.status_code in _BUSY:
            return UnavailableError(part="language model", retry_after_s=_RETRY_S)
        content, pieces = b"", response.aiter_bytes()
        while len(content) < _MAX_REFUSAL_BYTES and (piece := await wait.until(anext(pieces, None))):
            content += piece
        if response.status_code in _TOO_LONG and _CONTEXT.search(content):
            return ContextLengthError(model=self.name)
        return ModelAnswerError(model=self.name, detail=f"its server answered HTTP {response.status_code}")


class _Deadline:
    """The time until which one reply is waited for; begins when it is made."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s, self._end = timeout_s, asyncio.get_running_loop().time() + timeout_s

    async def until(self, work: Awaitable[Result]) -> Result:
        """Return what is awaited, or raise the error that its failure is."""
        try:
            async with asyncio.timeout_at(self._end):
                return await work
        except TimeoutError as error:
            raise DeadlineError(timeout_s=self._timeout_s) from error
        except httpx.HTTPError as error:
            raise UnavailableError(part="language model", retry_after_s=_RETRY_S) from error
