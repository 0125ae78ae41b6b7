"""Answers as of T against two oracles that know the rows of T alone."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.known_rows import KnownRows, build_searcher
from benchmarks.plain_search import PlainIndex, Scores, count_terms
from eagleray.contracts.hits import Granularity, Hit, SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.ports import Embedder, SearchEngine
from indexes.segments.segment_files import list_texts

K: Final = 10

TOLERANCE: Final = 1e-6
"""How far a score may be from the one in double precision: the sums of vectors are in float32."""


class AsOfComparison:
    """Asks the product and both oracles, and counts."""

    def __init__(self, engine: SearchEngine, rows: KnownRows, *, embedder: Embedder) -> None:
        self._engine = engine
        self._rows = rows
        self._embedder = embedder
        texts = list_texts(rows.chunks)
        self._plain = PlainIndex(
            chunk_ids=rows.chunks["chunk_id"].to_pylist(),
            doc_ids=rows.chunks["doc_id"].to_pylist(),
            texts=texts,
            terms=count_terms(texts),
            vectors=rows.vectors.astype(np.float64),
        )
        self._numbers = {chunk_id: row for row, chunk_id in enumerate(self._plain.chunk_ids)}
        self._n_equal = Counter[SearchMode]()
        self._n_hits = Counter[SearchMode]()
        self._n_unlike_now = Counter[SearchMode]()
        self._n_known: list[int] = []
        self._worst = 0.0

    def ask(self, as_of: int, queries: Sequence[str]) -> None:
        """Compare the answers to queries as of one T in every mode and granularity."""
        known = self._rows.find_known(as_of)
        with tempfile.TemporaryDirectory(prefix="eagleray-oracle-") as folder:
            oracle = build_searcher(self._rows, known, embedder=self._embedder, folder=Path(folder))
            for query in queries:
                self._n_known.append(len(known))
                scores = self._plain.score(known, query, self._embedder.embed_queries([query])[0])
                for mode in SearchMode:
                    request = SearchRequest(query=query, k=K, mode=mode, as_of=as_of)
                    self._n_equal[mode] += self._compare(request, oracle, scores[mode])

    @property
    def n_asked(self) -> int:
        """Questions compared so far."""
        return len(self._n_known)

    @property
    def shares(self) -> dict[str, float]:
        """Mode -> share of the questions to which both oracles give the product's answer."""
        return {mode.value: self._n_equal[mode] / self.n_asked for mode in SearchMode}

    def describe(self) -> dict[str, object]:
        """Return what the shares were taken from.

        `hits` and `unlike_now` count answers by chunk and by document; the latter those whose
        rows are not those of the same question without as-of.
        """
        return {
            "answers_per_question": len(Granularity),
            "hits": {str(mode): self._n_hits[mode] for mode in SearchMode},
            "unlike_now": {str(mode): self._n_unlike_now[mode] for mode in SearchMode},
            "rows": len(self._numbers),
            "rows_known": {"least": min(self._n_known), "greatest": max(self._n_known)},
            "plain_greatest_difference": self._worst,
        }

    def _compare(self, asked: SearchRequest, oracle: SearchEngine, scores: Scores) -> bool:
        is_equal = True
        for granularity in Granularity:
            request = replace(asked, granularity=granularity)
            now = replace(request, as_of=None)
            found, wanted = self._engine.search(request), oracle.search(now)
            is_same = _show(found) == _show(wanted)
            is_plain = self._agrees(found.hits, self._plain.rank(scores, granularity, k=K), scores)
            if not (is_same and is_plain):
                print(f"rebuilt index equal: {is_same}, plain formulas equal: {is_plain}: {request}")
                is_equal = False
            self._n_hits[asked.mode] += len(found.hits)
            self._n_unlike_now[asked.mode] += _list_ids(found) != _list_ids(self._engine.search(now))
        return is_equal

    def _agrees(self, found: tuple[Hit, ...], ranked: list[int], scores: Scores) -> bool:
        """Return whether the hits are the plain ranking; rows may swap only within the tolerance."""
        rows = [self._numbers[hit.chunk_id] for hit in found]
        if len(rows) != len(ranked) or len(set(rows)) != len(rows) or not scores.keys() >= set(rows):
            return False
        differences = [
            abs(hit.score - scores[number])
            for hit, row, place in zip(found, rows, ranked, strict=True)
            for number in (row, place)
        ]
        self._worst = max([self._worst, *differences])
        return max(differences, default=0.0) <= TOLERANCE


def _show(response: SearchResponse) -> tuple[object, ...]:
    """Return what must be the same bits: hits, scores, and the statistics they came from."""
    hits = [(hit.chunk_id, hit.doc_id, hit.score, hit.dense, hit.lexical, hit.text) for hit in response.hits]
    about = response.explanation
    held = {term: number for term, number in about.document_frequencies.items() if number}
    return hits, about.n_visible, about.average_length, held


def _list_ids(response: SearchResponse) -> list[int]:
    return [hit.chunk_id for hit in response.hits]
