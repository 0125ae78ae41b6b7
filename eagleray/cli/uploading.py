"""`eagleray upload`: files become documents of a served collection."""

from __future__ import annotations

import json as json_module
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer

from eagleray.cli.asking_servers import ServerOptions, open_client
from eagleray.cli.showing import COLLECTION_OPTION, JSON_OPTION, show_fields, show_json, show_line
from eagleray.client.remote import RemoteCollection
from eagleray.contracts.documents import DeadLetter, Document
from eagleray.contracts.times import format_micros
from eagleray.documents.dead_letters import DeadLetterTally
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.documents.parsing.pool import ParserPool, choose_limits
from eagleray.documents.records import InputFile
from eagleray.errors import InputError, QueryError
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


def upload(
    files: list[Path] = typer.Argument(help="JSON Lines, Parquet, Markdown, text, HTML or PDF."),
    url: str = typer.Option(help="The server, for example http://127.0.0.1:8000."),
    collection: str = COLLECTION_OPTION,
    group: list[str] = typer.Option([], help="Who may read them, where a file does not say; again for more."),
    api_key_file: str = typer.Option("", help="File that holds the key; default: EAGLERAY_API_KEY."),
    allow_http: bool = typer.Option(False, "--allow-http", help="The key may go over plain HTTP to others."),
    json: bool = JSON_OPTION,
) -> None:
    """Write files into a served collection; what cannot be read is told, and the rest is written."""
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
    if json:
        show_json(report)
    else:
        show_fields({**report, "faults": sum(fault["n"] for fault in done.faults)})
        for fault in done.faults:
            more = f" (and {fault['n'] - 1} more)" if fault["n"] > 1 else ""
            show_line(f"{fault['source']} {fault['position']}: {fault['detail']}{more}", file=sys.stderr)
    if done.faults:
        raise typer.Exit(2)


def _read_all(files: Sequence[Path], done: _Upload) -> Iterator[Document]:
    """Yield the documents of all files, known from now on where their files do not say."""
    now, parsers = time.time_ns() // 1000, ParserPool(choose_limits(load_settings().parsing))
    tally = DeadLetterTally()
    for path in files:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(detail=f"{path}: {error.strerror}") from error
        for record in parsers.parse_bytes(data, InputFile(source=path.name, modified=now)):
            document = record if isinstance(record, DeadLetter) else apply_mapping(DEFAULT_MAPPING, record)
            if isinstance(document, Document):
                yield document
            elif tally.add(document):
                _note(done, document)
        for letter in tally.close():
            _note(done, letter)


def _cut(documents: Iterator[Document], *, groups: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield documents as requests carry them, as many as one takes."""
    batch: list[dict[str, Any]] = []
    n_bytes = 0
    for document in documents:
        shown = _show(document, groups=groups)
        size = len(json_module.dumps(shown))
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
    except QueryError as error:
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
