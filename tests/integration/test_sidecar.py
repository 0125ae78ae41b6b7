"""A table beside a folder, from its first row to a change of one that has one file read again."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

MAPPING = """
sidecar: desk/labels.csv
known_from: {from: [{sidecar: known_from}, {file: modified}]}
groups: {sidecar: groups, optional: true}
attributes:
  ticker: {sidecar: ticker, type: string}
"""
HEAD = "file,ticker,company,known_from,groups\n"
FIRST = HEAD + "a.md,AAPL,Apple,2024-06-01,\nrates/b.md,,,2024-06-02,rates; credit\n"


@pytest.fixture
def desk(tmp_path):
    folder = tmp_path / "desk"
    (folder / "rates").mkdir(parents=True)
    for name in ("a.md", "rates/b.md", "c.md"):
        (folder / name).write_text(f"# Note {name}\n\nBonds pay coupons.")
    (folder / "labels.csv").write_text(FIRST)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    return folder


def test_values_of_files_come_from_a_table_and_a_changed_row_has_its_file_read_again(cli, desk, tmp_path):
    command = ("ingest", desk, "--mapping", tmp_path / "mapping.yaml", "--json")

    def find(*options):
        hits = cli("search", "bonds", "-k", "9", "--json", *options).shown["hits"]
        return {hit["doc_id"]: hit["attributes"].get("ticker") for hit in hits}

    first = cli(*command)
    assert (first.code, first.shown["files"]["found"], first.shown["passed_over"]) == (0, 3, {"own_files": 1})
    assert first.shown["fields"]["known_from"]["places"] == [
        {"place": "sidecar known_from", "matched": 2},
        {"place": "file modified", "matched": 1},
    ]
    assert find() == {"desk/a.md": "AAPL", "desk/c.md": None}
    assert set(find("--group", "credit", "--as-of", "2024-06-02T12:00:00Z")) == {
        "desk/a.md",
        "desk/rates/b.md",
    }
    (desk / "labels.csv").write_text(FIRST.replace("Apple", "Apple Inc."))
    assert not cli(*command).shown["changed"]
    (desk / "labels.csv").write_text(FIRST.replace("AAPL", "AAPL.O"))
    changed = cli(*command).shown
    assert (changed["documents_read"], changed["superseded"], changed["files"]["unchanged"]) == (1, 1, 2)
    assert find()["desk/a.md"] == "AAPL.O"


def test_a_mistake_in_the_table_ends_the_command_and_names_the_row(cli, desk, tmp_path):
    for line, part in (
        ("b.md,,,,\n", "labels.csv:4: the source has no file 'b.md'; did you mean 'rates/b.md'"),
        ("a.md,IBM,,,\n", "labels.csv:4: 'a.md' has a row already, in line 2"),
        (
            "c.md,,,soon,\n",
            "labels.csv:4: 'c.md', column 'known_from': known_from: found string shaped 'aaaa'",
        ),
    ):
        (desk / "labels.csv").write_text(FIRST + line)
        failed = cli("ingest", desk, "--mapping", tmp_path / "mapping.yaml")
        assert (failed.code, part in failed.err) == (2, True), failed.err
        assert not (tmp_path / "store").exists()
