"""Questions with one query in one view: what they share, and their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from eagleray.contracts.hits import Granularity, SearchMode, SearchRequest
from eagleray.contracts.manifests import FittedRanking
from eagleray.contracts.times import LATEST
from indexes.dense.vectors import FloatVector
from indexes.searching.batch.compiled_answers import Barred, Blend, answer_all
from indexes.searching.batch.found import Found
from indexes.searching.batch.views import View, count_view
from indexes.searching.batch.weighing import WeighedWords, weigh_no_words, weigh_words
from indexes.searching.batch.words import WordFinder
from indexes.searching.limits import Limits, choose_limits
from indexes.searching.weights import Boosts, choose_weights, list_boosts
from indexes.selections import IntVector

_AT_ONCE: Final = 512
"""Questions of a group at most, so that one query asked very often is work for all threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a question's ranking comes to.

    Attributes:
        dense_weight: share of the dense channel where both answer.
        boosts: the fields whose words count besides those of the body.
        limits: what keeps a row from being a hit.
    """

    dense_weight: float
    boosts: Boosts
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Questions in ascending order of their times.

    Attributes:
        rules: by which rows are hits.
        places: int64 [n], in the list of questions.
        times: int64 [n], microseconds.
        wanted: int64 [n], hits of each.
    """

    query: str
    mode: SearchMode
    rules: Rules
    places: IntVector
    times: IntVector
    wanted: IntVector


def group_questions(
    requests: Sequence[SearchRequest], places: Sequence[int], *, fitted: FittedRanking | None
) -> Iterator[Group]:
    """Yield the groups of some questions that share a view, by query."""
    groups: dict[tuple[str, SearchMode, Rules], list[int]] = {}
    known: dict[tuple[int, Granularity], Rules] = {}
    for place in places:
        request = requests[place]
        name = (id(request.ranking), request.granularity)
        if name not in known:
            known[name] = _choose_rules(request, fitted)
        groups.setdefault((request.query, request.mode, known[name]), []).append(place)
    for (query, mode, rules), mine in groups.items():
        asked = [requests[place].as_of for place in mine]
        times = np.array([LATEST if time is None else time for time in asked], dtype=np.int64)
        wanted = np.array([requests[place].k for place in mine], dtype=np.int64)
        order = np.argsort(times, kind="stable")
        for start in range(0, len(mine), _AT_ONCE):
            taken = order[start : start + _AT_ONCE]
            yield Group(
                query=query,
                mode=mode,
                rules=rules,
                places=np.array(mine, dtype=np.int64)[taken],
                times=times[taken],
                wanted=wanted[taken],
            )


def _choose_rules(request: SearchRequest, fitted: FittedRanking | None) -> Rules:
    weights = choose_weights(request.ranking, fitted)
    return Rules(
        dense_weight=weights.dense, boosts=list_boosts(weights.boosts), limits=choose_limits(request)
    )


def answer_group(
    group: Group, view: View, finder: WordFinder, *, terms: Mapping[str, int], near: FloatVector | None
) -> Found:
    """Return the hits of a group's questions.

    Args:
        group: the questions.
        view: what they may find at some time.
        finder: of words in the view.
        terms: the query's words.
        near: float32 [n_rows], the similarity of every row of all segments; `None` where words alone answer.
    """
    counts = count_view(view, group.times)
    if group.mode is SearchMode.DENSE:
        words = weigh_no_words(len(group.times))
    else:
        words = weigh_words(terms, finder, counts, group.times, boosts=group.rules.boosts)
    n_most = min(int(group.wanted.max()), len(view))
    shape = (len(group.times), n_most)
    n_kept = np.zeros(len(group.times), dtype=np.int64)
    kept = (np.empty(shape, dtype=np.int64), np.empty(shape), np.empty(shape), n_kept)
    similarities = np.empty(0, dtype=np.float32) if near is None else near[view.numbers]
    if n_most:
        answer_all(
            similarities,
            (view.known_to, view.chunk_ids, view.documents),
            _list_fields(words),
            (group.times, counts.prefixes, np.minimum(group.wanted, n_most)),
            (_blend(group), _limit(group.rules.limits)),
            kept,
        )
    held = np.arange(n_most)[None, :] < n_kept[:, None]
    places = kept[0][held]
    return Found(
        questions=np.repeat(group.places, n_kept),
        numbers=view.numbers[places],
        scores=kept[1][held],
        near=np.zeros(len(places)) if near is None else similarities[places].astype(np.float64),
        words=kept[2][held],
        reranked=np.zeros(len(places)),
        relevances=np.full(len(places), np.nan),
    )


def _blend(group: Group) -> Blend:
    dense = group.rules.dense_weight
    alone = {SearchMode.DENSE: (1.0, 0.0), SearchMode.LEXICAL: (0.0, 1.0)}
    return alone.get(group.mode, (dense, 1.0 - dense))


def _limit(limits: Limits) -> Barred:
    return limits.n_per_document or 0, limits.score, limits.dense, limits.lexical


def _list_fields(words: WeighedWords) -> tuple[object, ...]:
    return (
        words.places,
        words.frequencies,
        words.lengths,
        words.starts,
        words.ends,
        words.weights,
        words.held_back,
        words.boosts,
    )
