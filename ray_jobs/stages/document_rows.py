"""Documents on their way from stage to stage: one row each, in shard files of one shard.

Only a run with enrichers writes them; without, a document becomes chunks where it was parsed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa

from eagleray.contracts.documents import Document, Element, ElementKind
from eagleray.contracts.ports import Store
from eagleray.digests import canonical_json
from ray_jobs.stages.shard_files import read_shard

DOCUMENT_SCHEMA: Final = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("document", pa.large_binary(), nullable=False),
    ]
)


def make_document_row(document: Document) -> pa.Table:
    """Return the row of a document."""
    fields: dict[str, Any] = {name: getattr(document, name) for name in Document.__slots__}
    fields["elements"] = [
        [element.kind, element.start, element.end, element.level, element.page]
        for element in document.elements
    ]
    return pa.table(
        {"doc_id": [document.doc_id], "document": [canonical_json(fields)]}, schema=DOCUMENT_SCHEMA
    )


def read_documents(store: Store, paths: Iterable[str]) -> Iterator[Document]:
    """Yield the documents of some files in their order; those of one file are in memory together."""
    for path in paths:
        for data in read_shard(store, [path], 0, schema=DOCUMENT_SCHEMA)["document"]:
            yield _decode(data.as_py())


def _decode(data: bytes) -> Document:
    fields = json.loads(data)
    elements = (
        Element(kind=ElementKind(kind), start=start, end=end, level=level, page=page)
        for kind, start, end, level, page in fields["elements"]
    )
    attributes = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in fields["attributes"].items()
    }
    return Document(
        **fields | {"elements": tuple(elements), "attributes": attributes, "groups": tuple(fields["groups"])}
    )
