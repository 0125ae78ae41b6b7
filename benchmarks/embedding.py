"""How fast is the product's embedding, against the same model as everybody calls it?

    python -m benchmarks.embedding CORPUS_DIR [--limit N] [--workers N]

The corpus is cut into chunks by the product. Then the same texts are embedded three ways, on all
cores: by `SentenceTransformer.encode` with default settings, by the product's embedder in one
process a core without Ray ("bare"), and by the product's embed stage on Ray Data, whose clock runs
from the first shard's begin to the last shard's end. The first two take turns, so that both see
the machine in the same state.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import tempfile
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.corpora import copy_corpus
from benchmarks.reporting import show_result, show_stage
from eagleray.contracts.services import IngestRequest
from eagleray.digests import digest_file
from eagleray.embedders import load_embedder, settle_backend
from eagleray.embedders.opening import find_model
from eagleray.parts import load_job_service
from eagleray.settings import EmbedderSettings, Settings, load_settings
from indexes.segments.writing import list_texts
from indexes.storage import open_store
from ray_jobs.clusters import connected
from ray_jobs.execution import Resources, run_shards
from ray_jobs.ledger import Ledger
from ray_jobs.stages.making import make_embed

Shards = list[list[str]]


def main() -> None:
    """Cut, embed three ways, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="passages; 0 takes all")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eagleray-embedding-") as name:
        settings = load_settings(store=f"{name}/store", collection="corpus")
        files = cut_corpus(settings, copy_corpus(arguments.corpus, Path(name), limit=arguments.limit))
        tables = [pq.read_table(path) for path in files]
        embedder = settle_backend(settings.embedder, cache=Path(settings.cache).expanduser())
        shards = [list_texts(table) for table in tables]
        default_s, bare_s, vectors, reference = take_turns(
            shards, embedder, workers=arguments.workers, turns=arguments.turns
        )
        pipeline_s = time_pipeline(settings, embedder, files, workers=arguments.workers)
    cosines = np.einsum("ij,ij->i", vectors, reference)
    n_texts = sum(map(len, shards))
    show_result(
        {
            "corpus": arguments.corpus.name,
            "texts": n_texts,
            "ratio_to_default_encode": round(default_s / bare_s, 3),
            "min_cosine": round(float(cosines.min()), 6),
            "pipeline_to_bare": round(bare_s / pipeline_s, 3),
            "backend": embedder.backend,
            "workers": arguments.workers,
            "texts_per_s": {
                "default_encode": round(n_texts / default_s, 1),
                "bare": round(n_texts / bare_s, 1),
                "pipeline": round(n_texts / pipeline_s, 1),
            },
        }
    )


def cut_corpus(settings: Settings, source: Path) -> list[Path]:
    """Return the chunk files that the product makes of a source; no model takes part."""
    embedder = settings.embedder.model_copy(update={"model": "hashing"})
    request = IngestRequest(source=str(source), alias="")
    load_job_service().ingest(settings.model_copy(update={"embedder": embedder}), request, show_stage)
    return sorted((Path(settings.store) / settings.collection / "chunks").iterdir())


def take_turns(
    shards: Shards, settings: EmbedderSettings, *, workers: int, turns: int
) -> tuple[float, float, Any, Any]:
    """Return seconds of the default encode, seconds of the bare embedder, and both's vectors."""
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(find_model(settings)), device="cpu")
    default_s = bare_s = 0.0
    vectors, reference = [], []
    with BareWorkers(settings, workers=workers) as bare:
        for turn in range(turns):
            mine = shards[turn::turns]
            texts = list(itertools.chain.from_iterable(mine))
            started = time.perf_counter()
            reference.append(peer.encode(texts))
            default_s += time.perf_counter() - started
            started = time.perf_counter()
            vectors += bare.embed(mine)
            bare_s += time.perf_counter() - started
            print(f"turn {turn + 1}/{turns}: default {default_s:.1f} s, bare {bare_s:.1f} s", flush=True)
    return default_s, bare_s, np.concatenate(vectors), np.concatenate(reference)


class BareWorkers:
    """Processes with one embedder each, that take the next list of texts when they are done with one."""

    def __init__(self, settings: EmbedderSettings, *, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes = []
        self._processes = []
        for _ in range(workers):
            mine, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, settings), daemon=True)
            process.start()
            self._pipes.append(mine)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def __enter__(self) -> BareWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
            process.join()

    def embed(self, shards: Shards) -> list[Any]:
        """Return the vectors of each list of texts, in order."""
        found: dict[int, Any] = {}
        todo = iter(range(len(shards)))
        busy: dict[Connection, int] = {}
        for pipe, number in zip(self._pipes, todo, strict=False):
            pipe.send(shards[number])
            busy[pipe] = number
        while busy:
            for pipe in multiprocessing.connection.wait(list(busy)):
                found[busy.pop(pipe)] = pipe.recv()
                number = next(todo, None)
                if number is not None:
                    pipe.send(shards[number])
                    busy[pipe] = number
        return [found[number] for number in range(len(shards))]


def _serve(pipe: Connection, settings: EmbedderSettings) -> None:
    embedder = load_embedder(settings)
    embedder.embed_passages(["ready"])
    pipe.send(True)
    while True:
        pipe.send(embedder.embed_passages(pipe.recv()))


def time_pipeline(
    settings: Settings, embedder: EmbedderSettings, files: list[Path], *, workers: int
) -> float:
    """Return the seconds from the first shard's begin to the last shard's end on Ray Data."""
    ledger = Ledger(open_store(settings.store), collection=settings.collection, run_id="timed")
    payloads = [{"shard": number, "chunks": digest_file(path)} for number, path in enumerate(files)]
    resources = Resources(workers=workers, keeps_task=True)
    begun, ended = [], []
    with connected(n_cpus=workers):
        make = partial(make_embed, ledger, settings=embedder)
        for outcome in run_shards(make, payloads, resources=resources):
            ended.append(time.perf_counter())
            begun.append(ended[-1] - outcome["seconds"])
    return max(ended) - min(begun)


if __name__ == "__main__":
    main()
