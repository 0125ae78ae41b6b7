"""A newcomer's folder in which half of the files cannot be read, and a mapping with a mistake in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import eagleray
from eagleray.errors import StrictRunError

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpora" / "files"
READ = ("apple_8K.md", "series_seed_term_sheet.md", "FOMC_minutes_20220126.txt")
UNREAD = ("apple_balance_sheet.csv", "docx_tables.docx", "nport_sample.xml")
MAPPING = """
known_from: {from: [{field: published}, {file: modified}]}
attributes:
  maker: {path: '/(?P<value>apple)_', type: string}
  ticker: {path: '^(?P<value>[A-Z]+)-', type: string}
"""
HALF = "3 of 6 files cannot be read"


@pytest.fixture
def folder(tmp_path):
    """The files where they lie on this machine, or stand-ins of their formats."""
    desk = tmp_path / "desk"
    desk.mkdir()
    for name in (*READ, *UNREAD):
        if (CORPUS / name).is_file():
            (desk / name).symlink_to((CORPUS / name).resolve())
        else:
            (desk / name).write_text("Apple reports its results. Bonds pay coupons.")
    return desk


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text(MAPPING)
    return path


def list_unread(cli):
    return sorted(letter["source"] for letter in cli("dead-letters", "list", "--json").shown)


def test_a_dry_run_tells_what_a_run_would_and_leaves_nothing(cli, folder, mapping, tmp_path):
    dry = cli("ingest", folder, "--mapping", mapping, "--dry-run", "--json")
    assert (dry.code, dry.shown["files"]["read"], dry.shown["files"]["refused"]) == (0, 3, 3), dry.out
    assert dry.shown["refused"]["unsupported_format"]["files"] == 3
    assert dry.shown["formats"][".csv"] == {"read": 0, "read_in_part": 0, "refused": 1, "documents": 0}
    assert dry.shown["fields"]["maker"]["matched"] == 1
    assert dry.shown["fields"]["ticker"]["matched"] == 0
    warned = [(warning["kind"], warning.get("field")) for warning in dry.shown["warnings"]]
    assert warned == [("unread_files", None), ("unmatched_field", "ticker")]
    assert [letter["source"] for letter in dry.shown["letters"]] == [f"desk/{name}" for name in UNREAD]
    assert not (tmp_path / "store").exists()
    assert dry.shown["compared"] == {"new": 6, "changed": 0, "remapped": 0, "unchanged": 0, "gone": 0}
    refused = cli("ingest", folder, "--mapping", mapping, "--dry-run", "--strict")
    assert (refused.code, HALF in refused.out, "ticker matched" in refused.err) == (3, True, True)
    assert not (tmp_path / "store").exists()


def test_a_dry_run_compares_files_with_those_that_the_collection_holds(cli, folder, mapping):
    assert cli("ingest", folder, "--mapping", mapping, "--dry-run", "--relabel").code == 2
    cli("ingest", folder, "--mapping", mapping)
    (folder / "later.md").write_text("A note that came later.")
    (folder / READ[0]).unlink()
    (folder / READ[1]).unlink()
    (folder / READ[1]).write_text("Something else by now.")
    dry = cli("ingest", folder, "--mapping", mapping, "--dry-run", "--json")
    assert dry.shown["compared"] == {"new": 1, "changed": 1, "remapped": 0, "unchanged": 4, "gone": 1}
    mapping.write_text(MAPPING.replace("^(?P<value>[A-Z]+)-", "/(?P<value>[A-Z]+)_"))
    other = cli("ingest", folder, "--mapping", mapping, "--dry-run", "--json")
    assert other.shown["compared"] == {"new": 1, "changed": 1, "remapped": 4, "unchanged": 0, "gone": 1}
    assert "other_mapping" in [warning["kind"] for warning in other.shown["warnings"]]
    relabelling = cli("ingest", folder, "--mapping", mapping, "--dry-run", "--relabel", "--json")
    assert "other_mapping" not in [warning["kind"] for warning in relabelling.shown["warnings"]]


def test_half_of_a_folder_that_cannot_be_read_is_said_by_every_run_that_follows(cli, folder, mapping):
    first = cli("ingest", folder, "--mapping", mapping)
    lines = first.out.splitlines()
    assert (first.code, lines[0]) == (0, f"warning: {HALF}"), first.out
    assert lines[1].startswith("warning: ticker matched none of 3 documents")
    assert list_unread(cli) == [f"desk/{name}" for name in UNREAD]
    (folder / "later.md").write_text("A note that came later.")
    second = cli("ingest", folder, "--mapping", mapping, "--json")
    assert (second.code, second.shown["dead_letters"], second.shown["files"]["read"]) == (0, 0, 1)
    assert (second.shown["files"]["unread"], second.shown["files"]["found"]) == (3, 7)
    assert list_unread(cli) == [f"desk/{name}" for name in UNREAD]
    third = cli("ingest", folder, "--mapping", mapping, "--strict", "--json")
    assert (third.code, third.shown["error"]["type"]) == (3, "StrictRunError")
    (folder / UNREAD[0]).unlink()
    cli("ingest", folder, "--mapping", mapping)
    assert list_unread(cli) == [f"desk/{name}" for name in UNREAD[1:]]


def test_a_strict_run_publishes_nothing_and_loses_nothing(cli, folder, mapping, tmp_path, settings):
    strict = cli("ingest", folder, "--mapping", mapping, "--strict", "--json")
    assert (strict.code, strict.shown["files"]["refused"]) == (3, 3), strict.out
    assert cli("snapshots", "list", "--json").shown == []
    assert list_unread(cli) == [f"desk/{name}" for name in UNREAD]
    mapping.write_text(MAPPING.replace("^(?P<value>[A-Z]+)-", "/(?P<value>[A-Z]+)_"))
    assert cli("ingest", folder, "--mapping", mapping, "--allow-refused", "0.4").code == 3
    assert cli("ingest", folder, "--mapping", mapping, "--allow-refused", "0.5").code == 0
    for name in UNREAD:
        (folder / name).unlink()
    assert cli("ingest", folder, "--mapping", mapping, "--strict").code == 0
    assert list_unread(cli) == []


def test_what_is_retried_is_all_that_is_unread_whatever_the_last_run_read(cli, folder, mapping):
    (folder / "late.txt").symlink_to(folder / "nothing")
    cli("ingest", folder, "--mapping", mapping)
    (folder / "later.md").write_text("A note that came later.")
    cli("ingest", folder, "--mapping", mapping)
    (folder / "nothing").write_text("It was there late.")
    retried = cli("dead-letters", "retry", folder, "--mapping", mapping, "--json")
    assert retried.code == 0
    assert "desk/late.txt" not in list_unread(cli)


def test_the_same_is_told_from_python(cluster, folder, mapping, settings, monkeypatch):
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", "hashing")
    given = {"store": settings.store, "mapping": mapping, "workers": 1}
    report = eagleray.ingest(folder, dry_run=True, **given)
    assert (report.run, report.is_changed, report.files["refused"]) == ("", False, 3)
    assert [warning["kind"] for warning in report.warnings] == ["unread_files", "unmatched_field"]
    with pytest.raises(StrictRunError, match=HALF.removesuffix(" read")) as refused:
        eagleray.ingest(folder, strict=True, **given)
    assert refused.value.report["files"]["refused"] == 3
    shutil.rmtree(folder)
