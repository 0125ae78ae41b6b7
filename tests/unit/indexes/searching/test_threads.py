"""One searcher asked by many threads answers as it does alone."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from benchmarks.differential import draw_request
from benchmarks.differential_world import make_world
from indexes.searching import targets


def test_threads_that_share_masks_and_counts_get_the_answers_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "_MAX_COUNTED", 3)  # counts are forgotten all the time
    world = make_world(43, tmp_path)
    drawn = random.Random(43)  # noqa: S311 - draws questions, not secrets
    requests = [draw_request(drawn) for _ in range(120)]
    for request in requests:
        if request.query not in world.embedder.vectors:
            world.embedder.draw(request.query)

    def ask(request):
        return [(hit.chunk_id, hit.score) for hit in world.searcher.search(request).hits]

    alone = [ask(request) for request in requests]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert list(pool.map(ask, requests)) == alone
