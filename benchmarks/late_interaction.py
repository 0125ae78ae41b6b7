"""Does late interaction order the candidates of hybrid search better? nDCG@10 before and after, paired.

    python -m benchmarks.late_interaction CORPUS_DIR --queries NAME [NAME ...] --qrels NAME

The corpus goes through the product's own ingest with default settings. Of each set of questions a sample is
asked; the first `--depth` documents, each by its best chunk, are scored again by the token vectors of the
product's embedder, computed for these chunks only. "mixed" is a convex mix of both scores, each scaled to
0..1 over a question's candidates; its weight is fitted on one half of the questions and used on the other.

Source: Khattab and Zaharia, ColBERT, SIGIR 2020, equation 3 (MaxSim). The model here was not trained for it.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import transformers
from tokenizers import Tokenizer

from benchmarks.corpora import JudgedQuery, read_judged_queries
from benchmarks.reporting import show_result
from benchmarks.retrieval import K, build
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.ports import SearchEngine
from eagleray.embedders.configured_embedder import find_model
from eagleray.embedders.layout import read_layout
from eagleray.models.batching import cut_batches
from eagleray.settings import load_settings
from indexes.evaluation.metrics import ndcg_at_k

Doubles = npt.NDArray[np.float64]

WEIGHTS: Final = np.round(np.arange(0.0, 1.01, 0.05), 2)
"""Shares of MaxSim that are tried; 0 leaves the hybrid order as it is."""

RESAMPLES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What hybrid search found for one question: ids, texts and scores, best first."""

    query: JudgedQuery
    doc_ids: list[str]
    texts: list[str]
    hybrid: Doubles


def main() -> None:
    """Build, ask, score again, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--queries", nargs="+", default=["queries"])
    parser.add_argument("--qrels", default="all")
    parser.add_argument("--n", type=int, default=300, help="questions of each set")
    parser.add_argument("--depth", type=int, default=50, help="documents that are scored again")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="eagleray-late-interaction-") as folder:
        engine = build(arguments.corpus, Path(folder))
        sets = {}
        for name in arguments.queries:
            queries = read_judged_queries(arguments.corpus, queries=name, qrels=arguments.qrels)
            drawn = random.Random(arguments.seed).sample(queries, min(arguments.n, len(queries)))  # noqa: S311 - a sample, no secret
            sets[name] = [find_candidates(engine, query, depth=arguments.depth) for query in drawn]
    near, cost = score_maxsim([item for asked in sets.values() for item in asked])
    figures = {}
    for name, asked in sets.items():
        figures[name] = measure(asked, near[: len(asked)], seed=arguments.seed)
        near = near[len(asked) :]
    show_result({"corpus": arguments.corpus.name, "qrels": arguments.qrels, "sets": figures, **cost})


def find_candidates(engine: SearchEngine, query: JudgedQuery, *, depth: int) -> Candidates:
    """Return the best documents of hybrid search, each with the text its vector was made of."""
    hits = engine.search(SearchRequest(query=query.text, k=depth)).hits
    return Candidates(
        query=query,
        doc_ids=[hit.doc_id for hit in hits],
        texts=[f"{hit.heading}\n{hit.text}" if hit.heading else hit.text for hit in hits],
        hybrid=np.array([hit.score for hit in hits]),
    )


def measure(asked: Sequence[Candidates], near: Sequence[Doubles], *, seed: int) -> dict[str, Any]:
    """Return the means, and the paired differences to hybrid.

    Args:
        asked: the candidates of each question.
        near: their MaxSim.
        seed: of the bootstrap.
    """
    gains = np.array(
        [
            [judge(item, mix(item.hybrid, scores, weight)) for weight in WEIGHTS]
            for item, scores in zip(asked, near, strict=True)
        ]
    )
    mixed, weights = fit_halves(gains)
    hybrid = gains[:, 0]
    differences = gains.mean(axis=0) - hybrid.mean()
    return {
        "queries": len(asked),
        "hybrid": round(float(hybrid.mean()), 4),
        "maxsim": compare(gains[:, -1], hybrid, seed=seed),
        "mixed": {**compare(mixed, hybrid, seed=seed), "weights": weights},
        "difference_by_weight": {
            f"{weight:.2f}": round(float(value), 4)
            for weight, value in zip(WEIGHTS, differences, strict=True)
        },
    }


def score_maxsim(asked: Sequence[Candidates]) -> tuple[list[Doubles], dict[str, float]]:
    """Return each candidate's MaxSim to its question, and what the token vectors cost."""
    encoder = TokenEncoder()
    questions: dict[int, npt.NDArray[np.float32]] = dict(encoder.encode([item.query.text for item in asked]))
    wanted: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, item in enumerate(asked):
        for place, text in enumerate(item.texts):
            wanted[text].append((number, place))
    scores = [np.zeros(len(item.texts)) for item in asked]
    texts, n_tokens, started = list(wanted), 0, time.perf_counter()
    for row, tokens in encoder.encode(texts):
        n_tokens += len(tokens)
        for number, place in wanted[texts[row]]:
            scores[number][place] = (questions[number] @ tokens.T).max(axis=1).sum(dtype=np.float64)
    elapsed_s = time.perf_counter() - started
    return scores, {
        "chunks": len(texts),
        "tokens_per_chunk": round(n_tokens / len(texts), 1),
        "ms_per_chunk": round(1000.0 * elapsed_s / len(texts), 2),
    }


class TokenEncoder:
    """Unit vectors of a text's tokens, special ones left out: the last hidden states of the embedder."""

    def __init__(self) -> None:
        folder = find_model(load_settings().embedder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(read_layout(folder).max_tokens)
        self._tokenizer.no_padding()
        self._model = transformers.AutoModel.from_pretrained(str(folder), local_files_only=True).eval()

    def encode(self, texts: Sequence[str]) -> Any:
        """Yield (row, float32 [n_tokens, dim]) of each text, in no particular order."""
        encoded = self._tokenizer.encode_batch(list(texts))
        for rows in cut_batches([len(item.ids) for item in encoded], 4096):
            longest = max(len(encoded[row].ids) for row in rows)
            ids = torch.zeros((len(rows), longest), dtype=torch.int64)
            mask = torch.zeros_like(ids)
            for place, row in enumerate(rows):
                ids[place, : len(encoded[row].ids)] = torch.tensor(encoded[row].ids)
                mask[place, : len(encoded[row].ids)] = 1
            with torch.inference_mode():
                states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
                states = torch.nn.functional.normalize(states, dim=-1).numpy()
            for place, row in enumerate(rows):
                is_word = np.array(encoded[row].special_tokens_mask) == 0
                yield row, states[place, : len(is_word)][is_word]


def mix(hybrid: Doubles, near: Doubles, weight: float) -> Doubles:
    """Return the convex mix of both scores, each scaled to 0..1 over the candidates."""
    return (1.0 - weight) * _scale(hybrid) + weight * _scale(near)


def judge(item: Candidates, scores: Doubles) -> float:
    """Return nDCG@10 of the candidates in the order of these scores, ties as hybrid has them."""
    order = np.argsort(-scores, kind="stable")
    return ndcg_at_k([item.doc_ids[place] for place in order[:K]], item.query.relevant, k=K)


def fit_halves(gains: Doubles) -> tuple[Doubles, list[float]]:
    """Return each question's gain under the weight that was best for the other half, and both weights."""
    is_even = np.arange(len(gains)) % 2 == 0
    chosen = {half: int(gains[is_even != half].mean(0).argmax()) for half in (True, False)}
    mixed = np.where(is_even, gains[:, chosen[True]], gains[:, chosen[False]])
    return mixed, [float(WEIGHTS[chosen[half]]) for half in (True, False)]


def compare(after: Doubles, before: Doubles, *, seed: int) -> dict[str, Any]:
    """Return the mean, its difference, and the 95 % interval of the difference by a paired bootstrap."""
    differences = after - before
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(differences), size=(RESAMPLES, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), [0.025, 0.975])
    return {
        "ndcg@10": round(float(after.mean()), 4),
        "difference": round(float(differences.mean()), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
        "better": int((differences > 0).sum()),
        "worse": int((differences < 0).sum()),
    }


def _scale(scores: Doubles) -> Doubles:
    span = np.ptp(scores) if len(scores) else 0.0
    return (scores - scores.min()) / span if span > 0.0 else np.zeros_like(scores)


if __name__ == "__main__":
    main()
