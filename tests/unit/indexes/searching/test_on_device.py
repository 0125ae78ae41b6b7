"""A searcher whose vectors lie on a device gives the answers of exact search, whoever asks for what."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from benchmarks.differential import draw_request
from benchmarks.differential_world import make_world
from eagleray.contracts.hits import PlanKind
from eagleray.errors import InputError
from indexes.searching import channels
from indexes.searching.searcher import Searcher
from indexes.segments.on_device import bring_to_device

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SEED = 13
"""Four segments, two of them with inverted lists."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(SEED, tmp_path_factory.mktemp("device"))


@pytest.fixture
def views(world):
    if DEVICE == "cuda":
        return bring_to_device(world.views, DEVICE)
    from indexes.dense.torch_flat import TorchFlatIndex  # `bring_to_device` leaves them alone on a CPU

    return [
        replace(view, on_device=TorchFlatIndex(view.vectors, view.chunk_ids, device="cpu"))
        for view in world.views
    ]


@pytest.mark.parametrize("seed", range(3))
def test_drawn_questions_have_the_answers_of_exact_search(world, views, seed, monkeypatch):
    monkeypatch.setattr(channels, "_WORTH_SENDING", 1)
    searcher = Searcher("0" * 64, views, embedder=world.embedder)
    drawn, kinds = random.Random(seed), set()  # noqa: S311 - draws questions, not secrets
    for _ in range(60):
        request = draw_request(drawn)
        if request.query not in world.embedder.vectors:
            world.embedder.draw(request.query)
        found = searcher.search(request)
        wanted = world.searcher.search(replace(request, exact=True))
        assert found.hits == wanted.hits, request
        kinds.update(segment.plan for segment in found.explanation.segments)
    assert PlanKind.APPROXIMATE not in kinds
    assert kinds & {PlanKind.EXACT, PlanKind.PREFIX}


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_a_gpu_that_is_not_there_is_refused(world):
    with pytest.raises(InputError, match="torch sees no GPU; set EAGLERAY_SEARCH__DEVICE=cpu"):
        bring_to_device(world.views, "cuda")
    assert bring_to_device(world.views, "cpu") == tuple(world.views)
