"""A corpus of dated stories as two deliveries, and what was therefore known when.

The first delivery is the corpus as it is. In the second some stories are corrected, at a later time
of their own, and some are gone. What was known when is told here from the stories alone, so that it
can be held against what the product makes of them.
"""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from eagleray.contracts.services import IngestRequest
from eagleray.contracts.times import OPEN_END, format_micros, parse_instant
from eagleray.parts import JOBS
from eagleray.settings import Settings, load_settings

MAPPING: Final = "known_from: {field: metadata.datetime, zone: UTC}\n"
"""A story is known from the moment it went over the wire."""

MAX_SEGMENT_ROWS: Final = 8_000
"""Small, so that answers come out of several segments."""

_MAX_DELAY: Final = 10 * 86_400_000_000
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")

Story: TypeAlias = dict[str, Any]
Spans: TypeAlias = dict[tuple[str, int], int]
"""(doc_id, known_from) of a version -> its known_to, microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What is delivered first and second.

    Attributes:
        corrected: doc_id -> when the correction became known, microseconds.
        withdrawn: doc_ids that the second delivery lacks.
    """

    first: list[Story]
    second: list[Story]
    corrected: dict[str, int]
    withdrawn: frozenset[str]

    def find_spans(self, *, withdrawn_at: int) -> Spans:
        """Return the span in which each version is known.

        Args:
            withdrawn_at: when it was noticed that stories are gone.
        """
        spans: Spans = {}
        for story in self.first:
            doc_id, begin = story["_id"], find_time(story)
            spans[doc_id, begin] = withdrawn_at if doc_id in self.withdrawn else OPEN_END
            if doc_id in self.corrected:
                spans[doc_id, begin] = moment = self.corrected[doc_id]
                spans[doc_id, moment] = OPEN_END
        return spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Where both deliveries went; the second began and ended at these times, microseconds."""

    settings: Settings
    second_began: int
    second_ended: int


def read_stories(corpus: Path) -> list[Story]:
    """Return the stories that have a text and a time, in the order of the file."""
    with (corpus / "corpus.jsonl").open() as stream:
        stories = [json.loads(line) for line in stream]
    return [story for story in stories if story["text"].strip() and story["metadata"]["datetime"]]


def plan_deliveries(stories: list[Story], rng: random.Random, *, n_changed: int) -> Deliveries:
    """Correct one half of `n_changed` stories, drawn at random, and withdraw the other half.

    A correction leaves out the first half of the story's sentences.
    """
    drawn = rng.sample(stories, n_changed)
    corrected = {
        story["_id"]: find_time(story) + rng.randrange(1, _MAX_DELAY) for story in drawn[: n_changed // 2]
    }
    withdrawn = frozenset(story["_id"] for story in drawn[n_changed // 2 :])
    second = [
        _correct(story, corrected[story["_id"]]) if story["_id"] in corrected else story
        for story in stories
        if story["_id"] not in withdrawn
    ]
    return Deliveries(first=stories, second=second, corrected=corrected, withdrawn=withdrawn)


def find_time(story: Story) -> int:
    """Return when the story became known, microseconds."""
    return parse_instant(story["metadata"]["datetime"], default_zone="UTC")


def cut_sentences(text: str) -> list[str]:
    """Return the sentences of a text with single spaces."""
    return [" ".join(sentence.split()) for sentence in _SENTENCE.split(text) if sentence.strip()]


def deliver(
    deliveries: Deliveries, folder: Path, *, model: str, max_segment_rows: int = MAX_SEGMENT_ROWS
) -> Delivered:
    """Ingest both deliveries into one collection, whose store lies in `folder`."""
    settings = load_settings(store=str(folder / "store"), collection="stories")
    jobs = settings.jobs.model_copy(update={"max_segment_rows": max_segment_rows})
    embedder = settings.embedder.model_copy(update={"model": model})
    settings = settings.model_copy(update={"jobs": jobs, "embedder": embedder})
    mapping, source = folder / "mapping.yaml", folder / "wire"
    mapping.write_text(MAPPING)
    source.mkdir()
    request = IngestRequest(source=str(source), mapping=str(mapping))
    began = 0
    for stories in (deliveries.first, deliveries.second):
        (source / "corpus.jsonl").write_text("".join(json.dumps(story) + "\n" for story in stories))
        began = time.time_ns() // 1000
        print(JOBS.load(settings).ingest(request, _show_stage), flush=True)
    return Delivered(settings=settings, second_began=began, second_ended=time.time_ns() // 1000)


def _correct(story: Story, moment: int) -> Story:
    sentences = cut_sentences(story["text"])
    text = " ".join(["CORRECTED:", *sentences[len(sentences) // 2 :]])
    return {**story, "text": text, "metadata": {**story["metadata"], "datetime": format_micros(moment)}}


def _show_stage(stage: str, done: int, total: int) -> None:
    if done == total:
        print(stage, total, flush=True)
