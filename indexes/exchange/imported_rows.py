"""From a row that came with a vector to a chunk row, by the columns of an export or by a mapping.

A row is a chunk. Where rows say their `version` and `ordinal`, several of them may be one document;
where they do not, each is a document of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from eagleray.chunking.table import make_chunk_table
from eagleray.contracts.chunks import DELIVERED_SCHEMA, Chunk
from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.exchange import ROW_SCHEMA, name_column_attribute
from eagleray.contracts.sources import RawRecord
from eagleray.digests import make_chunk_id
from eagleray.documents.formats.parquet import make_records
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.documents.mapping import Mapping as FieldMapping
from eagleray.documents.mapping_rules import ValueOrigin, ValueOriginKind
from eagleray.documents.records import InputFile
from indexes.exchange.vector_checks import CheckedVectors

_ATTRIBUTES: Final = "attributes"

ROWS_MAPPING: Final = replace(
    DEFAULT_MAPPING,
    doc_id=replace(
        DEFAULT_MAPPING.doc_id,
        origins=tuple(ValueOrigin(kind=ValueOriginKind.FIELD, name=name) for name in ("doc_id", "_id")),
    ),
    groups=replace(DEFAULT_MAPPING.groups, origins=DEFAULT_MAPPING.groups.origins[:1]),
    zone=replace(DEFAULT_MAPPING.zone, origins=DEFAULT_MAPPING.zone.origins[:1]),
    other_attributes=_ATTRIBUTES,
)
"""The columns of an export; all others are attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """How rows become chunk rows.

    Attributes:
        mapping: what is what; `None` takes the columns of an export.
        chunker_digest: part of every chunk id.
        has_versions: whether rows say their `version` and `ordinal`.
    """

    mapping: FieldMapping | None
    chunker_digest: str
    has_versions: bool

    def decode(self, record: RawRecord) -> pa.Table | DeadLetter:
        """Return the chunk row of a record as `DELIVERED_SCHEMA`, or why it is none."""
        if self.mapping is not None:
            document = apply_mapping(self.mapping, record)
            return document if isinstance(document, DeadLetter) else self._make_row(document, record, {})
        fields = record.fields
        known = {name: value for name, value in fields.items() if _find_attribute(name) is None}
        others = {_find_attribute(name): value for name, value in fields.items() if value is not None}
        others.pop(None, None)
        document = apply_mapping(ROWS_MAPPING, replace(record, fields={**known, _ATTRIBUTES: others}))
        if isinstance(document, DeadLetter):
            return document
        fault = _find_fault(fields, has_versions=self.has_versions)
        if fault:
            return record.reject(DeadLetterReason.WRONG_TYPE, fault, doc_id=document.doc_id)
        return self._make_row(document, record, known)

    def _make_row(self, document: Document, record: RawRecord, given: Mapping[str, Any]) -> pa.Table:
        chunk = Chunk(
            ordinal=int(given["ordinal"]) if self.has_versions else 0,
            start=int(given.get("start") or 0),
            end=len(document.text) if given.get("end") is None else int(given["end"]),
            text=document.text,
            heading=document.title if given.get("heading") is None else str(given["heading"]),
            page=given.get("page"),
        )
        document = replace(document, source=given.get("source") or document.source)
        table = make_chunk_table(document, [chunk], chunker_digest=self.chunker_digest)
        if self.has_versions:
            version = str(given["version"])
            number = make_chunk_id(document.doc_id, version, self.chunker_digest, chunk.ordinal)
            table = _replace(table, "version", pa.array([version]))
            table = _replace(table, "chunk_id", pa.array([number], pa.int64()))
        return table.append_column(DELIVERED_SCHEMA.field("position"), pa.array([record.position]))


def make_vector_records(
    rows: pa.Table, checked: CheckedVectors, file: InputFile, *, first_row: int
) -> Iterator[RawRecord | DeadLetter]:
    """Yield rows as records with their vectors, or why one has none.

    Args:
        rows: without vectors.
        checked: their vectors.
        file: they come from.
        first_row: of these rows within the file, from 0.
    """
    for number, record in enumerate(make_records(rows, file, first_row=first_row + 1)):
        if number in checked.faults:
            yield record.reject(DeadLetterReason.INVALID_VECTOR, checked.faults[number])
        else:
            yield replace(record, vector=checked.vectors[number])


def find_declared_texts(schema: pa.Schema) -> frozenset[str]:
    """Return the attributes whose text is never a time: all their columns are of text."""
    is_text: dict[str, bool] = {}
    for field in schema:
        name = _find_attribute(field.name)
        if name is not None:
            is_one = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
            is_text[name] = is_text.get(name, True) and is_one
    return frozenset(name for name, is_one in is_text.items() if is_one)


def _find_attribute(column: str) -> str | None:
    """Return the attribute that a column holds; `_id` is another name of `doc_id`."""
    return None if column == "_id" else name_column_attribute(column)


def _find_fault(fields: Mapping[str, Any], *, has_versions: bool) -> str:
    """Return which of the columns that only exports have holds something else, or `""`."""
    wanted: dict[str, type] = {
        name: str if pa.types.is_string(ROW_SCHEMA.field(name).type) else int
        for name in ("version", "ordinal", "start", "end", "page", "heading", "source")
    }
    for name, kind in wanted.items():
        value = fields.get(name)
        is_due = has_versions and name in ("version", "ordinal")
        is_right = not is_due if value is None else type(value) is kind
        if not is_right or (kind is int and value is not None and not 0 <= value < 2**31):
            shown = "text" if kind is str else "a whole number from 0 to 2147483647"
            return f"{name}: expected {shown}, found {'none' if value is None else 'something else'}"
    return ""


def _replace(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), column)
