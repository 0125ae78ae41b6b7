"""How fast is the product's embedding, against the same model as everybody calls it?

    python -m benchmarks.embedding CORPUS_DIR [--limit N] [--workers N]

The corpus is cut into chunks by the product. Then the same texts are embedded three ways, on all
cores: by `SentenceTransformer.encode` with default settings, by the product's embedder in one
process a core without Ray ("bare"), and by the product's embed stage on Ray Data, whose clock runs
from the first shard's begin to the last shard's end. The three take turns, so that all see the
machine in the same state.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.corpora import copy_corpus
from benchmarks.reporting import show_result, show_stage
from eagleray.contracts.collections import Collection
from eagleray.contracts.services import IngestRequest
from eagleray.digests import digest_file
from eagleray.embedders import load_embedder, settle_backend
from eagleray.embedders.configured_embedder import find_model
from eagleray.parts import JOBS
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.settings import Settings, load_settings
from indexes.segments.segment_files import list_texts
from indexes.storage import open_store
from ray_jobs.clusters import connected
from ray_jobs.execution import WorkerLimits, run_stage
from ray_jobs.ledger import Ledger
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.embed import ChunkFile, open_embed_task

Shards = list[list[str]]


def main() -> None:
    """Cut, embed three ways, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="passages; 0 takes all")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eagleray-embedding-") as name:
        settings = load_settings(store=f"{name}/store", collection="corpus")
        files = cut_corpus(settings, copy_corpus(arguments.corpus, Path(name), limit=arguments.limit))
        embedder = settle_backend(settings.embedder, cache=settings.cache_folder)
        with Ways(settings, embedder, workers=arguments.workers) as ways:
            for turn in range(arguments.turns):
                ways.take_turn(files[turn :: arguments.turns])
                print(f"turn {turn + 1}/{arguments.turns}: {ways.seconds}", flush=True)
    seconds, n_texts = ways.seconds, ways.n_texts
    show_result(
        {
            "corpus": arguments.corpus.name,
            "texts": n_texts,
            "ratio_to_default_encode": round(seconds["default_encode"] / seconds["bare"], 3),
            "min_cosine": round(ways.min_cosine, 6),
            "pipeline_to_bare": round(seconds["bare"] / seconds["pipeline"], 3),
            "backend": embedder.backend,
            "workers": arguments.workers,
            "texts_per_s": {name: round(n_texts / spent, 1) for name, spent in seconds.items()},
        }
    )


def cut_corpus(settings: Settings, source: Path) -> list[Path]:
    """Return the chunk files that the product makes of a source; no model takes part."""
    embedder = settings.embedder.model_copy(update={"model": "hashing"})
    request = IngestRequest(source=str(source), alias="")
    JOBS.load(settings.model_copy(update={"embedder": embedder})).ingest(request, show_stage)
    return sorted((Path(settings.store) / settings.collection / "chunks").iterdir())


class Ways:
    """The three ways to embed, on the same texts one after the other, and what each took.

    Attributes:
        seconds: way -> seconds so far.
        min_cosine: least cosine of the product's vector of a text to the peer's.
    """

    def __init__(self, settings: Settings, embedder: EmbedderSettings, *, workers: int) -> None:
        from sentence_transformers import SentenceTransformer

        self.seconds = {"default_encode": 0.0, "bare": 0.0, "pipeline": 0.0}
        self.min_cosine, self.n_texts, self._n_turns = 1.0, 0, 0
        self._settings, self._embedder, self._workers = settings, embedder, workers
        self._peer = SentenceTransformer(str(find_model(embedder)), device="cpu")
        self._exits = ExitStack()

    def __enter__(self) -> Ways:
        self._bare = self._exits.enter_context(BareWorkers(self._embedder, workers=self._workers))
        self._exits.enter_context(connected(n_cpus=self._workers))
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def take_turn(self, files: list[Path]) -> None:
        """Embed the texts of some chunk files in all three ways."""
        shards = [list_texts(pq.read_table(path)) for path in files]
        texts = list(itertools.chain.from_iterable(shards))
        started = time.perf_counter()
        reference = self._peer.encode(texts)
        self.seconds["default_encode"] += time.perf_counter() - started
        started = time.perf_counter()
        vectors = np.concatenate(self._bare.embed(shards))
        self.seconds["bare"] += time.perf_counter() - started
        self.seconds["pipeline"] += self._time_pipeline(files)
        cosines = np.einsum("ij,ij->i", vectors, reference)
        self.min_cosine = min(self.min_cosine, float(cosines.min()))
        self.n_texts += len(texts)

    def _time_pipeline(self, files: list[Path]) -> float:
        """Return the seconds from the first shard's begin to the last shard's end on Ray Data."""
        self._n_turns += 1
        store = open_store(self._settings.store)
        ledger = Ledger(Collection(store, self._settings.collection), run_id=f"turn-{self._n_turns}")
        chunks = [ChunkFile(shard=number, chunks=digest_file(path)) for number, path in enumerate(files)]
        stage = StageSpec(
            name="embed",
            payloads=tuple(chunks),
            make_task=partial(TimedTask, ledger, self._embedder),
            outcome=Spell,
            keeps_task=True,
        )
        limits = WorkerLimits(n_workers=self._workers)
        spells = run_stage(stage, ledger=None, limits=limits, on_progress=lambda *_: None)
        return max(spell.ended for spell in spells) - min(spell.begun for spell in spells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """When a shard was begun and ended, seconds on the machine's clock."""

    begun: float
    ended: float


class TimedTask:
    """Embeds chunk files as a run does, and says when."""

    def __init__(self, ledger: Ledger, settings: EmbedderSettings) -> None:
        self._task = open_embed_task(ledger, settings)

    def __call__(self, payload: ChunkFile) -> Spell:
        """Embed a chunk file."""
        begun = time.perf_counter()
        self._task(payload)
        return Spell(begun=begun, ended=time.perf_counter())


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


if __name__ == "__main__":
    main()
