from __future__ import annotations

import numpy as np
import pytest

from eagleray.contracts.hits import Fusion, Granularity, SearchMode
from eagleray.contracts.indexes import TextField
from indexes.fusion.diversity import choose_diverse

QUERIES = ("swap curve repo", "margin issuer tranche", 'bond "call put"')


def rank_by_hand(hits, *, window=100):
    """Return chunk_id -> 1 / (60 + rank), for the hits of one channel, best first."""
    return {hit.chunk_id: 1.0 / (60 + rank) for rank, hit in enumerate(hits[:window], start=1)}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("granularity", list(Granularity))
def test_reciprocal_ranks_are_those_of_the_two_channels(asked, query, granularity):
    every = {"granularity": Granularity.CHUNK, "k": 10_000, "exact": True}
    owners = {row.chunk_id: row.doc_id for row in asked.world.rows}
    total = {}
    for mode in (SearchMode.DENSE, SearchMode.LEXICAL):
        for chunk_id, score in rank_by_hand(asked.ask(query, mode=mode, **every)).items():
            total[chunk_id] = total.get(chunk_id, 0.0) + score
    order = sorted(total, key=lambda chunk_id: (-total[chunk_id], chunk_id))
    if granularity is Granularity.DOCUMENT:
        firsts = {}
        for chunk_id in order:
            firsts.setdefault(owners[chunk_id], chunk_id)
        order = list(firsts.values())
    hits = asked.ask(query, fusion=Fusion.RECIPROCAL_RANK, granularity=granularity, k=20, exact=True)
    assert [hit.chunk_id for hit in hits] == order[:20]
    assert [hit.score for hit in hits] == pytest.approx([total[chunk_id] for chunk_id in order[:20]])
    dense = {hit.chunk_id: hit.dense for hit in asked.ask(query, mode=SearchMode.DENSE, **every)}
    assert all(hit.dense == dense[hit.chunk_id] for hit in hits)


@pytest.mark.parametrize("fusion", list(Fusion))
@pytest.mark.parametrize("n", [1, 2])
def test_hits_reach_every_least_score_and_no_document_takes_more_than_its_share(asked, fusion, n):
    options = {"granularity": Granularity.CHUNK, "fusion": fusion, "exact": True}
    everything = asked.ask(QUERIES[0], k=10_000, **options)
    floors = {
        "min_score": float(np.median([hit.score for hit in everything])),
        "min_dense": float(np.quantile([hit.dense for hit in everything], 0.3)),
        "min_lexical": 0.5,
    }
    taken, expected = {}, []
    for hit in everything:
        enough = (
            hit.score >= floors["min_score"]
            and hit.dense >= floors["min_dense"]
            and hit.lexical >= floors["min_lexical"]
        )
        if enough and taken.get(hit.doc_id, 0) < n:
            taken[hit.doc_id] = taken.get(hit.doc_id, 0) + 1
            expected.append((hit.chunk_id, hit.score))
    assert 3 < len(expected) < len(everything)
    for k in (3, 10_000):
        found = asked.ask(QUERIES[0], k=k, n_per_document=n, **floors, **options)
        assert [(hit.chunk_id, hit.score) for hit in found] == expected[:k]


def test_diverse_hits_are_chosen_as_the_formula_says(asked):
    options = {"granularity": Granularity.CHUNK, "exact": True}
    pool = asked.ask(QUERIES[1], k=50, **options)
    vectors = {row.chunk_id: row.vector.astype(np.float64) for row in asked.world.rows}
    chosen = []
    while len(chosen) < 10:
        best = max(
            (hit for hit in pool if hit not in chosen),
            key=lambda hit: (
                0.5 * hit.score / pool[0].score
                - 0.5
                * max((vectors[hit.chunk_id] @ vectors[other.chunk_id] for other in chosen), default=0.0)
            ),
        )
        chosen.append(best)
    found = asked.ask(QUERIES[1], k=10, diversity=0.5, **options)
    assert [hit.chunk_id for hit in found] == [hit.chunk_id for hit in chosen]
    plain = asked.ask(QUERIES[1], k=10, **options)
    assert {hit.chunk_id for hit in found} != {hit.chunk_id for hit in plain}

    def closeness(hits):
        return np.mean([vectors[a.chunk_id] @ vectors[b.chunk_id] for a in hits for b in hits if a is not b])

    assert closeness(found) < closeness(plain)


def test_without_diversity_the_best_are_chosen_in_their_order():
    scores, vectors = np.array([3.0, 2.0, 2.0, 1.0]), np.eye(4, dtype=np.float32)
    assert choose_diverse(scores, vectors, k=9, diversity=0.0).tolist() == [0, 1, 2, 3]
    twins = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert choose_diverse(scores[:3], twins, k=2, diversity=1.0).tolist() == [0, 2]


def test_the_dense_weight_of_a_request_goes_before_the_collections(asked):
    alone = {mode: asked.ask(QUERIES[0], mode=mode, exact=True, k=5) for mode in SearchMode}
    dense = asked.ask(QUERIES[0], dense_weight=1.0, exact=True, k=5)
    words = asked.ask(QUERIES[0], dense_weight=0.0, exact=True, k=5)
    assert [hit.chunk_id for hit in dense] == [hit.chunk_id for hit in alone[SearchMode.DENSE]]
    assert [hit.chunk_id for hit in words] == [hit.chunk_id for hit in alone[SearchMode.LEXICAL]]


def test_a_boosted_title_adds_its_own_score_to_that_of_the_body(asked):
    rows = {row.chunk_id: row for row in asked.list_open()}
    options = {"mode": SearchMode.LEXICAL, "granularity": Granularity.CHUNK, "k": 10_000}
    body = {hit.chunk_id: hit.score for hit in asked.ask("swap repo", **options)}
    both = {
        hit.chunk_id: hit.score for hit in asked.ask("swap repo", boosts={TextField.TITLE: 2.0}, **options)
    }
    for chunk_id, score in both.items():
        has_title = any(word in rows[chunk_id].title.split() for word in ("swap", "repo"))
        assert (score > body.get(chunk_id, 0.0)) == has_title
    assert set(body) < set(both)
    assert asked.ask("swap repo", boosts={TextField.TITLE: 0.0}, **options) == asked.ask(
        "swap repo", **options
    )
