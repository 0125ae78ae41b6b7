"""A judged corpus as a collection to serve, and its queries as bytes of requests."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks.corpora import copy_corpus
from benchmarks.http_client import write_request
from benchmarks.reporting import show_stage
from eagleray.contracts.services import IngestRequest
from eagleray.parts import JOBS
from eagleray.settings import Settings, load_settings
from ray_jobs.clusters import connected


def ingest_corpus(
    corpus: Path, folder: Path, *, model: str, limit: int, n_changed: int = 0
) -> tuple[Settings, list[str]]:
    """Ingest a corpus's first passages, and once more with some of them changed.

    Returns:
        Settings of the collection `corpus`, and the ids of its snapshots, oldest first.
    """
    settings = load_settings(store=str(folder / "store"), collection="corpus", cache=str(folder / "cache"))
    embedder = settings.embedder.model_copy(update={"model": model})
    settings = settings.model_copy(update={"embedder": embedder})
    source = copy_corpus(corpus, folder, limit=limit)
    snapshots = []
    with redirect_stdout(sys.stderr), connected(n_cpus=os.cpu_count() or 1):
        for number in range(2 if n_changed else 1):
            if number:
                _change(source / "corpus.jsonl", n_changed)
            told = JOBS.load(settings).ingest(IngestRequest(source=str(source)), show_stage)
            snapshots.append(told["snapshot"])
    return settings, snapshots


def read_queries(corpus: Path) -> list[str]:
    """Return the corpus's distinct queries, those of the first file that has any."""
    path = sorted(corpus.glob("queries*.jsonl"))[0]
    with path.open() as stream:
        return list(dict.fromkeys(json.loads(line)["text"] for line in stream))


def read_passages(corpus: Path, *, limit: int) -> list[str]:
    """Return texts of the corpus, cut to what every model reads."""
    with (corpus / "corpus.jsonl").open() as stream:
        texts = [json.loads(line)["text"][:600] for line, _ in zip(stream, range(limit), strict=False)]
    return [text for text in texts if text.strip()]


def write_searches(url: str, collection: str, bodies: Sequence[Any]) -> list[bytes]:
    """Return the bytes of a search of a collection for each body."""
    return [write_request(url, f"/collections/{collection}/search", body) for body in bodies]


def _change(path: Path, n: int) -> None:
    lines = path.read_text().splitlines()
    for place in range(min(n, len(lines))):
        told = json.loads(lines[place])
        lines[place] = json.dumps({**told, "text": "It was restated. " + told["text"]})
    path.write_text("\n".join(lines) + "\n")
