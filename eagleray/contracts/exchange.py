"""What leaves a collection as files of other tools, and what comes in from them.

The columns of these files are listed in `docs/exchange.md`; the code that writes and reads them lives in
`indexes.exchange`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pyarrow as pa

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.principals import Principal

ROW_SCHEMA: Final = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("chunk_id", pa.int64(), nullable=False),
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("heading", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
        pa.field("page", pa.int32()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("zone", pa.string(), nullable=False),
        pa.field("groups", pa.list_(pa.string()), nullable=False),
        pa.field("event_time", pa.timestamp("us", tz="UTC")),
        pa.field("known_from", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("known_to", pa.timestamp("us", tz="UTC")),
    ]
)
"""Columns every exchanged row has, before its attributes; `known_to` is null where the end is open."""

VECTOR: Final = "vector"
"""Name of the column of vectors, behind the attributes."""

ATTRIBUTE_PREFIX: Final = "attr_"
"""What stands before an attribute's name where another column has it, or where it begins so itself; and
before `TYPE_NAME`, where its values are of several types and so in several columns."""

_TAKEN: Final = frozenset({*ROW_SCHEMA.names, VECTOR})
_TYPES: Final = frozenset(AttributeType)


class ExchangeFormat(StrEnum):
    """The files of an export."""

    PARQUET = "parquet"
    NPY = "npy"
    FVECS = "fvecs"
    FAISS = "faiss"
    FAISS_IVF = "faiss-ivf"
    LANCE = "lance"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """Rows somebody wants as files.

    Attributes:
        snapshot: alias, id, or the beginning of an id.
        target: folder that takes the files; it must not be there, or be empty.
        as_of: microseconds; `None` takes the latest state.
        filter: as a search takes it, as text; empty takes every row the principal may see.
        principal: on whose behalf.
    """

    snapshot: str
    target: str
    format: ExchangeFormat
    principal: Principal
    as_of: int | None = None
    filter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """Rows that have vectors, on their way into a collection.

    Attributes:
        source: Parquet file, Lance dataset, folder of either, or `s3://bucket/prefix` of Parquet files.
        model: whose vectors they are: `minilm`, `hashing`, or the folder of a model.
        vectors: column, or file below the source; empty takes what an export would have written.
        source_name: name rows are filed under that do not say where they come from; empty takes the
            source's name.
        mapping: path of a mapping file; empty takes the columns of an export.
        alias: alias to move; empty builds the snapshot without publishing it.
        is_normalised: whether vectors are scaled to length 1.
        is_trusted: whether no text is embedded again to see that the vectors are the model's.
        is_resumed: whether the ledger of an earlier, unfinished run of the same input is used.
        opens_documents: whether a mapping other than before may open documents to more callers.
        address: Ray cluster; `auto` takes the one of the job, empty starts a local one.
    """

    source: str
    model: str
    vectors: str = ""
    source_name: str = ""
    mapping: str = ""
    alias: str = "live"
    is_normalised: bool = False
    is_trusted: bool = False
    is_resumed: bool = True
    opens_documents: bool = False
    address: str = ""


def name_attribute_column(name: str, kind: AttributeType | None = None) -> str:
    """Return the column of an attribute: its name, unless that would be taken for something else.

    Args:
        name: of the attribute.
        kind: of the values in the column, where those of other types have columns of their own.
    """
    if kind is not None:
        return f"{ATTRIBUTE_PREFIX}{kind}_{name}"
    is_plain = name not in _TAKEN and not name.startswith(ATTRIBUTE_PREFIX)
    return name if is_plain else f"{ATTRIBUTE_PREFIX}{name}"


def name_column_attribute(column: str) -> str | None:
    """Return the attribute a column holds, or `None` for the columns every row has."""
    if column in _TAKEN:
        return None
    name = column.removeprefix(ATTRIBUTE_PREFIX)
    if name == column or name in _TAKEN or name.startswith(ATTRIBUTE_PREFIX):
        return name
    kind, mark, rest = name.partition("_")
    return rest if mark and kind in _TYPES else name
