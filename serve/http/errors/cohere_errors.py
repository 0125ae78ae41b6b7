"""Errors in the shape that Cohere's clients read; they choose their exception by the status.

Source: Cohere's API reference, errors.
"""

from __future__ import annotations

from typing import Final

from fastapi.responses import JSONResponse

_PREFIX: Final = "/v2/"


def is_cohere(path: str) -> bool:
    """Return whether clients of a path expect this shape."""
    return path.startswith(_PREFIX)


def make_cohere_error(status: int, detail: str) -> JSONResponse:
    """Return an error: what was expected, what came, what to do."""
    return JSONResponse({"message": detail}, status_code=status)
