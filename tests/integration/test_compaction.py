"""Small segments of many deliveries become few, and no answer changes."""

from __future__ import annotations

import pytest

from eagleray.contracts.hits import SearchRequest
from indexes.service import LocalIndexService
from tests.integration.test_ingest import ingest, note

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


def test_compacted_deliveries_answer_as_before_and_a_later_delivery_goes_on(
    cluster, settings, write_notes, cli
):
    for number in range(3):
        notes = [
            note(f"n{number}-{item}", f"Bond {item} of desk {number} pays a coupon.") for item in range(6)
        ]
        folder = write_notes(notes, name=f"{number}.jsonl")
        ingest(settings, folder)
    before = answer(settings)
    report = cli("compact", "--json").shown
    assert (report["joined"], report["made"], report["segments"]) == (3, 1, 1)
    assert answer(settings) == before
    assert not ingest(settings, folder)["changed"]
    again = cli("compact", "--json").shown
    assert not again["changed"]
    assert cli("snapshots", "verify", "--json").shown["findings"] == []


def answer(settings):
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    hits = engine.search(SearchRequest(query="bond coupon desk 2", k=50)).hits
    return [(hit.chunk_id, hit.score) for hit in hits]
