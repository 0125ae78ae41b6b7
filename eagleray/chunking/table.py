"""Chunks as an Arrow table, one row a chunk."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from eagleray.contracts.chunks import CHUNK_SCHEMA, Chunk
from eagleray.contracts.documents import Document
from eagleray.digests import canonical_json, make_chunk_id


def make_chunk_table(document: Document, chunks: Sequence[Chunk], *, chunker_digest: str) -> pa.Table:
    """Return the rows of a document's chunks in `CHUNK_SCHEMA`.

    Args:
        document: what the chunks were cut from.
        chunks: in the order of their ordinals.
        chunker_digest: of the chunker's identity; part of every chunk's id.
    """
    n_rows, version = len(chunks), document.version
    same = {
        "doc_id": document.doc_id,
        "version": version,
        "title": document.title,
        "source": document.source,
        "zone": document.zone,
        "groups": list(document.groups),
        "event_time": document.event_time,
        "known_from": document.known_from,
        "known_to": document.known_to,
        "attributes": canonical_json(document.attributes).decode("utf-8"),
    }
    columns = {
        "chunk_id": [
            make_chunk_id(document.doc_id, version, chunker_digest, item.ordinal) for item in chunks
        ],
        "ordinal": [item.ordinal for item in chunks],
        "start": [item.start for item in chunks],
        "end": [item.end for item in chunks],
        "page": [item.page for item in chunks],
        "heading": [item.heading for item in chunks],
        "text": [item.text for item in chunks],
    }
    arrays = [
        pa.array(columns[field.name] if field.name in columns else [same[field.name]] * n_rows, field.type)
        for field in CHUNK_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=CHUNK_SCHEMA)
