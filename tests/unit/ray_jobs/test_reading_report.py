from __future__ import annotations

from dataclasses import replace

import pytest

from eagleray.documents.mapping_matches import MappedField
from eagleray.documents.mapping_rules import ValueOrigin, ValueOriginKind
from indexes.runs.unread import SourceRecord
from ray_jobs.reading_report import ReadingReport
from ray_jobs.source_reading import ReadSource, gather_reading, update_record
from ray_jobs.stages.read_tally import ReadTally

PATH = ValueOrigin(kind=ValueOriginKind.PATH, name=r"^(?P<value>\w+)-")
FIELDS = (
    MappedField(name="known_from", places=(ValueOrigin(kind=ValueOriginKind.FILE, name="modified"),)),
    MappedField(name="ticker", places=(ValueOrigin(kind=ValueOriginKind.FIELD, name="tickr"), PATH)),
)
TALLY = ReadTally(
    documents={"desk/a.PDF": 1, "desk/b.pdf": 1, "desk/n.jsonl": 7},
    faults={
        "desk/c.pdf": {"empty_text": 1},
        "desk/n.jsonl": {"invalid_json": 2, "missing_field": 1},
        "desk/x.xlsx": {"unsupported_format": 1},
        "desk/README": {"unsupported_format": 1},
    },
    n_records=10,
    matches={"known_from": (10,), "ticker": (0, 0)},
)


def make_report(tally=TALLY, *, unchanged=(), record=None):
    reading = gather_reading("desk", tally, ())
    source = ReadSource(
        name="desk",
        is_stream=False,
        before=dict.fromkeys(unchanged, "1"),
        after=dict.fromkeys([*reading.parts, *unchanged], "1"),
        passed_over={"hidden": 2},
        mapping="m",
        fields=FIELDS,
    )
    known = update_record(record or SourceRecord(source="desk"), source, reading, run="r")
    return ReadingReport(source=source, reading=reading, record=known)


def test_files_are_counted_by_what_became_of_them():
    assert make_report().show()["files"] == {
        "found": 6,
        "read": 2,
        "read_in_part": 1,
        "refused": 3,
        "unchanged": 0,
        "unread": 3,
        "unread_in_part": 1,
        "passed_over": 2,
    }


def test_formats_are_told_apart_by_suffix_in_lower_case():
    formats = make_report().show()["formats"]
    assert formats[".pdf"] == {"read": 2, "read_in_part": 0, "refused": 1, "documents": 2}
    assert formats[".jsonl"] == {"read": 0, "read_in_part": 1, "refused": 0, "documents": 7}
    assert formats["none"] == {"read": 0, "read_in_part": 0, "refused": 1, "documents": 0}


def test_reasons_come_with_the_files_they_were_met_in():
    refused = make_report().show()["refused"]
    assert refused["unsupported_format"] == {"files": 2, "pieces": 2, "examples": ["README", "x.xlsx"]}
    assert refused["invalid_json"] == {"files": 1, "pieces": 2, "examples": ["n.jsonl"]}


def test_a_field_that_matched_nothing_is_a_warning_that_says_where_it_was_looked_for():
    shown = make_report().show()
    assert shown["fields"]["ticker"]["matched"] == 0
    assert shown["warnings"] == [
        {
            "kind": "unread_files",
            "message": "3 of 6 files cannot be read, 1 of 6 files can be read only in part",
        },
        {
            "kind": "unmatched_field",
            "field": "ticker",
            "message": "ticker matched none of 10 documents; looked for in field tickr, "
            "path '^(?P<value>\\w+)-'; a path is, for instance, desk/README",
        },
    ]


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("Tickr", "text"), "; did you mean the field Tickr?"),
        (("meta.tickr",), "; did you mean the field meta.tickr?"),
        (("a", "b"), "; records have the fields a, b"),
        (tuple("abcdefgh"), "; records have the fields a, b, c, d, e and 3 more"),
    ],
)
def test_a_field_that_matched_nothing_comes_with_the_fields_that_records_have(names, hint):
    (warning,) = [
        row for row in make_report(replace(TALLY, names=names)).show()["warnings"] if "field" in row
    ]
    assert warning["message"].endswith(f"desk/README{hint}")


def test_a_field_is_counted_place_by_place():
    tally = replace(TALLY, matches={"known_from": (10,), "ticker": (1, 4)})
    shown = make_report(tally).show()["fields"]["ticker"]
    assert (shown["matched"], shown["of"]) == (5, 10)
    assert [place["matched"] for place in shown["places"]] == [1, 4]


def test_what_earlier_runs_could_not_read_is_told_where_nothing_was_to_be_read():
    before = make_report().record
    names = ["a.PDF", "b.pdf", "c.pdf", "n.jsonl", "x.xlsx", "README"]
    report = make_report(ReadTally(), unchanged=names, record=before)
    assert report.count_files()["unread"] == 3
    kinds = [warning["kind"] for warning in report.show()["warnings"]]
    assert kinds == ["unread_files", "unmatched_field"]
    assert report.find_excess(0.0) == ("4 of 6 files cannot be read in full", "ticker matched no document")


def test_a_field_that_matched_before_need_not_match_in_every_run():
    matched = make_report(replace(TALLY, matches={"known_from": (10,), "ticker": (1, 0)})).record
    again = make_report(
        ReadTally(documents={"desk/z.md": 1}, n_records=1, matches={"known_from": (1,), "ticker": (0, 0)}),
        record=matched,
    )
    assert again.show()["warnings"] == []


def test_a_file_that_is_refused_as_one_piece_is_no_share_of_the_few_records_that_were_read():
    names = [f"{number}.md" for number in range(19)]
    refused = ReadTally(faults={"desk/b.xlsx": {"unsupported_format": 1}})
    assert make_report(refused, unchanged=names).find_excess(0.05) == ()
    records = ReadTally(faults={"desk/b.jsonl": {"invalid_json": 9}})
    assert make_report(records, unchanged=names).find_excess(0.05) == (
        "9 of 9 records were set aside, more than the share of 0.05 that is allowed",
    )


@pytest.mark.parametrize(
    ("tally", "allowed", "excess"),
    [
        (ReadTally(documents={"desk/a.md": 1}), 0.0, ()),
        (
            ReadTally(documents={"desk/a.jsonl": 999}, faults={"desk/a.jsonl": {"invalid_json": 1}}),
            0.0,
            ("1 of 1 files cannot be read in full",),
        ),
        (ReadTally(documents={"desk/a.jsonl": 999}, faults={"desk/a.jsonl": {"invalid_json": 1}}), 0.001, ()),
        (
            ReadTally(documents={"desk/a.jsonl": 9}, faults={"desk/a.jsonl": {"invalid_json": 1}}),
            0.05,
            ("1 of 10 records were set aside, more than the share of 0.05 that is allowed",),
        ),
        (
            ReadTally(documents={"desk/a.md": 1}, faults={"desk/b.xlsx": {"unsupported_format": 1}}),
            0.4,
            ("1 of 2 files cannot be read, more than the share of 0.4 that is allowed",),
        ),
        (ReadTally(documents={"desk/a.md": 1}, faults={"desk/b.xlsx": {"x": 1}}), 0.5, ()),
        (
            ReadTally(faults={"desk/b.xlsx": {"x": 1}}),
            0.5,
            ("1 of 1 files cannot be read, more than the share of 0.5 that is allowed",),
        ),
    ],
)
def test_a_strict_run_allows_a_share_of_files_and_of_records(tally, allowed, excess):
    assert make_report(tally).find_excess(allowed) == excess
