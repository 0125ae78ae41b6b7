"""Errors in the shape that OpenAI's clients read; they choose their exception by the status.

Source: OpenAI's API reference, error codes; `openai-python`, `_exceptions.py` and `_client.py`.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi.responses import JSONResponse

_PREFIX: Final = "/v1/"

_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
"""By status; others below 500 are the request's fault, the rest the server's."""

_CODES: Final = {
    "AuthenticationError": "invalid_api_key",
    "ModelNotServedError": "model_not_found",
    "OverloadedError": "rate_limit_exceeded",
}
"""By the error's class, where OpenAI has a code for it."""


def is_openai(path: str) -> bool:
    """Return whether clients of a path expect this shape."""
    return path.startswith(_PREFIX)


def make_openai_error(
    status: int, kind: str, detail: str, *, param: str | None = None, code: str | None = None
) -> JSONResponse:
    """Return an error.

    Args:
        status: of HTTP.
        kind: name of the error's class; the code is made of it where none is given.
        detail: what was expected, what came, what to do.
        param: the parameter at fault.
        code: for programs.
    """
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.removesuffix("Error")).lower()
    body = {
        "message": detail,
        "type": _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error"),
        "param": param,
        "code": code or _CODES.get(kind, words),
    }
    return JSONResponse({"error": body}, status_code=status)
