"""Errors in the shape of Text Embeddings Inference (TEI): a sentence and one of six types.

Source: huggingface/text-embeddings-inference, `docs/openapi.json` and `router/src/http/server.rs`.
"""

from __future__ import annotations

from typing import Final

from fastapi.responses import JSONResponse

PATHS: Final = frozenset({"/", "/embed", "/rerank", "/tokenize", "/info", "/health"})

_TYPES: Final = {424: "Backend", 422: "Tokenizer", 429: "Overloaded", 503: "Unhealthy"}
"""By status; others below 500 are `Validation`, the rest `Backend`."""

_STATUSES: Final = {"InputError": 413, "ModelError": 424, "NotPublishedError": 424}
"""By the error's class, where TEI has another status for it than the rest of this server."""


def is_tei(path: str) -> bool:
    """Return whether clients of a path expect this shape."""
    return path in PATHS


def make_tei_error(status: int, kind: str, detail: str, *, error_type: str | None = None) -> JSONResponse:
    """Return an error.

    Args:
        status: of HTTP, as the rest of this server has it.
        kind: name of the error's class.
        detail: what was expected, what came, what to do.
        error_type: TEI's, where the status does not tell it; `Empty` has a status of its own.
    """
    status = 400 if error_type == "Empty" else _STATUSES.get(kind, status)
    told = error_type or _TYPES.get(status, "Validation" if status < 500 else "Backend")
    return JSONResponse({"error": detail, "error_type": told}, status_code=status)
