"""What an as-of search costs over the same search without: a ratio of medians."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Final

from benchmarks.questions import DrawnQuestion
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.ports import SearchEngine
from eagleray.errors import IntegrityError

_K: Final = 10


def measure_overhead(
    engine: SearchEngine, questions: Sequence[DrawnQuestion], mode: SearchMode, *, latest: int
) -> dict[str, float]:
    """Return medians in milliseconds without as-of, as of the latest T and as of each question's own.

    The three alternate question by question, each first as often as the others. As of the latest
    T the same rows are visible as without as-of, so what differs is the cost of as-of alone.

    Args:
        engine: the engine under test, whose embedder takes no time worth mentioning.
        questions: what is asked.
        mode: which channels answer.
        latest: a T after all changes, microseconds.

    Raises:
        IntegrityError: the answer as of the latest T is not the one without as-of.
    """
    names = ("none", "latest", "own")
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number, question in enumerate(questions):
        moments = dict(zip(names, (None, latest, question.as_of), strict=True))
        hits = {}
        for turn in range(len(names)):
            name = names[(number + turn) % len(names)]
            request = SearchRequest(query=question.text, k=_K, mode=mode, as_of=moments[name])
            started = time.perf_counter()
            hits[name] = engine.search(request).hits
            taken[name].append((time.perf_counter() - started) * 1000.0)
        if hits["none"] != hits["latest"]:
            expected = "the answer without as-of"
            raise IntegrityError(path=question.text, expected=expected, found="another as of the latest T")
    return {name: median(values) for name, values in taken.items()}
