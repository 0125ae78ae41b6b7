"""What a server is told to write or remove: under a key of its own, so that it is safe to send again."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from eagleray.client.exchange import Call, Inquiry
from eagleray.client.questions import write_json
from eagleray.errors import QueryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a write.

    Attributes:
        snapshot: id of the first snapshot that holds it; it is published.
        n_written: documents that were written.
        n_removed: documents that are closed, or were not there.
        is_searchable: whether every search that begins now is answered from it; false where the wait ran out.
    """

    snapshot: str
    n_written: int
    n_removed: int
    is_searchable: bool


def inquire_upsert(
    documents: Sequence[Mapping[str, Any]], *, wait_s: float | None = None
) -> Inquiry[Written]:
    """Return the inquiry that writes documents, all or none; the answer waits `wait_s` to find them."""
    headers, query = _make_key(), urlencode(_list_wait(wait_s))
    path = f"/documents?{query}" if query else "/documents"

    def write(timeout_s: float) -> Call:
        body = write_json({"documents": [dict(document) for document in documents]})
        return Call(method="POST", path=path, body=body, timeout_s=timeout_s, headers=headers)

    return Inquiry(write=write, read=_read)


def inquire_removal(doc_ids: Sequence[str], *, wait_s: float | None = None) -> Inquiry[Written]:
    """Return the inquiry that closes documents from now on; `wait_s` as of `inquire_upsert`."""
    names = [("doc_id", doc_id) for doc_id in doc_ids]
    headers, query = _make_key(), urlencode([*names, *_list_wait(wait_s)])

    def write(timeout_s: float) -> Call:
        path = f"/documents?{query}"
        return Call(method="DELETE", path=path, body=b"", timeout_s=timeout_s, headers=headers)

    return Inquiry(write=write, read=_read)


def _list_wait(wait_s: float | None) -> list[tuple[str, str]]:
    """Return the parameter that says how long the answer waits; none where the server decides."""
    if wait_s is None:
        return []
    if not (wait_s >= 0.0 and math.isfinite(wait_s)):
        raise QueryError(detail=f"wait_s must be a finite number of at least 0, found {wait_s}")
    return [("wait_s", f"{wait_s:g}")]


def _make_key() -> dict[str, str]:
    return {"idempotency-key": uuid.uuid4().hex}


def _read(shown: Any) -> Written:
    return Written(
        snapshot=shown["snapshot"],
        n_written=shown["written"],
        n_removed=shown["removed"],
        is_searchable=shown["is_searchable"],
    )
