"""Questions about dated stories, asked as of moments at which the answer may change."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from benchmarks.deliveries import Delivered, Deliveries, Spans, Story, cut_sentences, find_time
from eagleray.contracts.times import OPEN_END


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnQuestion:
    """A query and when it is asked as of, microseconds."""

    text: str
    as_of: int


QUERIES_PER_MOMENT: Final = 5
"""Queries that share a T, because an index is built anew for each T."""

_N_NEAR: Final = 20


def draw_questions(
    deliveries: Deliveries,
    delivered: Delivered,
    rng: random.Random,
    *,
    n: int,
    per_moment: int = QUERIES_PER_MOMENT,
) -> list[DrawnQuestion]:
    """Return titles and sentences of stories, those of one T together.

    T is when a version of a story became known or ended, the last moment before one of these, any
    moment on the wire, or the end of the second delivery. The first query of a T is of that story,
    the others are of stories that became known about then and of stories that were changed.
    """
    corrections = [story for story in deliveries.second if story["_id"] in deliveries.corrected]
    versions = sorted([*deliveries.first, *corrections], key=find_time)
    times = [find_time(story) for story in versions]
    is_changed = deliveries.corrected.keys() | deliveries.withdrawn
    changed = [story for story in versions if story["_id"] in is_changed]
    spans = deliveries.find_spans(withdrawn_at=delivered.second_ended)
    questions: list[DrawnQuestion] = []
    while len(questions) < n:
        story = rng.choice(changed if rng.random() < 0.7 else versions)
        any_moment = rng.choice([rng.randint(times[0], times[-1]), delivered.second_ended])
        as_of = rng.choice([*_find_edges(story, spans, delivered), any_moment])
        place = bisect_right(times, as_of)
        near = versions[max(place - _N_NEAR, 0) : place + _N_NEAR]
        others = [rng.choice(near if number % 2 else changed) for number in range(1, per_moment)]
        questions += [DrawnQuestion(text=_draw_text(item, rng), as_of=as_of) for item in (story, *others)]
    return questions[:n]


def _find_edges(story: Story, spans: Spans, delivered: Delivered) -> list[int]:
    """Return when the version begins and ends, and the last moment before each."""
    begin = find_time(story)
    end = spans[story["_id"], begin]
    if end == OPEN_END:
        return [begin - 1, begin]
    # The product decides when a withdrawal is noticed: at some moment of the second delivery.
    before = delivered.second_began if end == delivered.second_ended else end - 1
    return [begin - 1, begin, before, end]


def _draw_text(story: Story, rng: random.Random) -> str:
    title = story["title"].strip()
    return title if title and rng.random() < 0.5 else rng.choice(cut_sentences(story["text"]))
