"""From the bytes of a file to documents that its owner alone may read, parsed in processes of their own.

What files say of groups, zones, times of knowledge and attributes is passed over: the first two are the
owner's, and columns are shared by all who search the collection.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.documents.mapping_rules import FileFact, ValueOrigin, ValueOriginKind
from eagleray.documents.parsing.pool import ParserPool, choose_upload_limits
from eagleray.documents.records import InputFile
from eagleray.errors import OverloadedError
from eagleray.setting_groups.parsing import ParsingSettings
from serve.uploads.records import FileRecord

MAX_DOCUMENTS: Final = 1_000
"""Records of one file."""

_NICENESS: Final = 10
"""Parsers of uploads stand back behind searches."""

_RETRY_AFTER_S: Final = 5.0

_FILE_PATH: Final = ValueOrigin(kind=ValueOriginKind.FILE, name=FileFact.PATH)
_FILE_TIME: Final = ValueOrigin(kind=ValueOriginKind.FILE, name=FileFact.MODIFIED)
_MAPPING: Final = replace(
    DEFAULT_MAPPING,
    doc_id=replace(DEFAULT_MAPPING.doc_id, origins=(_FILE_PATH,)),
    known_from=replace(DEFAULT_MAPPING.known_from, origins=(_FILE_TIME,)),
    known_to=None,
    groups=replace(DEFAULT_MAPPING.groups, origins=()),
    zone=replace(DEFAULT_MAPPING.zone, origins=()),
    other_attributes="",
)
"""Of a record's fields only title, text and event time count."""

_T = TypeVar("_T")


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


class UploadReader:
    """Lets files of callers be read, in threads and processes that do nothing else.

    Each owner has one file read at a time, and others come between two of them: many files of one hold up
    nobody else for long. As many requests of one owner may wait as there is room for more: half of all where
    nobody else has any.

    Args:
        settings: what parsing a file may take, and how many are parsed at once.

    Attributes:
        parsers: parse the files.
    """

    def __init__(self, settings: ParsingSettings) -> None:
        n_processes = settings.upload_processes
        self.parsers = ParserPool(choose_upload_limits(settings), n_processes=n_processes, niceness=_NICENESS)
        self._threads = ThreadPoolExecutor(n_processes, thread_name_prefix="eagleray-parsing")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._max_reading = n_processes + settings.upload_max_waiting
        self._n_reading = Counter[str]()

    async def run(self, owner: str, read: Callable[[], _T]) -> _T:
        """Return what `read` returns, called in a thread once it is the owner's turn.

        Raises:
            OverloadedError: too many wait, or too many of this owner's.
        """
        (found,) = await self.run_each(owner, [read])
        return found

    async def run_each(
        self,
        owner: str,
        reads: Iterable[Callable[[], _T]],
        *,
        is_enough: Callable[[Sequence[_T]], bool] = lambda _: False,
    ) -> list[_T]:
        """Return what each of some reads returns, the first ones where these are enough; see `run`.

        Args:
            owner: whose files are read.
            reads: of a file each, called one after the other.
            is_enough: says of what was returned so far whether the others are left for another time.

        Raises:
            OverloadedError: too many wait.
        """
        n_all = self._n_reading.total()
        if self._n_reading[owner] >= self._max_reading - n_all:
            raise OverloadedError(waiting=n_all, retry_after_s=_RETRY_AFTER_S)
        turn = self._turns.setdefault(owner, asyncio.Lock())
        self._n_reading[owner] += 1
        try:
            async with turn:
                loop, found = asyncio.get_running_loop(), list[_T]()
                for read in reads:
                    found.append(await loop.run_in_executor(self._threads, read))
                    if is_enough(found):
                        break
                return found
        finally:
            self._n_reading[owner] -= 1
            if not self._n_reading[owner]:
                del self._n_reading[owner]


def read_documents(
    parsers: ParserPool, data: bytes, *, file: FileRecord, source: str, owner: Owner, now: int
) -> tuple[Document, ...] | Refusal:
    """Return the documents of a file in a vector store; one faulty record refuses it whole.

    Args:
        parsers: parse it.
        data: its content.
        file: its record.
        source: of their rows; their names begin with it.
        owner: who may read them.
        now: microseconds, when they became known.
    """
    found = _parse(parsers, data, file)
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


def read_texts(parsers: ParserPool, data: bytes, file: FileRecord) -> list[str] | Refusal:
    """Return the texts of a file's records."""
    found = _parse(parsers, data, file)
    return found if isinstance(found, Refusal) else [document.text for document in found]


def _parse(parsers: ParserPool, data: bytes, file: FileRecord) -> list[Document] | Refusal:
    found: list[Document] = []
    with closing(
        parsers.parse_bytes(data, InputFile(source=file.filename, modified=file.created))
    ) as records:
        for record in records:
            document = record if isinstance(record, DeadLetter) else apply_mapping(_MAPPING, record)
            if isinstance(document, DeadLetter):
                return _refuse(document)
            if len(found) == MAX_DOCUMENTS:
                detail = f"the file has more than {MAX_DOCUMENTS} records"
                return Refusal(code="invalid_file", detail=detail)
            found.append(document)
    return found or Refusal(code="invalid_file", detail="the file holds no record")


def _refuse(letter: DeadLetter) -> Refusal:
    is_unknown = letter.reason is DeadLetterReason.UNSUPPORTED_FORMAT
    where = f"{letter.position}: " if letter.position else ""
    code = "unsupported_file" if is_unknown else "invalid_file"
    return Refusal(code=code, detail=f"{where}{letter.detail}")
