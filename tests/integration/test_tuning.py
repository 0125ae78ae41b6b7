"""Weights fitted to judged questions are published, hold for searches, and stay with later deliveries."""

from __future__ import annotations

import json

import pytest

from eagleray.contracts.hits import Ranking, SearchRequest
from indexes.service import LocalIndexService
from tests.integration.test_ingest import ingest, note

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

WORDS = (
    "swap",
    "repo",
    "bond",
    "rating",
    "libor",
    "vega",
    "spread",
    "margin",
    "coupon",
    "tranche",
    "issuer",
    "basis",
)


def test_tuned_weights_are_published_and_stay_with_the_collection(
    cluster, settings, write_notes, cli, tmp_path
):
    notes = [
        note(
            f"n{number}",
            f"{WORDS[number % 12]} {WORDS[number // 12]} {WORDS[number * 7 % 12]} desk note.",
            title=f"{WORDS[number * 5 % 12]} {WORDS[number * 11 // 12 % 12]}",
        )
        for number in range(144)
    ]
    ingest(settings, write_notes(notes))
    engine = LocalIndexService().open_engine(settings, snapshot="live")
    judged = Ranking(dense_weight=0.0, boosts={"title": 2.0})
    questions = tmp_path / "questions.jsonl"
    with questions.open("w") as file:
        for first in WORDS:
            for second in WORDS:
                query = f"{second} {first} note"
                best = engine.search(SearchRequest(query=query, k=1, ranking=judged)).hits[0].doc_id
                file.write(json.dumps({"query": query, "relevant": best}) + "\n")
    dry = cli("tune", questions, "--dry-run", "--json").shown
    assert dry["snapshot"] == engine.snapshot
    tuned = cli("tune", questions, "--json").shown
    assert tuned["snapshot"] != engine.snapshot
    assert tuned["ndcg_after"] > tuned["ndcg_before"]
    assert tuned["boosts"] == dry["boosts"] != {}
    by_default = LocalIndexService().open_engine(settings, snapshot="live")
    asked = {"query": "swap repo note", "k": 5}
    weighed = SearchRequest(
        **asked, ranking=Ranking(**{name: tuned[name] for name in ("dense_weight", "boosts")})
    )
    assert by_default.search(SearchRequest(**asked)).hits == engine.search(weighed).hits
    later = ingest(settings, write_notes([note("later", "A late note.")], name="later.jsonl"))
    shown = cli("snapshots", "show", "live", "--json").shown
    assert shown["snapshot"] == later["snapshot"]
    assert shown["ranking"]["boosts"] == tuned["boosts"]
    assert cli("compact", "--json").shown["changed"]
    assert cli("snapshots", "show", "live", "--json").shown["ranking"] == shown["ranking"]
    again = cli("tune", questions, "--json").shown
    assert "the weights stay" in again["message"]
