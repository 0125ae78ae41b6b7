"""From the bytes of a file to documents that its owner alone may read.

What files say of groups, zones, times of knowledge and attributes is passed over: the first two are the
owner's, and columns are shared by all who search the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile
from serve.uploads.records import FileRecord

MAX_DOCUMENTS: Final = 1_000
"""Records of one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose documents they become.

    Attributes:
        group: the only one that may read them.
        zone: they stand in.
    """

    group: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a file comes to no documents: a code of OpenAI's, and a sentence."""

    code: str
    detail: str


def read_documents(
    data: bytes, file: FileRecord, *, source: str, owner: Owner, now: int
) -> tuple[Document, ...] | Refusal:
    """Return the documents of a file in a vector store; one faulty record refuses it whole.

    Args:
        data: its content.
        file: its record.
        source: of their rows; their names begin with it.
        owner: who may read them.
        now: microseconds, when they became known.
    """
    found = _parse(data, file)
    if isinstance(found, Refusal):
        return found
    return tuple(
        replace(
            document,
            doc_id=f"{source}/{number}",
            source=source,
            attributes={},
            groups=(owner.group,),
            zone=owner.zone,
            known_from=now,
        )
        for number, document in enumerate(found)
    )


def read_texts(data: bytes, file: FileRecord) -> list[str] | Refusal:
    """Return the texts of a file's records."""
    found = _parse(data, file)
    return found if isinstance(found, Refusal) else [document.text for document in found]


def _parse(data: bytes, file: FileRecord) -> list[Document] | Refusal:
    found: list[Document] = []
    for record in parse_bytes(data, InputFile(source=file.filename, modified=file.created)):
        document = record if isinstance(record, DeadLetter) else apply_mapping(DEFAULT_MAPPING, record)
        if isinstance(document, DeadLetter):
            return _refuse(document)
        if len(found) == MAX_DOCUMENTS:
            return Refusal(code="invalid_file", detail=f"the file has more than {MAX_DOCUMENTS} records")
        found.append(document)
    return found or Refusal(code="invalid_file", detail="the file holds no record")


def _refuse(letter: DeadLetter) -> Refusal:
    is_unknown = letter.reason is DeadLetterReason.UNSUPPORTED_FORMAT
    where = f"{letter.position}: " if letter.position else ""
    code = "unsupported_file" if is_unknown else "invalid_file"
    return Refusal(code=code, detail=f"{where}{letter.detail}")
