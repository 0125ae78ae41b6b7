"""Questions of `benchmarks.growth`, asked in a process of its own that only opens and searches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.growth_collection import COLLECTION, EMBEDDER
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import FloatMatrix
from eagleray.contracts.principals import Principal
from indexes.masks.grammar import parse_filter
from indexes.searching.searcher import Searcher
from indexes.segments.opened_segment import open_segment
from indexes.storage import open_store

_ALL: Final = Principal(subject="benchmark", groups=frozenset({"rates", "credit"}))
_N_WARM: Final = 20
_N_EXACT: Final = 40


class KnownQuestions:
    """An embedder whose questions' vectors are at hand."""

    def __init__(self, vectors: Mapping[str, FloatMatrix]) -> None:
        """Take float32 [1, dim] for each question."""
        self._vectors = vectors

    @property
    def identity(self) -> EmbedderIdentity:
        """What all rows were embedded with."""
        return EMBEDDER

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return float32 [len(texts), dim]."""
        return np.concatenate([self._vectors[text] for text in texts])

    embed_passages = embed_queries


def measure_search(
    folder: Path, digests: Sequence[str], questions: Mapping[str, FloatMatrix]
) -> dict[str, Any]:
    """Open the segments and ask; return times, recall and memory."""
    store = open_store(folder)
    started = time.perf_counter()
    views = [open_segment(Collection(store, COLLECTION), digest) for digest in digests]
    searcher = Searcher("0" * 64, views, embedder=KnownQuestions(questions))
    open_s = time.perf_counter() - started
    opened = read_memory()
    middle = int(np.median(np.concatenate([view.known_from for view in views])))
    dense = SearchRequest(query="?", mode=SearchMode.DENSE, principal=_ALL)
    ways = {
        "dense": dense,
        "dense_as_of": replace(dense, as_of=middle),
        "dense_masked": replace(dense, filter=parse_filter("part = 7")),
        "lexical": replace(dense, mode=SearchMode.LEXICAL),
        "hybrid": replace(dense, mode=SearchMode.HYBRID),
    }
    texts = list(questions)
    return {
        "open_s": round(open_s, 2),
        "searches": {name: measure(partial(ask, searcher, request), texts) for name, request in ways.items()},
        "recall_at_10": round(measure_recall(searcher, dense, texts[:_N_EXACT]), 4),
        "memory_mb": {"opened": opened, "searched": read_memory()},
    }


def ask(searcher: Searcher, request: SearchRequest, text: str) -> SearchResponse:
    """Ask a question as a request says."""
    return searcher.search(replace(request, query=text))


def measure(answer: Callable[[str], SearchResponse], texts: Sequence[str]) -> dict[str, float]:
    """Return milliseconds of a question, the better of two times.

    Returns:
        `first_ms` of the first question, which makes the mask; `p50_ms` and `p95_ms` by the clock;
        `cpu_p50_ms` of the processors; `score_p50_ms` of finding and ordering rows alone, without reading
        the question and showing the hits.
    """
    first_ms = _time(answer, texts[0])[0]
    for text in texts[1:_N_WARM]:
        answer(text)
    turns = np.array([np.minimum(_time(answer, text), _time(answer, text)) for text in texts])
    middle = np.median(turns, axis=0).tolist()
    figures = {
        "first_ms": first_ms,
        **dict(zip(("p50_ms", "cpu_p50_ms", "score_p50_ms"), middle, strict=True)),
        "p95_ms": float(np.quantile(turns[:, 0], 0.95)),
    }
    return {name: round(value, 3) for name, value in figures.items()}


def _time(answer: Callable[[str], SearchResponse], text: str) -> tuple[float, float, float]:
    """Return milliseconds by the clock, of the processors, and of the step that scores."""
    started, cpu_started = time.perf_counter(), time.process_time()
    response = answer(text)
    spent, cpu_spent = time.perf_counter() - started, time.process_time() - cpu_started
    return spent * 1000.0, cpu_spent * 1000.0, response.explanation.timings_ms["score"]


def measure_recall(searcher: Searcher, request: SearchRequest, texts: Sequence[str]) -> float:
    """Return the share of the exact search's hits that the approximate one has."""
    found = true = 0
    for text in texts:
        exact = {hit.chunk_id for hit in ask(searcher, replace(request, exact=True), text).hits}
        hits = {hit.chunk_id for hit in ask(searcher, request, text).hits}
        found, true = found + len(exact & hits), true + len(exact)
    return found / true


def read_memory() -> dict[str, int]:
    """Return this process's own memory and that of files it has mapped and touched, MB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        name: int(lines[key].split()[0]) >> 10 for name, key in (("own", "RssAnon"), ("mapped", "RssFile"))
    }
