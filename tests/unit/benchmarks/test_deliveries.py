from __future__ import annotations

import random

from benchmarks.deliveries import Deliveries, find_time, plan_deliveries
from eagleray.contracts.times import OPEN_END

SECOND = 1_000_000


def make_story(name, seconds, text="One. Two. Three. Four."):
    return {"_id": name, "title": name, "text": text, "metadata": {"datetime": f"1970-01-01T00:00:{seconds}"}}


def test_spans_are_those_worked_out_by_hand():
    deliveries = Deliveries(
        first=[make_story("stays", 10), make_story("corrected", 20), make_story("withdrawn", 30)],
        second=[],
        corrected={"corrected": 45 * SECOND},
        withdrawn=frozenset({"withdrawn"}),
    )
    assert deliveries.find_spans(withdrawn_at=59 * SECOND) == {
        ("stays", 10 * SECOND): OPEN_END,
        ("corrected", 20 * SECOND): 45 * SECOND,
        ("corrected", 45 * SECOND): OPEN_END,
        ("withdrawn", 30 * SECOND): 59 * SECOND,
    }


def test_the_second_delivery_corrects_one_half_of_the_drawn_stories_and_lacks_the_other():
    stories = [make_story(f"story-{number}", 10 + number) for number in range(9)]
    deliveries = plan_deliveries(stories, random.Random(3), n_changed=4)  # noqa: S311 - chooses stories, not secrets
    assert deliveries.first == stories
    assert len(deliveries.corrected) == len(deliveries.withdrawn) == 2
    assert not deliveries.withdrawn & deliveries.corrected.keys()
    kept = [story for story in stories if story["_id"] not in deliveries.withdrawn]
    assert [story["_id"] for story in deliveries.second] == [story["_id"] for story in kept]
    for before, after in zip(kept, deliveries.second, strict=True):
        if before["_id"] in deliveries.corrected:
            assert after["text"] == "CORRECTED: Three. Four."
            assert find_time(after) == deliveries.corrected[before["_id"]] > find_time(before)
        else:
            assert after == before
