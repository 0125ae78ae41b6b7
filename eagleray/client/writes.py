"""What a server is told to write or remove: under a key of its own, so that it is safe to send again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from eagleray.client.exchange import Call, Inquiry
from eagleray.client.questions import write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a write.

    Attributes:
        snapshot: id of the first snapshot that holds it; it is published.
        n_written: documents that were written.
        n_removed: documents that are closed, or were not there.
    """

    snapshot: str
    n_written: int
    n_removed: int


def inquire_upsert(documents: Sequence[Mapping[str, Any]]) -> Inquiry[Written]:
    """Return the inquiry that writes documents, all or none."""
    headers = _make_key()

    def write(timeout_s: float) -> Call:
        body = write_json({"documents": [dict(document) for document in documents]})
        return Call(method="POST", path="/documents", body=body, timeout_s=timeout_s, headers=headers)

    return Inquiry(write=write, read=_read)


def inquire_removal(doc_ids: Sequence[str]) -> Inquiry[Written]:
    """Return the inquiry that closes documents from now on."""
    headers, query = _make_key(), urlencode([("doc_id", doc_id) for doc_id in doc_ids])

    def write(timeout_s: float) -> Call:
        path = f"/documents?{query}"
        return Call(method="DELETE", path=path, body=b"", timeout_s=timeout_s, headers=headers)

    return Inquiry(write=write, read=_read)


def _make_key() -> dict[str, str]:
    return {"idempotency-key": uuid.uuid4().hex}


def _read(shown: Any) -> Written:
    return Written(snapshot=shown["snapshot"], n_written=shown["written"], n_removed=shown["removed"])
