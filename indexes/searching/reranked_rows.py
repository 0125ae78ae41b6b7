"""Reranking: the best candidates of a search, scored again by a model that reads question and passage.

Candidates are rows of the ranking, so they lie inside the question's masks; each passes the guard, too,
before the model is given its text. They reach it in the ranking's order, which no split into segments
changes, and so neither do the bits of their scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from eagleray.contracts.hits import RerankingExplanation, SearchRequest
from eagleray.contracts.ports import Reranker
from eagleray.contracts.principals import Principal
from eagleray.errors import QueryError
from indexes.masks.guard import guard_row
from indexes.searching.channels import keep_best
from indexes.searching.ranking import Ranked
from indexes.searching.targets import Target
from indexes.segments.segment_files import list_texts


def choose_reranker(request: SearchRequest, reranker: Reranker | None) -> Reranker | None:
    """Return the reranker, or `None` where the question asks for none.

    Raises:
        QueryError: it asks for reranking of fewer candidates than hits, or there is no reranker.
    """
    if request.rerank == 0:
        return None
    if request.rerank < request.k:
        detail = f"rerank is {request.rerank}, k is {request.k}: rerank at least k candidates, or 0 for none"
        raise QueryError(detail=detail)
    if reranker is None:
        detail = "there is no reranker: set EAGLERAY_RERANKER__MODEL to the folder of a cross-encoder"
        raise QueryError(detail=detail)
    return reranker


def rerank_rows(
    ranked: Sequence[Ranked], texts: Sequence[str], request: SearchRequest, reranker: Reranker
) -> tuple[list[Ranked], RerankingExplanation]:
    """Return the `k` best candidates by the reranker's score, ties by the lower chunk_id, and what was done.

    Args:
        ranked: the candidates, best first.
        texts: of each, as `read_texts` returns them.
        request: what was asked.
        reranker: is given the texts.

    Raises:
        ModelError: the reranker's model cannot be loaded, or gave a score that is not finite.
    """
    scores = reranker.score(request.query, texts).astype(np.float64)
    ids = np.array([item.chunk_id for item in ranked], dtype=np.int64)
    order = keep_best(ids, scores, n=request.k)
    identity = reranker.identity
    explanation = RerankingExplanation(
        reranker=identity.name, digest=identity.digest, n_candidates=len(ranked)
    )
    return [replace(ranked[place], reranked=float(scores[place])) for place in order], explanation


def read_texts(
    ranked: Sequence[Ranked], targets: Sequence[Target], *, as_of: int | None, principal: Principal
) -> list[str]:
    """Return heading and text of some rows, as they were embedded, read segment by segment.

    Args:
        ranked: the candidates.
        targets: one a segment.
        as_of: of the question, microseconds.
        principal: the caller.

    Raises:
        GuardError: a candidate lies outside the mask; no text is given.
    """
    for item in ranked:
        guard_row(targets[item.part].view, item.row, as_of=as_of, principal=principal)
    texts = [""] * len(ranked)
    for part in {item.part for item in ranked}:
        places = [place for place, item in enumerate(ranked) if item.part == part]
        rows = pa.array([ranked[place].row for place in places], pa.int64())
        found = list_texts(targets[part].view.rows.select(["heading", "text"]).take(rows))
        for place, text in zip(places, found, strict=True):
            texts[place] = text
    return texts
