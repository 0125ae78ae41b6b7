"""What was found: hits of many questions as arrays, checked once more, and as a table."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.many_hits import BATCH_SCHEMA
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import LATEST
from indexes.masks.guard import guard_rows
from indexes.searching.batch.columns import Columns
from indexes.segments.view import SegmentView
from indexes.selections import IntVector

DoubleVector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Hits of some questions; those of one stand together, best first.

    Attributes:
        questions: int64 [n], places in the list of questions.
        numbers: int64 [n], rows of `Columns`.
        scores: float64 [n].
        near: float64 [n], similarities; of no account where the question asked words alone.
        words: float64 [n], BM25; of no account where it asked none.
        reranked: float64 [n], scores of the reranker; of no account where it asked for none.
        relevances: float64 [n]; NaN where hits were not judged.
    """

    questions: IntVector
    numbers: IntVector
    scores: DoubleVector
    near: DoubleVector
    words: DoubleVector
    reranked: DoubleVector
    relevances: DoubleVector


def join_found(parts: Iterable[Found]) -> Found:
    """Return the hits of all parts in the order of their questions."""
    held = [*parts, _NOTHING]
    questions = np.concatenate([part.questions for part in held])
    order = np.argsort(questions, kind="stable")
    return Found(
        questions=questions[order],
        numbers=np.concatenate([part.numbers for part in held])[order],
        scores=np.concatenate([part.scores for part in held])[order],
        near=np.concatenate([part.near for part in held])[order],
        words=np.concatenate([part.words for part in held])[order],
        reranked=np.concatenate([part.reranked for part in held])[order],
        relevances=np.concatenate([part.relevances for part in held])[order],
    )


def guard_found(
    found: Found, requests: Sequence[SearchRequest], segments: Sequence[SegmentView], columns: Columns
) -> None:
    """Check every hit once more.

    Raises:
        GuardError: a row is not one that its question may find.
    """
    times = np.array([LATEST if item.as_of is None else item.as_of for item in requests], dtype=np.int64)
    callers: dict[Hashable, tuple[int, Principal]] = {}
    asked_by = np.empty(len(requests), dtype=np.int64)
    for place, principal in enumerate(request.principal for request in requests):
        who = (principal.groups, principal.zones)
        asked_by[place] = callers.setdefault(who, (len(callers), principal))[0]
    parts = columns.find_parts(found.numbers)
    for part, view in enumerate(segments):
        mine = np.flatnonzero(parts == part)
        numbers = asked_by[found.questions[mine]]
        for number, principal in callers.values():
            hits = mine[numbers == number]
            rows = found.numbers[hits] - columns.starts[part]
            guard_rows(view, rows, times=times[found.questions[hits]], principal=principal)


def tabulate(
    found: Found, requests: Sequence[SearchRequest], segments: Sequence[SegmentView], columns: Columns
) -> pa.Table:
    """Return the hits as `BATCH_SCHEMA` says."""
    has_near = np.array([request.mode is not SearchMode.LEXICAL for request in requests], dtype=np.bool_)
    has_words = np.array([request.mode is not SearchMode.DENSE for request in requests], dtype=np.bool_)
    is_reranked = np.array([request.rerank > 0 for request in requests], dtype=np.bool_)
    counts = np.bincount(found.questions, minlength=len(requests))
    firsts = np.cumsum(counts) - counts
    ranks = np.arange(len(found.questions)) - firsts[found.questions] + 1
    return pa.table(
        {
            "question": found.questions,
            "rank": ranks.astype(np.int32),
            "chunk_id": columns.chunk_ids[found.numbers],
            "doc_id": _look_up_documents(found.numbers, segments, columns),
            "score": found.scores,
            "dense": pa.array(found.near, mask=~has_near[found.questions]),
            "lexical": pa.array(found.words, mask=~has_words[found.questions]),
            "reranked": pa.array(found.reranked, mask=~is_reranked[found.questions]),
        },
        schema=BATCH_SCHEMA,
    )


def _look_up_documents(numbers: IntVector, segments: Sequence[SegmentView], columns: Columns) -> pa.Array:
    """Return the doc_id of each row, read segment by segment."""
    parts = columns.find_parts(numbers)
    places, names = [np.empty(0, dtype=np.int64)], [pa.array([], pa.string())]
    for part, view in enumerate(segments):
        mine = np.flatnonzero(parts == part)
        rows, repeats = np.unique(numbers[mine] - columns.starts[part], return_inverse=True)
        distinct = view.rows["doc_id"].take(pa.array(rows)).combine_chunks()
        names.append(distinct.take(pa.array(repeats)))
        places.append(mine)
    order = np.argsort(np.concatenate(places))
    return pa.concat_arrays(names).take(pa.array(order))


_NOTHING: Final = Found(
    questions=np.empty(0, dtype=np.int64),
    numbers=np.empty(0, dtype=np.int64),
    scores=np.empty(0),
    near=np.empty(0),
    words=np.empty(0),
    reranked=np.empty(0),
    relevances=np.empty(0),
)
