"""How a request goes over the network: by httpx, blocking and awaiting; nothing is decided here."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx

from eagleray.client.conversation import Call, Failure, FailureKind, Reply
from eagleray.client.endpoints import Endpoint
from eagleray.client.problems import read_problem
from eagleray.errors import DeadlineError, EagleRayError, UnreachableError

_UNANSWERED = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""What breaks a connection; before an answer begins, the request may be sent again."""


class HttpTransport:
    """Sends requests to one endpoint and blocks; safe to share between threads."""

    def __init__(self, endpoint: Endpoint, *, http: httpx.BaseTransport | None = None) -> None:
        """Open nothing yet.

        Args:
            endpoint: where requests go. On loopback no proxy of the environment is used.
            http: what carries them in the place of the network.
        """
        self._url, self._headers = endpoint.collection_url, endpoint.make_headers()
        self._client = httpx.Client(transport=http, trust_env=not endpoint.is_loopback)

    def send(self, call: Call) -> Reply | Failure:
        """Return what came back; each wait for the network ends when the time is over."""
        deadline, has_begun = time.monotonic() + call.timeout_s, False
        try:
            with self._client.stream(
                call.method,
                self._url + call.path,
                content=call.body or None,
                headers={**self._headers, **call.headers},
                timeout=call.timeout_s,
            ) as response:
                has_begun, content = True, bytearray()
                for piece in response.iter_bytes():
                    content += piece
                    if time.monotonic() > deadline:
                        return Failure(kind=FailureKind.TIMED_OUT, detail="the answer came too slowly")
                return _make_reply(response, bytes(content))
        except httpx.HTTPError as error:
            return _make_failure(error, has_begun=has_begun)

    @contextmanager
    def stream(self, call: Call) -> Iterator[Iterator[bytes]]:
        """Give what comes back piece by piece; each wait for the network ends when the time is over.

        Raises:
            EagleRayError: the server refuses, or nothing answers.
        """
        try:
            with self._client.stream(
                call.method,
                self._url + call.path,
                content=call.body or None,
                headers={**self._headers, **call.headers},
                timeout=call.timeout_s,
            ) as response:
                if response.status_code != 200:
                    raise read_problem(response.status_code, response.read(), url=self._url)
                yield response.iter_bytes()
        except httpx.HTTPError as error:
            raise _make_error(error, call, url=self._url) from error

    def close(self) -> None:
        """End the connections."""
        self._client.close()


class AsyncHttpTransport:
    """Sends requests to one endpoint and awaits, under asyncio."""

    def __init__(self, endpoint: Endpoint, *, http: httpx.AsyncBaseTransport | None = None) -> None:
        """Open nothing yet; arguments as of `HttpTransport`."""
        self._url, self._headers = endpoint.collection_url, endpoint.make_headers()
        self._client = httpx.AsyncClient(transport=http, trust_env=not endpoint.is_loopback)

    async def send(self, call: Call) -> Reply | Failure:
        """Return what came back, within the time that is left."""
        has_begun = False
        try:
            async with (
                asyncio.timeout(call.timeout_s),
                self._client.stream(
                    call.method,
                    self._url + call.path,
                    content=call.body or None,
                    headers={**self._headers, **call.headers},
                    timeout=call.timeout_s,
                ) as response,
            ):
                has_begun = True
                return _make_reply(response, await response.aread())
        except TimeoutError:
            return Failure(kind=FailureKind.TIMED_OUT, detail="the time is over")
        except httpx.HTTPError as error:
            return _make_failure(error, has_begun=has_begun)

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give what comes back piece by piece; see `HttpTransport.stream`."""
        try:
            async with self._client.stream(
                call.method,
                self._url + call.path,
                content=call.body or None,
                headers={**self._headers, **call.headers},
                timeout=call.timeout_s,
            ) as response:
                if response.status_code != 200:
                    raise read_problem(response.status_code, await response.aread(), url=self._url)
                yield response.aiter_bytes()
        except httpx.HTTPError as error:
            raise _make_error(error, call, url=self._url) from error

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()


def _make_reply(response: httpx.Response, content: bytes) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(status=response.status_code, headers=headers, content=content)


def _make_error(error: httpx.HTTPError, call: Call, *, url: str) -> EagleRayError:
    if isinstance(error, httpx.TimeoutException):
        return DeadlineError(timeout_s=call.timeout_s)
    return UnreachableError(url=url, detail=str(error) or type(error).__name__)


def _make_failure(error: httpx.HTTPError, *, has_begun: bool) -> Failure:
    detail = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return Failure(kind=FailureKind.TIMED_OUT, detail=detail)
    may_retry = isinstance(error, _UNANSWERED) and not has_begun and not _is_distrust(error)
    return Failure(kind=FailureKind.UNANSWERED if may_retry else FailureKind.BROKEN, detail=detail)


def _is_distrust(error: BaseException | None) -> bool:
    """Whether a certificate is not trusted: trying again does not help."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
