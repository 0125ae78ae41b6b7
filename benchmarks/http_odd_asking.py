"""Sends odd requests to a served API as bytes, by every kind of caller, and looks at each answer.

No answer may be a failure of the server. One that refuses is short whatever was sent, in JSON, and named; who
is not known is told that alone, on every path that is not for everybody.
"""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import requests

from benchmarks.http_fuzzing import MOST_TOLD, FuzzReport
from benchmarks.http_oddities import OddRequest, OddRequests

UNKNOWN: Final = frozenset({"wrong", "nobody"})
_TIMEOUT_S: Final = 60
_MAX_REFUSAL: Final = 8_000
"""Bytes of an answer that refuses."""


def ask_odd(
    url: str,
    report: FuzzReport,
    *,
    credentials: Mapping[str, str],
    known: Mapping[str, Sequence[str]],
    n: int,
    seed: int,
) -> None:
    """Ask a server so many odd questions, and add what came back to a report; see `http_fuzzing.fuzz`."""
    drawn = random.Random(seed)  # noqa: S311 - draws requests, not secrets
    description = requests.get(f"{url}/openapi.json", timeout=_TIMEOUT_S).json()
    odd, address = OddRequests(description, known, drawn), urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT_S)
    callers = [*sorted(credentials), *["everything"] * len(credentials)]
    for _ in range(n):
        request, caller = odd.draw(), drawn.choice(callers)
        fault = _ask(connection, request, caller, credentials[caller], report)
        if fault:
            report.violations += 1
            if len(report.told) < MOST_TOLD:
                asked = f"{request.operation.method} {request.target[:100]} ({request.oddity})"
                report.told.append(f"{caller}: {asked}: {fault}")
    connection.close()


def _ask(
    connection: http.client.HTTPConnection, request: OddRequest, caller: str, shown: str, report: FuzzReport
) -> str:
    """Return what is wrong with the answer, in words."""
    is_known = caller not in UNKNOWN and not request.is_refused
    is_no_http = any(b"\x00" in value for _, value in request.headers)
    try:
        connection.putrequest(request.operation.method, request.target, skip_accept_encoding=True)
        if shown and not any(name == "authorization" for name, _ in request.headers):
            connection.putheader("authorization", f"Bearer {shown}")
        for name, value in request.headers:
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(request.body)))
        connection.endheaders(request.body)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return f"no answer: {type(error).__name__}"
    report.calls += 1
    report.statuses[answer.status] += 1
    report.server_errors += answer.status >= 500
    if is_no_http and answer.status == 400:
        return ""
    if not is_known and not request.operation.is_open and answer.status != 401:
        return f"expected 401, found {answer.status}"
    return _check(answer, body)


def _check(answer: http.client.HTTPResponse, body: bytes) -> str:
    if not answer.getheader("x-request-id"):
        return "no name"
    if answer.status < 400:
        return ""
    if len(body) > _MAX_REFUSAL:
        return f"{len(body)} bytes that refuse"
    try:
        json.loads(body)
    except ValueError:
        return f"{answer.status} without JSON"
    return "" if answer.status < 500 else f"status {answer.status}"
