"""Real files read by a wrong mapping, relabelled by the right one, as of each day that one became known."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eagleray.contracts.times import parse_instant
from indexes.service import LocalIndexService
from tests.integration.test_relabelling import find, look

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpora" / "files"
KINDS = {
    "apple_8K.md": "apple",
    "earnings_call_AAN_q3_2021.txt": "earnings",
    "8K_blackrock.html": "",  # has no kind under the right mapping either
    "earnings_release_buckle_EX99-1.html": "earnings",
    "email_with_attachment.eml": None,  # cannot be read
    "sp500_constituents.csv": None,
    "series_seed_term_sheet.md": "series",
    "termsheet_BNP_phoenix_snowball_XS1083630027.pdf": "termsheet",
}
FIRST_DAY = datetime(2024, 1, 1, 9, tzinfo=UTC)
QUESTIONS = ("What is the coupon and the redemption price?", "net sales and earnings per share", "Apple")
RIGHT = """
doc_id: {path: '/(?P<value>[A-Za-z0-9]+)_'}
known_from: {file: modified}
attributes:
  kind: {path: '/(?P<value>[a-z]+)_', type: string}
"""


@pytest.fixture
def folder(tmp_path):
    """The files, one known a day; two of them, of the earnings, are versions of one document."""
    if not CORPUS.is_dir():
        pytest.skip("the shared corpora are not on this machine")
    desk = tmp_path / "desk"
    desk.mkdir()
    for day, name in enumerate(KINDS):
        modified = (FIRST_DAY + timedelta(days=day)).timestamp()
        os.utime(shutil.copyfile(CORPUS / name, desk / name), (modified, modified))
    (tmp_path / "right.yaml").write_text(RIGHT)
    (tmp_path / "wrong.yaml").write_text(RIGHT.replace("'/(?P<value>[a-z]", "'^(?P<value>[a-z]"))
    return desk


def search_every_day(settings):
    """Return the hits of each question as of the evening of each day, and of now."""
    evenings = [
        parse_instant((FIRST_DAY + timedelta(days=day, hours=10)).isoformat()) for day in range(len(KINDS))
    ]
    return {
        (at, question): find(settings, question, as_of=at)
        for at in (*evenings, None)
        for question in QUESTIONS
    }


def test_files_read_by_a_wrong_mapping_are_found_as_before_once_it_is_corrected(
    cli, folder, settings, tmp_path
):
    wrong = ("ingest", folder, "--mapping", tmp_path / "wrong.yaml")
    for shown in (cli(*wrong, "--dry-run").out, cli(*wrong).out):
        assert "warning: kind matched none of 6 documents" in shown
        assert "warning: 2 of 8 files cannot be read" in shown
    before = search_every_day(settings)
    assert [len({hit.doc_id for hit in before[day]}) for day in before if day[1] == "Apple"] == [
        1, 2, 3, 3, 3, 3, 4, 5, 5,
    ]  # fmt: skip
    relabelled = cli("ingest", folder, "--mapping", tmp_path / "right.yaml", "--relabel", "--json")
    assert (relabelled.code, relabelled.shown["relabelled"]) == (0, 5), relabelled.out
    after = search_every_day(settings)
    for day, hits in after.items():
        assert look(hits) == look(before[day])
        for hit in hits:
            assert hit.attributes.get("kind", "") == KINDS[hit.source.removeprefix("desk/")]
    assert LocalIndexService(settings).verify(snapshot="live")["findings"] == []
