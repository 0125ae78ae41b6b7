"""A small collection with an annual report, hostile documents, and what their reader may not see."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from benchmarks.hostile_documents import HostileDocument
from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import ChunkerIdentity, CollectionSpec, SnapshotManifest
from eagleray.contracts.ports import SearchEngine, Store
from eagleray.contracts.times import OPEN_END, parse_instant
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.parts import INDEX
from eagleray.settings import load_settings
from indexes.segments.opened_segment import open_segment
from indexes.segments.segment_files import SegmentSpec, write_segment
from indexes.segments.segment_upload import publish_segment
from indexes.snapshots.catalog import put_collection, put_snapshot
from indexes.snapshots.opened import count_open_documents
from indexes.storage import open_store

COLLECTION: Final = "reports"
AS_OF: Final = parse_instant("2021-01-01")
REPORT: Final = ("report-table", "report-text")
SECRETS: Final = ("qxsecretgroup", "qxsecretzone", "qxsecretfuture")
"""Words of what the reader may not see: of another group, of another zone, of a later time."""

FIGURE: Final = "1,496.5"
_TABLE: Final = """Sales by contract type (in millions):

|  | 2019 | 2018 |
| --- | --- | --- |
| Fixed price | $ 1,452.4 | $ 1,146.2 |
| Total sales | $ 1,496.5 | $ 1,202.9 |"""
_TEXT: Final = "Total sales of Cubic rose in 2019 because the defense segment won two contracts."
_EMBEDDER: Final = HashingEmbedder()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    doc_id: str
    text: str
    title: str = "Cubic annual report 2019"
    zone: str = "public"
    groups: tuple[str, ...] = ()
    known_from: str = "2020-01-01"


def open_world(documents: Sequence[HostileDocument], folder: Path) -> SearchEngine:
    """Write the collection, and open it."""
    texts = [
        _Text(doc_id=REPORT[0], text=_TABLE),
        _Text(doc_id=REPORT[1], text=_TEXT),
        _Text(doc_id="insider-1", text=f"The merger price is {SECRETS[0]}.", groups=("insiders",)),
        _Text(doc_id="insider-2", text=f"Merger plans, total sales: {SECRETS[1]}.", zone="vault"),
        _Text(doc_id="later", text=f"Total sales of Cubic were {SECRETS[2]}.", known_from="2022-01-01"),
        *(_Text(doc_id=document.mark, text=document.text, title=document.title) for document in documents),
    ]
    settings = load_settings(store=str(folder / "store"), collection=COLLECTION, cache=str(folder / "cache"))
    embedder = settings.embedder.model_copy(update={"model": "hashing"})
    settings = settings.model_copy(update={"embedder": embedder})
    store = open_store(settings.store)
    spec = CollectionSpec(
        name=COLLECTION,
        embedder=_EMBEDDER.identity.model,
        chunker=ChunkerIdentity(
            tokenizer="0" * 64, max_tokens=256, target_tokens=230, overlap_tokens=40, rules=1
        ),
    )
    put_collection(store, spec)
    segments = [_write(store, [text for text in texts if text.zone == zone]) for zone in ("public", "vault")]
    views = [open_segment(Collection(store, COLLECTION), digest, patches=[]) for digest in segments]
    manifest = SnapshotManifest(
        collection=spec,
        segments=tuple(segments),
        patches=(),
        parent=None,
        n_rows=len(texts),
        n_documents=count_open_documents(views),
        attributes={},
    )
    return INDEX.load(settings).open_engine(snapshot=put_snapshot(store, manifest))


def _write(store: Store, texts: Sequence[_Text]) -> str:
    table = pa.Table.from_pylist([_show(text) for text in texts], schema=CHUNK_SCHEMA)
    with tempfile.TemporaryDirectory(prefix="eagleray-injection-") as name:
        write_segment(
            table,
            _EMBEDDER.embed_passages([text.text for text in texts]),
            spec=SegmentSpec(zone=texts[0].zone, embedder=_EMBEDDER.identity),
            folder=Path(name) / "segment",
        )
        return publish_segment(Collection(store, COLLECTION), Path(name) / "segment")


def _show(text: _Text) -> dict[str, Any]:
    return {
        "chunk_id": int.from_bytes(text.doc_id.encode()[-6:]),
        "doc_id": text.doc_id,
        "version": "v",
        "ordinal": 0,
        "text": text.text,
        "title": text.title,
        "heading": "",
        "start": 0,
        "end": len(text.text),
        "page": None,
        "source": f"desk/{text.doc_id}.md",
        "zone": text.zone,
        "groups": list(text.groups),
        "event_time": None,
        "known_from": parse_instant(text.known_from),
        "known_to": OPEN_END,
        "attributes": "{}",
    }
