"""From the ranked rows of an answer to its hits, judged, and whether the answer as a whole is relevant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from eagleray.contracts.hits import Hit, SearchRequest
from indexes.fusion.relevance import RELEVANT
from indexes.searching.ranked_answers import cut_page
from indexes.searching.ranking import Ranked
from indexes.searching.relevance_rules import RelevanceRule
from indexes.searching.sharded.source import ShardedSource

_JUDGED: Final = 10
"""Hits of a ranking that tell for each of its pages whether the answer is relevant."""


def present_hits(
    source: ShardedSource, ranked: Sequence[Ranked], request: SearchRequest, *, rule: RelevanceRule | None
) -> tuple[Sequence[Hit], bool | None]:
    """Return the hits that are shown, and whether the answer is relevant; `None` where nothing is judged.

    Args:
        source: of the rows.
        ranked: the rows, best first.
        request: what was asked.
        rule: by which hits are judged, if they are.

    Raises:
        GuardError: a row lies outside the mask; no hit is given.
    """
    least = request.ranking.min_relevance
    if rule is None:
        return source.present(cut_page(ranked, request.page), rule=None), None
    if least is not None:
        judged = source.present(ranked, rule=rule)
        kept = [hit for hit in judged if (hit.relevance or 0.0) >= least]
        return cut_page(kept, request.page), _is_relevant(judged)
    hits = source.present(cut_page(ranked, request.page), rule=rule)
    relevant = _is_relevant(hits)
    if not relevant and request.page is not None:
        relevant = _is_relevant(source.present(ranked[:_JUDGED], rule=rule))
    return hits, relevant


def _is_relevant(hits: Iterable[Hit]) -> bool:
    return any(hit.relevance is not None and hit.relevance >= RELEVANT for hit in hits)
