"""A small delivery that is cut into several partitions and shards, and how tests run it."""

from __future__ import annotations

import json

from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.services import IngestRequest
from eagleray.setting_groups.engine import JobSettings
from eagleray.settings import Settings
from indexes.service import LocalIndexService
from ray_jobs.service import RayJobService

CUT = JobSettings(workers=2, partition_bytes=1024, shard_bytes=1024)


def note(number, text="pays a coupon"):
    return {"_id": f"n{number}", "text": f"Bond {number} {text}.", "known_from": "2020-01-01T00:00:00Z"}


NOTES = [note(number) for number in range(40)]


def write_lines(path, records):
    """Write records as JSON Lines and return the folder."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path.parent


def make_settings(folder, **jobs):
    """Return settings of a collection of notes below a folder, embedded by hashing."""
    return Settings(
        store=str(folder / "store"),
        collection="notes",
        cache=str(folder / "cache"),
        embedder={"model": "hashing"},
        jobs={"workers": 2, **jobs},
    )


def ingest(settings, folder, on_progress=lambda stage, done, total: None, **more):
    """Run a delivery and return its report."""
    return RayJobService(settings).ingest(IngestRequest(source=str(folder), **more), on_progress)


def find_ids(settings, query="bond coupon"):
    """Return the ids of the documents a search finds in the published snapshot."""
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    return {hit.doc_id for hit in engine.search(SearchRequest(query=query, k=200)).hits}
