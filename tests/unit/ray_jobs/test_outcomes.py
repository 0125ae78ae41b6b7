"""Markers as they have always been on disk: a run that an older version began goes on from them."""

from __future__ import annotations

import json

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import AttributeType
from indexes.runs.markers import Stage
from indexes.storage import open_store
from ray_jobs.codebook_trainer import TrainOutcome
from ray_jobs.ledger import Ledger
from ray_jobs.stages.answer import AnswerFile, AnswerOutcome
from ray_jobs.stages.arrange import ArrangeOutcome, PatchOutcome, PatchRows
from ray_jobs.stages.build import BuiltSegment
from ray_jobs.stages.embed import EmbedOutcome
from ray_jobs.stages.enrich import EnrichOutcome
from ray_jobs.stages.ingest import IngestOutcome
from ray_jobs.stages.state import StateOutcome

READ = {"files": ("a", "b"), "faulty": ("x/y.txt",), "n_documents": 3, "n_dead_letters": 1}
VECTORS = {"shard": 1, "vectors": "v", "probes": "p", "probes_digest": "d", "n_rows": 4}
NOTHING_NEW = {"shard": 2, "counts": {"removed": 1}, "chunks": None, "patch": None, "n_dead_letters": 0}
MARKERS = [
    (
        Stage.INGEST,
        IngestOutcome(**READ),
        '{"faulty":["x/y.txt"],"files":["a","b"],"key":"k","n_dead_letters":1,"n_documents":3}',
    ),
    (
        Stage.INGEST,
        IngestOutcome(**READ, vectors=("v",)),
        '{"faulty":["x/y.txt"],"files":["a","b"],"key":"k","n_dead_letters":1,"n_documents":3,"vectors":["v"]}',
    ),
    (
        "enrich-languages",
        EnrichOutcome(files=("a",), faulty=("desk/x.txt",), n_dead_letters=1),
        '{"faulty":["desk/x.txt"],"files":["a"],"key":"k","n_dead_letters":1}',
    ),
    (Stage.STATE, StateOutcome(files=("a",)), '{"files":["a"],"key":"k"}'),
    (
        Stage.ARRANGE,
        ArrangeOutcome(**NOTHING_NEW),
        '{"chunks":null,"counts":{"removed":1},"key":"k","n_dead_letters":0,"patch":null,"shard":2}',
    ),
    (
        Stage.ARRANGE,
        ArrangeOutcome(
            **NOTHING_NEW | {"chunks": "c", "patch": PatchRows(path="p", sha256="s")},
            rows_by_zone={"london": 3},
            bytes_by_zone={"london": 99},
        ),
        '{"bytes_by_zone":{"london":99},"chunks":"c","counts":{"removed":1},"key":"k","n_dead_letters":0,'
        '"patch":{"path":"p","sha256":"s"},"rows_by_zone":{"london":3},"shard":2}',
    ),
    (Stage.PATCH, PatchOutcome(patch="p"), '{"key":"k","patch":"p"}'),
    (
        Stage.EMBED,
        EmbedOutcome(**VECTORS, seconds=0.0),
        '{"key":"k","n_rows":4,"probes":"p","probes_digest":"d","seconds":0.0,"shard":1,"vectors":"v"}',
    ),
    (
        Stage.EMBED,
        EmbedOutcome(**VECTORS),
        '{"key":"k","n_rows":4,"probes":"p","probes_digest":"d","shard":1,"vectors":"v"}',
    ),
    (
        Stage.TRAIN,
        TrainOutcome(codebook="c", drift=1.0, trained=True),
        '{"codebook":"c","drift":1.0,"key":"k","trained":true}',
    ),
    (
        Stage.BUILD,
        BuiltSegment(
            segment="s", n_rows=2, attributes={"year": (AttributeType.INTEGER, AttributeType.STRING)}
        ),
        '{"attributes":{"year":["integer","string"]},"key":"k","n_rows":2,"segment":"s"}',
    ),
    (
        Stage.ANSWER,
        AnswerOutcome(
            n_questions=2, n_hits=1, n_dead_letters=1, files=(AnswerFile(path="p", sha256="s", n_rows=1),)
        ),
        '{"files":[{"n_rows":1,"path":"p","sha256":"s"}],"key":"k","n_dead_letters":1,"n_hits":1,'
        '"n_questions":2}',
    ),
]


@pytest.mark.parametrize(
    ("stage", "outcome", "marker"), MARKERS, ids=[f"{type(outcome).__name__}" for _, outcome, _ in MARKERS]
)
def test_an_outcome_is_the_marker_it_always_was_and_is_read_back_as_it_was(tmp_path, stage, outcome, marker):
    ledger = Ledger(Collection(open_store(tmp_path), "notes"), run_id="run")
    ledger.record(stage, "k", outcome)
    data = ledger.store.read(ledger.locate(stage, "k", "json")).decode()
    assert f'{{"marker":{marker},' in data
    assert json.loads(data)["marker"] == json.loads(marker)
    assert ledger.find_outcome(stage, "k", type(outcome)) == outcome
