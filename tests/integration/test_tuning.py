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
    engine = LocalIndexService(settings).open_engine(snapshot="live")
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
    by_default = LocalIndexService(settings).open_engine(snapshot="live")
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


def test_without_a_file_boosts_are_fitted_to_known_items_of_the_callers_rows(
    cluster, settings, write_notes, cli
):
    notes = []
    for number in range(64):
        name = f"{'abcdefgh'[number % 8]}{'klmnopqr'[number // 8]} memo"
        told = " ".join(WORDS[(number * step + step) % 12] for step in (1, 5, 7, 11, 2, 3))
        notes += [
            note(f"memo{number}", f"Traders talk of {told}.", title=name, groups=["rates"]),
            note(f"reply{number}", f"Traders talk of {told}. {name} {name} {name}", groups=["rates"]),
        ]
    published = ingest(settings, write_notes(notes))["snapshot"]
    refused = cli("tune", "--json")
    assert refused.code == 2
    assert "make 0 questions" in refused.shown["error"]["message"]
    dry = cli("tune", "--known-items", 100, "--group", "rates", "--dry-run", "--json").shown
    assert (dry["questions"], dry["snapshot"]) == ("known items", published)
    assert dry["questions_fitted"] + dry["questions_unseen"] == 100
    assert dry == cli("tune", "--known-items", 100, "--group", "rates", "--dry-run", "--json").shown
    tuned = cli("tune", "--known-items", 100, "--group", "rates", "--json").shown
    assert tuned["dense_weight"] == 0.35
    assert tuned["boosts"] == dry["boosts"] != {}
    assert tuned["snapshot"] != published
    both = cli("tune", "questions.jsonl", "--known-items", 100, "--json")
    assert (both.code, "not to both" in both.shown["error"]["message"]) == (2, True)
