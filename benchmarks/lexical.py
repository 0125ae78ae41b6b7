"""How fast is BM25 with statistics of the visible rows, against engines with fixed statistics?

    python -m benchmarks.lexical [--passages N] [--queries N] [--peers tantivy,bm25s]

Passages of the corpora, and beyond them made ones: the first half of one passage and the second half of
another, drawn at random. Questions are real ones. Each engine gets the passages as text and answers one
question at a time, in one thread, with its top 10. Ours answers three ways: over all rows, as of a T at
which half of them are known, and over a random half (a mask). Tantivy stems English, too; bm25s gets our
terms. `equal_to_formula` is the share of questions whose ids and scores equal a plain formula's.
"""

from __future__ import annotations

import argparse
import math
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.real_vectors import read_passages, read_questions
from benchmarks.reporting import show_result
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import K1, B, Statistics, count_frequencies, sum_lengths
from indexes.lexical.building import build_postings
from indexes.lexical.postings import Postings
from indexes.lexical.scoring import find_best, weigh_terms
from indexes.selections import Selection, select_all, select_mask

K = 10
Answer = tuple[list[int], list[float]]


def main() -> None:
    """Index, ask, and compare medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--peers", default="tantivy,bm25s")
    arguments = parser.parse_args()
    texts = make_passages(arguments.passages)
    questions = draw_questions(arguments.queries)
    started = time.perf_counter()
    postings = build_postings(texts)
    build_s = time.perf_counter() - started
    n = postings.n_rows
    rng = np.random.default_rng(1)
    ways = {
        "all": select_all(n),
        "as_of": Selection(n_rows=n, n_prefix=n // 2),
        "masked": select_mask(rng.random(n) < 0.5),
    }
    own = {
        name: measure(lambda question, s=selection: answer(postings, question, s), questions)
        for name, selection in ways.items()
    }
    formula = PlainFormula(postings)
    equal = {name: compare(postings, formula, questions[:50], selection) for name, selection in ways.items()}
    print(f"own: built in {build_s:.1f} s, {own}, equal {equal}", flush=True)
    peers = {name: PEERS[name](texts, questions) for name in arguments.peers.split(",") if name}
    best = peers.get("tantivy", {}).get("p50_ms")
    show_result(
        {
            "passages": n,
            "postings": len(postings.rows),
            "queries": len(questions),
            "build_s": round(build_s, 1),
            "own": own,
            "equal_to_formula": equal,
            "peers": peers,
            "p50_over_tantivy": round(own["all"]["p50_ms"] / best, 2) if best else None,
        }
    )


def make_passages(n: int) -> list[str]:
    """Return real passages in an order of chance, then made ones."""
    rng = np.random.default_rng(1)
    real = list(read_passages())
    texts = [real[place] for place in rng.permutation(len(real))[:n]]
    while len(texts) < n:
        one, other = (real[place] for place in rng.integers(0, len(real), size=2))
        texts.append(one[: len(one) // 2] + " " + other[len(other) // 2 :])
    return texts


def draw_questions(n: int) -> list[str]:
    """Return real questions."""
    questions = list(read_questions())
    return [questions[place] for place in np.random.default_rng(2).permutation(len(questions))[:n]]


def answer(postings: Postings, question: str, selection: Selection) -> Answer:
    """Return the best rows as a searcher finds them, counting included."""
    terms = Counter(ENGLISH.find_terms(question))
    statistics = Statistics(
        n_rows=selection.n_selected,
        total_length=_find_length(postings, selection),
        frequencies=count_frequencies(postings, list(terms), selection),
    )
    ids = _IDS[: postings.n_rows]
    found = find_best(postings, weigh_terms(terms, statistics), selection, ids=ids, k=K)
    return found.rows.tolist(), found.scores.tolist()


_IDS: npt.NDArray[np.int64] = np.arange(1 << 24, dtype=np.int64)
_lengths: dict[int, int] = {}


def _find_length(postings: Postings, selection: Selection) -> int:
    """Return the selected rows' terms, once a mask, as a searcher keeps it with the mask."""
    key = id(selection)
    if key not in _lengths:
        _lengths[key] = sum_lengths(postings, selection)
    return _lengths[key]


class PlainFormula:
    """BM25 in numpy, term by term over whole columns."""

    def __init__(self, postings: Postings) -> None:
        self._postings = postings

    def score(self, question: str, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Return the score of every row; 0 of rows outside the mask."""
        postings = self._postings
        scores = np.zeros(postings.n_rows)
        n_rows, average = int(mask.sum()), float(postings.lengths[mask].mean())
        for term, times in sorted(Counter(ENGLISH.find_terms(question)).items()):
            start, end = postings.find_range(term)
            rows, tf = postings.rows[start:end], postings.frequencies[start:end].astype(np.float64)
            kept = mask[rows]
            df = int(kept.sum())
            idf = math.log(1.0 + (n_rows - df + 0.5) / (df + 0.5))
            held_back = K1 * (1.0 - B + B * postings.lengths[rows] / average)
            scores[rows[kept]] += (times * idf * (K1 + 1.0) * tf / (tf + held_back))[kept]
        return scores


def compare(
    postings: Postings, formula: PlainFormula, questions: Sequence[str], selection: Selection
) -> float:
    """Return the share of questions whose best rows and scores are the formula's."""
    mask = selection.has(np.arange(postings.n_rows))
    same = 0
    for question in questions:
        rows, scores = answer(postings, question, selection)
        expected = formula.score(question, mask)
        order = np.lexsort((np.arange(len(expected)), -np.round(expected, 9)))[: len(rows)]
        same += np.allclose(scores, expected[order], rtol=1e-9) and np.allclose(
            expected[rows], scores, rtol=1e-9
        )
    return same / len(questions)


def measure(ask: Callable[[str], Any], questions: Sequence[str]) -> dict[str, float]:
    """Return the median and 95th percentile of a question, in milliseconds; each is asked twice."""
    for question in questions[:20]:
        ask(question)
    spent = []
    for question in questions:
        best = math.inf
        for _ in range(2):
            started = time.perf_counter()
            ask(question)
            best = min(best, time.perf_counter() - started)
        spent.append(best * 1000.0)
    return {"p50_ms": round(float(np.median(spent)), 3), "p95_ms": round(float(np.quantile(spent, 0.95)), 3)}


def measure_tantivy(texts: Sequence[str], questions: Sequence[str]) -> dict[str, Any]:
    """Return tantivy's figures: its own English analysis, words joined by or."""
    try:
        import tantivy
    except ImportError as error:
        return {"missing": f"{error}; make peers installs it"}
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("body", stored=False, tokenizer_name="en_stem")
    builder.add_integer_field("row", stored=True)
    with tempfile.TemporaryDirectory(prefix="eagleray-tantivy-") as folder:
        index = tantivy.Index(builder.build(), path=folder)
        started = time.perf_counter()
        writer = index.writer(heap_size=500_000_000, num_threads=1)
        for row, text in enumerate(texts):
            writer.add_document(tantivy.Document(body=text, row=row))
        writer.commit()
        writer.wait_merging_threads()
        build_s = time.perf_counter() - started
        index.reload()
        searcher = index.searcher()
        size_mb = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6

        def ask(question: str) -> Any:
            words = " ".join(re.findall(r"[a-z0-9]+", question.lower()))  # `AND` would be an operator
            return searcher.search(index.parse_query(words, ["body"]), K).hits

        return {**measure(ask, questions), "build_s": round(build_s, 1), "size_mb": round(size_mb)}


def measure_bm25s(texts: Sequence[str], questions: Sequence[str]) -> dict[str, Any]:
    """Return bm25s's figures, over our terms; its scores are computed when it indexes."""
    try:
        import bm25s
    except ImportError as error:
        return {"missing": f"{error}; make peers installs it"}
    started = time.perf_counter()
    retriever = bm25s.BM25(k1=K1, b=B, backend="numba")
    retriever.index([ENGLISH.find_terms(text) for text in texts], show_progress=False)
    build_s = time.perf_counter() - started

    def ask(question: str) -> Any:
        terms = [term for term in ENGLISH.find_terms(question) if term in retriever.vocab_dict]
        return retriever.retrieve([terms], k=K, show_progress=False, n_threads=1)

    return {**measure(ask, questions), "build_s": round(build_s, 1)}


PEERS: dict[str, Callable[[Sequence[str], Sequence[str]], dict[str, Any]]] = {
    "tantivy": measure_tantivy,
    "bm25s": measure_bm25s,
}


if __name__ == "__main__":
    main()
