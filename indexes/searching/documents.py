"""One document whole: the rows of it that a caller may see, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from eagleray.contracts.shown_documents import DocumentRequest, ShownChunk, ShownDocument
from eagleray.errors import DocumentNotFoundError
from indexes.masks.guard import guard_row
from indexes.searching.presenting import read_fields
from indexes.searching.targets import Target

Row = Mapping[str, Any]
"""The fields of a row, as `read_fields` gives them."""

_OF_CHUNK: Final = tuple(item.name for item in fields(ShownChunk))
_OF_DOCUMENT: Final = tuple(
    item.name for item in fields(ShownDocument) if item.name not in ("snapshot", "chunks")
)


def list_rows(request: DocumentRequest, targets: Sequence[Target]) -> list[Row]:
    """Return the rows of a document in some segments, each guarded.

    Args:
        request: the document.
        targets: what the caller may see of these segments as of the request's time, without a filter.

    Raises:
        GuardError: a row outside the mask came up; nothing is shown.
    """
    rows: list[Row] = []
    for target in targets:
        for row in target.find_document(request.doc_id).tolist():
            guard_row(target.view, row, as_of=request.as_of, principal=request.principal)
            rows.append(read_fields(target.view, row))
    return rows


def join_rows(snapshot: str, doc_id: str, rows: Sequence[Row]) -> ShownDocument:
    """Return the document that rows make, in whatever order they come.

    Raises:
        DocumentNotFoundError: there is no row: the caller sees no such document, whether or not there is one.
    """
    if not rows:
        raise DocumentNotFoundError(doc_id=doc_id)
    ordered = sorted(rows, key=lambda row: (row["start"], row["chunk_id"]))
    return ShownDocument(
        snapshot=snapshot,
        **{name: ordered[0][name] for name in _OF_DOCUMENT},
        chunks=tuple(ShownChunk(**{name: row[name] for name in _OF_CHUNK}) for row in ordered),
    )
