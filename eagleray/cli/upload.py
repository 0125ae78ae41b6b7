"""`eagleray upload`: files become documents of a served collection."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer

from eagleray.cli.command import COLLECTION_OPTION, Report, reports
from eagleray.cli.output import show_fields, show_line
from eagleray.cli.server_options import ServerOptions, open_client
from eagleray.client.remote import RemoteCollection
from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.times import OPEN_END, format_micros
from eagleray.documents.dead_letters import DeadLetterTally
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.documents.parsing.pool import ParserPool, choose_limits
from eagleray.documents.records import InputFile
from eagleray.errors import AuthenticationError, InputError, NotPublishedError
from eagleray.settings import load_settings

_MOST_DOCUMENTS: Final = 100
_MOST_BYTES: Final = 700_000
"""Of the documents of one request; a server takes 1 MB."""


@dataclass(slots=True, kw_only=True)
class _Upload:
    """What became of the files so far."""

    written: int = 0
    snapshot: str = ""
    is_searchable: bool = False
    faults: list[dict[str, Any]] = field(default_factory=list)


@reports()
def upload(
    files: list[Path] = typer.Argument(help="JSON Lines, Parquet, Markdown, text, HTML or PDF."),
    url: str = typer.Option(help="The server, for example http://127.0.0.1:8000."),
    collection: str = COLLECTION_OPTION,
    group: list[str] = typer.Option([], help="Who may read them if a file does not say; repeat for more."),
    api_key_file: str = typer.Option("", help="File with the key; default: EAGLERAY_API_KEY."),
    allow_http: bool = typer.Option(
        False, "--allow-http", help="Allow sending the key over plain HTTP to others."
    ),
) -> Report:
    """Write files into a served collection; what cannot be read is reported, and the rest is written."""
    server = ServerOptions(url=url, api_key_file=api_key_file, allow_http=allow_http)
    done = _Upload()
    with open_client(server, collection=collection) as client:
        last: list[dict[str, Any]] = []
        for batch in _cut(_read_all(files, done), groups=group):
            if last:
                _send(client, last, done, wait_s=0.0)
            last = batch
        if last:
            _send(client, last, done, wait_s=None)  # what finds the last one finds all
    report = {
        "written": done.written,
        "snapshot": done.snapshot,
        "is_searchable": done.is_searchable,
        "faults": done.faults,
    }

    def show() -> None:
        show_fields({**report, "faults": sum(fault["n"] for fault in done.faults)})
        for fault in done.faults:
            more = f" (and {fault['n'] - 1} more)" if fault["n"] > 1 else ""
            place = f"{fault['source']} {fault['position']}".rstrip()
            show_line(f"{place}: {fault['detail']}{more}", file=sys.stderr)

    return Report(value=report, show=show, exit_code=2 if done.faults else 0)


def _read_all(files: Sequence[Path], done: _Upload) -> Iterator[Document]:
    """Yield the documents of all files, known from now on where their files do not say."""
    now, parsers = time.time_ns() // 1000, ParserPool(choose_limits(load_settings().parsing))
    tally, seen = DeadLetterTally(), set[str]()
    for path in files:
        for item in _read_file(path, parsers, now=now):
            letter = item if isinstance(item, DeadLetter) else _refuse(item, seen)
            if isinstance(item, Document) and letter is None:
                seen.add(item.doc_id)
                yield item
            elif letter is not None and tally.add(letter):
                _note(done, letter)
        for letter in tally.close():
            _note(done, letter)


def _read_file(path: Path, parsers: ParserPool, *, now: int) -> Iterator[Document | DeadLetter]:
    """Yield the documents of a file, and what keeps others from being some."""
    file = InputFile(source=path.name or str(path), modified=now)
    try:
        if not path.is_file() and path.exists():  # reading a pipe or a device may never end
            yield file.reject(DeadLetterReason.UNREADABLE_FILE, "it is a folder, pipe or device; name files")
            return
        data = path.read_bytes()
    except OSError as error:
        yield file.reject(
            DeadLetterReason.UNREADABLE_FILE, f"{error.strerror}; upload it again when corrected"
        )
        return
    for record in parsers.parse_bytes(data, file):
        yield record if isinstance(record, DeadLetter) else apply_mapping(DEFAULT_MAPPING, record)


def _refuse(document: Document, seen: set[str]) -> DeadLetter | None:
    """Return why a document cannot be written beside those seen before, if it cannot."""
    if document.doc_id in seen:
        reason = DeadLetterReason.CONFLICTING_DUPLICATE
        detail = "another document of this doc_id came before it; give it another, or upload it afterwards"
    elif document.known_to != OPEN_END:
        reason = DeadLetterReason.INVALID_TIME
        detail = "it has an end (known_to), which a server takes from nobody; ingest it"
    else:
        return None
    return DeadLetter(
        source=document.source,
        position=document.position,
        reason=reason,
        detail=detail,
        doc_id=document.doc_id,
    )


def _cut(documents: Iterator[Document], *, groups: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield documents as requests carry them, as many as one takes."""
    batch: list[dict[str, Any]] = []
    n_bytes = 0
    for document in documents:
        shown = _show(document, groups=groups)
        size = len(json.dumps(shown))
        if batch and (len(batch) == _MOST_DOCUMENTS or n_bytes + size > _MOST_BYTES):
            yield batch
            batch, n_bytes = [], 0
        batch.append(shown)
        n_bytes += size
    if batch:
        yield batch


def _show(document: Document, *, groups: Sequence[str]) -> dict[str, Any]:
    elements = [
        {
            "kind": str(element.kind),
            "text": document.text[element.start : element.end],
            "level": element.level,
            "page": element.page,
        }
        for element in document.elements
        if document.text[element.start : element.end].strip()
    ]
    shown: dict[str, Any] = {
        "doc_id": document.doc_id,
        "title": document.title,
        "attributes": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in document.attributes.items()
        },
        "groups": list(document.groups) or list(groups),
        "zone": document.zone,
        "known_from": format_micros(document.known_from),
    }
    if document.event_time is not None:
        shown["event_time"] = format_micros(document.event_time)
    return shown | ({"elements": elements} if elements else {"text": document.text})


def _send(
    client: RemoteCollection, batch: Sequence[dict[str, Any]], done: _Upload, *, wait_s: float | None
) -> None:
    """Write a batch; where its content is refused, each document by itself: one spoils no other."""
    try:
        written = client.upsert(batch, wait_s=wait_s)
    except InputError as error:
        if isinstance(error, AuthenticationError | NotPublishedError):
            raise  # about the caller or the place, not about what is written
        if len(batch) == 1:
            fault = {"source": batch[0]["doc_id"], "position": "", "detail": str(error), "n": 1}
            done.faults.append(fault)
            return
        for document in batch:
            _send(client, [document], done, wait_s=wait_s)
        return
    done.written += written.n_written
    done.snapshot, done.is_searchable = written.snapshot, written.is_searchable


def _note(done: _Upload, letter: DeadLetter) -> None:
    known = {"source": letter.source, "position": letter.position, "detail": letter.detail, "n": letter.n}
    done.faults.append(known)
