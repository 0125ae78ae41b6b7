from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks.fuzz_ingest import SAMPLE, fuzz
from benchmarks.whole_runs import ingest_folder

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

MAPPING = """
known_from: {field: published}
attributes:
  year: {field: year, type: integer}
"""

GOOD = [
    {
        "_id": f"n{number}",
        "text": f"Bond number {number} pays a coupon.",
        "published": "2020-01-01T00:00:00Z",
        "year": 2000 + number,
    }
    for number in range(6)
]
BAD_LINES = [
    (b'{"_id": "broken", "text": "cut off', "invalid_json", "one JSON object a line"),
    (b'{"_id": "latin", "text": "caf\xe9"}', "invalid_encoding", "is not valid UTF-8"),
    (b'{"_id": "nan", "text": "x", "year": NaN}', "invalid_json", "NaN is not a JSON value"),
    (b'{"_id": "when", "text": "no time"}', "missing_field", "known_from: expected field 'published'"),
    (b'{"_id": "zone", "text": "x", "published": "2020-01-01T09:30"}', "invalid_time", "no time zone"),
    (
        b'{"_id": "type", "text": "x", "published": "2020-01-01", "year": "MMXX"}',
        "wrong_type",
        "year: expected",
    ),
    (b'{"_id": "long", "text": "' + b"x" * 70_000 + b'"}', "record_too_large", "longer than 65536 bytes"),
    (
        b'{"_id": "twin", "text": "up", "published": "2020-01-01"}',
        "conflicting_duplicate",
        "claims 2020-01-01",
    ),
    (
        b'{"_id": "twin", "text": "down", "published": "2020-01-01"}',
        "conflicting_duplicate",
        "claims 2020-01-01",
    ),
]


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text(MAPPING)
    return path


@pytest.fixture
def folder(tmp_path):
    """A source of good records between bad ones, and of files that cannot be read."""
    desk = tmp_path / "desk"
    desk.mkdir()
    good = [json.dumps(record).encode() for record in GOOD]
    lines = [good[0], *(line for line, _, _ in BAD_LINES), b"", *good[1:]]
    (desk / "notes.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    (desk / "dangling.jsonl").symlink_to(desk / "nothing")
    (desk / "latin.txt").write_bytes(b"caf\xe9")
    (desk / "sheet.xlsx").write_bytes(b"PK")
    return desk


def find_ids(cli, *options):
    answer = cli("search", "bond coupon", "-k", "50", "--json", *options)
    assert answer.code == 0, answer.out
    return sorted(hit["doc_id"] for hit in answer.shown["hits"])


def test_every_bad_piece_is_a_dead_letter_and_loses_nothing_beside_it(cli, folder, mapping, monkeypatch):
    monkeypatch.setenv("EAGLERAY_JOBS__MAX_RECORD_BYTES", str(1 << 16))
    done = cli("ingest", folder, "--mapping", mapping, "--json")
    assert (done.code, done.shown["dead_letters"]) == (0, len(BAD_LINES) + 3), done.out
    assert find_ids(cli) == [record["_id"] for record in GOOD]

    letters = cli("dead-letters", "list", "--json").shown
    content = (folder / "notes.jsonl").read_bytes()
    expected = {(f"byte {content.index(line)}", reason) for line, reason, _ in BAD_LINES}
    found = [letter for letter in letters if letter["source"] == "desk/notes.jsonl"]
    assert {(letter["position"], letter["reason"]) for letter in found} == expected
    for line, _, part in BAD_LINES:
        detail = next(x["detail"] for x in found if x["position"] == f"byte {content.index(line)}")
        assert part in detail
    others = {letter["source"]: letter["reason"] for letter in letters if letter not in found}
    assert others == {
        "desk/dangling.jsonl": "unreadable_file",
        "desk/latin.txt": "invalid_encoding",
        "desk/sheet.xlsx": "unsupported_format",
    }
    shown = cli("dead-letters", "list")
    assert (shown.code, Counter(shown.out.split())["conflicting_duplicate"]) == (0, 2)


def test_what_was_set_aside_is_read_when_it_is_mended(cli, folder, mapping):
    cli("ingest", folder, "--mapping", mapping)
    again = cli("ingest", folder, "--mapping", mapping, "--json")
    assert (again.code, again.shown["changed"]) == (0, False)
    (folder / "nothing").write_text(
        json.dumps({"_id": "late", "text": "A bond that came late.", "published": "2020-01-01"}) + "\n"
    )
    (folder / "sheet.xlsx").unlink()
    retried = cli("dead-letters", "retry", folder, "--mapping", mapping, "--json")
    assert (retried.code, retried.shown["changed"]) == (0, True), retried.out
    assert find_ids(cli) == ["late", *(record["_id"] for record in GOOD)]
    assert cli("snapshots", "verify", "--json").shown["findings"] == []


def test_a_source_without_anything_to_read_is_refused(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "a.xlsx").write_bytes(b"PK")
    (tmp_path / "file.txt").write_text("x")
    for name, part in [
        ("empty", "it holds no file; expected files that end in .jsonl"),
        ("sheets", "none of its 1 files can be read; expected .jsonl"),
        ("nowhere", "expected a folder or s3://bucket/prefix, found nothing of that name"),
        ("file.txt", "expected a folder or s3://bucket/prefix, found a file"),
    ]:
        done = cli("ingest", tmp_path / name)
        assert (done.code, done.out) == (2, "")
        assert part in done.err
    assert not (tmp_path / "store").exists()


def test_a_question_that_cannot_be_answered_says_why(cli, write_notes):
    record = {"_id": "a", "text": "A bond.", "known_from": "2020-01-01T00:00:00Z", "metadata": {"year": 2020}}
    assert cli("ingest", write_notes([record])).code == 0
    for arguments, part in [
        (["", "--as-of", "2021-01-01"], "the query is empty; ask a question in words"),
        (["bond", "--filter", "yeer = 2020"], "there is no column 'yeer'; did you mean year?"),
        (
            ["bond", "--filter", 'year = "soon"'],
            "filter on 'year': expected an integer, found the string 'soon'",
        ),
        (["bond", "--filter", "year = "], "expected a number, true, false, or a string in quotes"),
        (["bond", "--as-of", "2021-01-01T09:30"], "it has no time zone; write an offset or `Z`"),
        (["bond", "--as-of", "yesterday"], "'yesterday' is not a time"),
        (["bond", "-k", "0"], "k must be at least 1, found 0"),
        (["bond", "--snapshot", "lief"], "did you mean live?"),
    ]:
        shown = cli("search", *arguments, "--json")
        assert shown.code == 2, arguments
        assert part in shown.shown["error"]["message"]
    before = cli("search", "bond", "--as-of", "1990-01-01")
    assert (before.code, before.err) == (0, "")
    assert "no hits" in before.out


def make_broken_embed(spoil):
    """Return what opens a task whose vectors `spoil` changes; pickled by value."""

    def open_task(ledger, settings):
        from eagleray.embedders.hashing import HashingEmbedder
        from ray_jobs.stages.embed import EmbedTask

        class Broken(HashingEmbedder):
            def embed_passages(self, texts):
                return spoil(super().embed_passages(texts))

        return EmbedTask(ledger, Broken())

    return open_task


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda vectors: vectors * float("nan"), "row 0 (document "),
        (lambda vectors: vectors[:, :10], "vectors of 384 numbers, found an array of"),
    ],
    ids=["nan", "dim"],
)
def test_vectors_that_are_none_publish_nothing(cli, write_notes, monkeypatch, spoil, part):
    folder = write_notes([{**record, "known_from": record["published"]} for record in GOOD])
    with monkeypatch.context() as patch:
        patch.setattr("ray_jobs.stages.embed.open_embed_task", make_broken_embed(spoil))
        failed = cli("ingest", folder, "--json")
    assert (failed.code, failed.shown["error"]["type"]) == (2, "ModelError")
    assert "shard 000000: " in failed.shown["error"]["message"]
    assert part in failed.shown["error"]["message"]
    assert cli("snapshots", "list", "--json").shown == []
    assert cli("search", "bond").code == 2
    assert cli("ingest", folder).code == 0
    assert find_ids(cli) == [record["_id"] for record in GOOD]


def test_a_whole_run_finds_as_much_as_its_odd_files_do_one_by_one(cluster):
    counts = fuzz(50, seed=11, corpus=SAMPLE, run_whole=ingest_folder)
    assert counts["documents"] > 10
    assert counts["dead_letters"] > 10
    assert {counts[name] for name in ("neither", "ended_runs", "hangs", "over_memory")} == {0}
