"""Errors over HTTP: one status an error type, nothing of what the caller may not see.

Below `/v1/` they have OpenAI's shape (`openai_errors`), below `/v2/` Cohere's, on TEI's paths TEI's;
elsewhere they are problem details.

Source: RFC 9457, Problem Details for HTTP APIs.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from eagleray.contracts.problems import MEDIA_TYPE, name_problem, show_fields, split_words
from eagleray.errors import (
    AuditError,
    AuthenticationError,
    ConflictError,
    DeadlineError,
    DocumentNotFoundError,
    EagleRayError,
    ForbiddenError,
    GateError,
    InputError,
    KeySetError,
    NotPublishedError,
    OverloadedError,
    ParserError,
    QuotaError,
    ReusedKeyError,
    ShardError,
    StoreError,
    UnavailableError,
)
from eagleray.logs import get_logger
from serve.http.errors.body_faults import list_faults
from serve.http.errors.cohere_errors import is_cohere, make_cohere_error
from serve.http.errors.openai_errors import is_openai, make_openai_error
from serve.http.errors.tei_errors import is_tei, make_tei_error
from serve.http.request_ids import read_request_id

_STATUSES: Final[tuple[tuple[type[EagleRayError], int], ...]] = (
    (AuthenticationError, 401),
    (ForbiddenError, 403),
    (NotPublishedError, 404),
    (DocumentNotFoundError, 404),
    (ReusedKeyError, 422),
    (InputError, 400),
    (ConflictError, 409),
    (GateError, 422),
    (OverloadedError, 429),
    (StoreError, 503),
    (ShardError, 503),
    (ParserError, 503),
    (KeySetError, 503),
    (AuditError, 503),
    (UnavailableError, 503),
    (DeadlineError, 504),
)
"""The first that fits; every other error is the server's own, 500."""

_MAX_DETAIL: Final = 1_000
"""Characters of a sentence: what was sent is quoted in it, and may be long."""

_MAX_AT: Final = 200
_MAX_FAULTS: Final = 20

_log = get_logger()


def install(app: FastAPI) -> None:
    """Let the application answer every error as a problem."""
    app.add_exception_handler(EagleRayError, _answer_own)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unknown)


def make_problem(status: int, kind: str, detail: str, **more: Any) -> JSONResponse:
    """Return a problem.

    Args:
        status: of HTTP.
        kind: name of the error's class; the problem's type is made of it.
        detail: what was expected, what came, what to do; cut where it is long.
        more: further members.
    """
    body = {
        "type": name_problem(kind),
        "title": split_words(kind).capitalize(),
        "status": status,
        "detail": _cut(detail),
        "request_id": read_request_id(),
        **more,
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE)


def make_error(
    path: str, status: int, kind: str, detail: str, *, error: Exception | None = None
) -> JSONResponse:
    """Return an error in the shape that clients of a path expect.

    Args:
        path: that was asked.
        status: of HTTP.
        kind: name of the error's class.
        detail: what was expected, what came, what to do.
        error: that is told; some say which parameter is at fault.
    """
    fields, detail = (error.fields if isinstance(error, EagleRayError) else {}), _cut(detail)
    if is_openai(path):
        return make_openai_error(status, kind, detail, param=fields.get("param"), code=fields.get("code"))
    if is_cohere(path):
        return make_cohere_error(status, detail)
    if is_tei(path):
        return make_tei_error(status, kind, detail, error_type=fields.get("error_type"))
    shown = show_fields(error) if isinstance(error, EagleRayError) else {}
    shown = {name: _cut(value) if isinstance(value, str) else value for name, value in shown.items()}
    return make_problem(status, kind, detail, **({"fields": shown} if shown else {}))


def find_status(error: Exception) -> int:
    """Return the status that an error ends with; 500 for what the project does not know."""
    return next((code for kind, code in _STATUSES if isinstance(error, kind)), 500)


def answer_own(path: str, error: EagleRayError) -> JSONResponse:
    """Return the answer to a request of a path that an error of the project ends."""
    status, name = find_status(error), type(error).__name__
    if status == 500:
        return _answer_defect(path, name)
    problem = make_error(path, status, name, str(error), error=error)
    if isinstance(error, AuthenticationError):
        _log.warning("caller_refused", reason=error.reason, key_id=error.key_id)
        problem.headers["www-authenticate"] = "Bearer"
    if isinstance(error, OverloadedError | UnavailableError):
        problem.headers["retry-after"] = str(math.ceil(error.retry_after_s))
    if isinstance(error, QuotaError):
        problem.headers["ratelimit-limit"] = str(error.most)
        problem.headers["ratelimit-remaining"] = str(error.left)
        problem.headers["ratelimit-reset"] = str(math.ceil(error.retry_after_s))
    return problem


def tell_error(path: str, error: Exception) -> dict[str, Any]:
    """Return what is said of an error to a client of a path, where the status was given before."""
    if isinstance(error, EagleRayError):
        answer = answer_own(path, error)
    else:
        answer = _answer_defect(path, type(error).__name__)
    told: dict[str, Any] = json.loads(bytes(answer.body))
    return told


async def _answer_own(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, EagleRayError):
        raise error
    return answer_own(request.scope["path"], error)


async def _answer_validation(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    path = request.scope["path"]
    faults = [
        {"at": _cut(place, most=_MAX_AT), "detail": _cut(told)}
        for place, told in list_faults(error, most=_MAX_FAULTS)
    ]
    told = "; ".join(f"{fault['at']}: {fault['detail']}" for fault in faults[:3])
    if is_openai(path):
        return make_openai_error(400, "ValidationError", told, param=faults[0]["at"].partition(".")[0])
    if is_cohere(path):
        return make_cohere_error(400, told)
    if is_tei(path):
        return make_tei_error(422, "ValidationError", told, error_type="Validation")
    return make_problem(422, "ValidationError", told, faults=faults)


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    path = request.scope["path"]
    detail = f"{request.method} {path}: {error.detail}"
    problem = make_error(path, error.status_code, "HttpError", detail)
    problem.headers.update(error.headers or {})
    return problem


async def _answer_unknown(request: Request, error: Exception) -> JSONResponse:
    return _answer_defect(request.scope["path"], type(error).__name__)


def _answer_defect(path: str, name: str) -> JSONResponse:
    """Answer that the server failed; what failed stands in its log alone."""
    _log.error("request_failed", path=path, error=name)
    detail = "the server failed; its log says why, and no answer is given"
    return make_error(path, 500, "InternalError", detail)


def _cut(text: str, *, most: int = _MAX_DETAIL) -> str:
    """Return a text of so many characters at most that can be encoded; a longer one loses its middle."""
    if len(text) > most:
        half = most // 2 - 1
        text = f"{text[:half]}…{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()
