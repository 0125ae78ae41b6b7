"""What a server answers instead of hits, as the error the same search would raise in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from eagleray.contracts.problems import name_problem
from eagleray.errors import AuthenticationError, EagleRayError, QueryError, ServerError, UnreachableError

_QUESTION_FAULTS: Final = frozenset({name_problem("ValidationError"), name_problem("BodyTooLongError")})
"""Found before the question was read; in process the engine finds the same and says `QueryError`."""

_FROM_BETWEEN: Final = frozenset({502, 503, 504})
"""Statuses of a proxy that reached no server."""


def read_problem(status: int, content: bytes, *, url: str) -> EagleRayError:
    """Return the error that an answer stands for.

    Args:
        status: of HTTP, not 200.
        content: the body.
        url: what was asked, for errors that are the server's own.
    """
    problem = _read_object(content)
    kind, detail = problem.get("type"), problem.get("detail")
    if not isinstance(kind, str) or not isinstance(detail, str):
        return _name_status(status, url=url)
    if kind in _QUESTION_FAULTS or (status == 400 and kind == name_problem("HttpError")):
        return QueryError(detail=detail)
    return _rebuild(kind, detail, problem.get("fields", {})) or ServerError(
        url=url, detail=f"HTTP {status}: {detail}"
    )


def _read_object(content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _name_status(status: int, *, url: str) -> EagleRayError:
    if status == 401:
        return AuthenticationError()
    if status in _FROM_BETWEEN:
        return UnreachableError(url=url, detail=f"HTTP {status}")
    return ServerError(url=url, detail=f"HTTP {status}, without problem details")


def _rebuild(kind: str, detail: str, fields: Any) -> EagleRayError | None:
    """Return the error of that name with these fields, if it says the same; otherwise nothing."""
    found = next((item for item in _list_kinds(EagleRayError) if name_problem(item.__name__) == kind), None)
    if found is None or not isinstance(fields, dict):
        return None
    try:
        error = found(**fields)
    except (TypeError, ValueError, LookupError, AttributeError):
        return None
    return error if str(error) == detail else None


def _list_kinds(kind: type[EagleRayError]) -> Iterator[type[EagleRayError]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from _list_kinds(inner)
