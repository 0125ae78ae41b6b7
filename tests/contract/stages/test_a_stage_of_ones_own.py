"""A stage that nobody foresaw, whole: its outcome, task and spec, and its place in the pipeline's list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.services import IngestRequest
from indexes.runs.states import find_run
from indexes.storage import open_store
from ray_jobs import pipeline
from ray_jobs.service import RayJobService
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.embed import ChunkFile, read_chunks

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


@dataclass(frozen=True, slots=True, kw_only=True)
class WordCount:
    n_words: int


class CountWordsTask:
    def __init__(self, ledger):
        self._ledger = ledger

    def __call__(self, payload):
        texts = read_chunks(self._ledger, payload)["text"].to_pylist()
        return WordCount(n_words=sum(len(text.split()) for text in texts))


def count_words(run, left, *, told):
    files = (ChunkFile(shard=item.shard, chunks=item.chunks) for item in left.arranged if item.chunks)
    task = partial(CountWordsTask, run.ledger)
    stage = StageSpec(name="count-words", payloads=tuple(files), make_task=task, outcome=WordCount)
    told.append(sum(outcome.n_words for outcome in run.do(stage)))
    return left


def test_a_stage_is_added_to_the_list_and_is_run_recorded_and_told(cluster, settings, tmp_path, monkeypatch):
    (tmp_path / "desk").mkdir()
    for number in range(5):
        (tmp_path / "desk" / f"{number}.txt").write_text("one two three " * (number + 1))
    told, progress = [], []
    steps = list(pipeline.PIPELINE)
    steps.insert(steps.index(pipeline.embed), partial(count_words, told=told))
    monkeypatch.setattr(pipeline, "PIPELINE", steps)
    request = IngestRequest(source=str(tmp_path / "desk"))
    report = RayJobService(settings).ingest(request, lambda *step: progress.append(step))
    assert told == [3 * (1 + 2 + 3 + 4 + 5)]
    stages = [
        state.stage
        for state in find_run(Collection(open_store(settings.store), "notes"), report["run"]).stages
    ]
    assert stages == ["ingest", "arrange", "embed", "build", "count-words"]
    assert [(done, total) for stage, done, total in progress if stage == "count-words"] == [(1, 1)]
