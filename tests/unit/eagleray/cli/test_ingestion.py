from __future__ import annotations

import pytest

from eagleray.cli.run_report import list_lines, report_refusal, report_run
from eagleray.errors import StrictRunError

REPORT = {"run": "r", "snapshot": "a" * 64, "changed": True, "dead_letters": 2}
READING = {
    "files": {
        "found": 34,
        "read": 17,
        "read_in_part": 1,
        "refused": 16,
        "unchanged": 0,
        "unread": 16,
        "unread_in_part": 1,
        "passed_over": 3,
    },
    "formats": {
        ".pdf": {"read": 17, "read_in_part": 0, "refused": 1, "documents": 17},
        ".xlsx": {"read": 0, "read_in_part": 1, "refused": 15, "documents": 4},
    },
    "refused": {
        "empty_text": {"files": 1, "pieces": 1, "examples": ["scan.pdf"]},
        "unsupported_format": {"files": 15, "pieces": 15, "examples": ["a.xlsx", "b.xlsx"]},
        "wrong_type": {"files": 1, "pieces": 9, "examples": ["c.xlsx"]},
    },
    "fields": {
        "known_from": {
            "matched": 21,
            "of": 21,
            "places": [{"place": "field date", "matched": 0}, {"place": "file modified", "matched": 21}],
        },
        "ticker": {"matched": 0, "of": 21, "places": [{"place": "field tickr", "matched": 0}]},
    },
    "warnings": [
        {"kind": "unread_files", "message": "16 of 34 files cannot be read"},
        {"kind": "unmatched_field", "field": "ticker", "message": "ticker matched none of 21 documents"},
    ],
    "passed_over": {"hidden": 2, "own_files": 1},
}


def test_a_report_ends_with_the_commands_that_go_on_from_it(capsys):
    report = report_run({**REPORT, "published": 1})
    report.show()
    assert capsys.readouterr().out.splitlines()[-1] == "published: 1"
    assert report.next_steps == (
        "what cannot be read, with reasons: eagleray dead-letters list {options}",
        "ask it: eagleray search 'your question' {options}",
    )


def test_a_snapshot_that_was_only_built_comes_with_how_to_publish_it():
    report = report_run({**REPORT, "dead_letters": 0})
    assert report.next_steps == (f"publish it: eagleray snapshots publish {'a' * 12} {{options}}",)
    assert list(list_lines(report.value))[-1] == "published: no"


def test_the_first_lines_say_what_to_look_at_and_the_rest_what_became_of_which_file():
    report = {**REPORT, **READING, "documents_read": 21, "seconds": 1.5, "published": 4, "removed": 0}
    assert list(list_lines(report)) == [
        "warning: 16 of 34 files cannot be read",
        "warning: ticker matched none of 21 documents",
        "files: 34 found, 17 read, 1 read in part, 16 refused, 3 more passed over (2 hidden, 1 own_files)",
        "formats: .pdf 17 of 18, .xlsx 0 of 16",
        "refused:",
        "  empty_text: 1 file: scan.pdf",
        "  unsupported_format: 15 files: a.xlsx, b.xlsx and 13 more",
        "  wrong_type: 9 records in 1 file: c.xlsx",
        "fields:",
        "  known_from: 21 of 21 (field date 0, file modified 21)",
        "  ticker: 0 of 21",
        "documents: 21 read, 2 set aside",
        "run: r, 1.5 s",
        f"snapshot: {'a' * 64}",
        "published: 4",
    ]


def test_what_was_left_unread_by_earlier_runs_is_told_where_this_one_had_nothing_to_read():
    files = {**dict.fromkeys(READING["files"], 0), "found": 34, "unchanged": 34, "unread": 16}
    report = {
        "run": "r",
        "snapshot": "a" * 64,
        "changed": False,
        "files": files,
        "message": "nothing changed",
    }
    assert report_run(report).next_steps[0].startswith("what cannot be read")
    assert list(list_lines(report)) == [
        "files: 34 found, 34 unchanged",
        "run: r",
        f"snapshot: {'a' * 64}",
        "published: no; nothing changed",
    ]


def test_a_dry_run_says_that_it_wrote_nothing_and_sends_nobody_to_a_run():
    report = {"dry_run": True, "changed": False, "documents_read": 0, "dead_letters": 2}
    first, unknown, last = list_lines(report)
    assert first == "dry run: nothing was written or published"
    assert unknown.startswith("not foretold: documents were compared neither with the collection nor")
    assert last == "documents: 0 read, 2 set aside"
    compared = {"new": 2, "changed": 0, "remapped": 3, "unchanged": 0, "gone": 1}
    assert list(list_lines({**report, "compared": compared}))[1] == (
        "files against those the collection holds: 2 new, 3 to be read by another mapping, 1 gone"
    )
    assert report_run(report).next_steps == (
        "each dead letter, with its reason: the same command with --json",
    )


def test_lines_are_wrapped_at_the_width_of_a_terminal_and_nowhere_else(monkeypatch, capsys):
    report = report_run({**REPORT, **READING})
    report.show()
    assert max(map(len, capsys.readouterr().out.splitlines())) > 80
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    report.show()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if "own_files" in line] == ["  hidden, 1 own_files)"]


def test_a_strict_run_that_was_refused_shows_its_report_and_says_last_that_nothing_was_published(capsys):
    report = report_refusal(
        StrictRunError(source="desk", detail="16 of 34 files", report={**REPORT, **READING})
    )
    report.show()
    shown = capsys.readouterr()
    assert shown.out.startswith("warning: 16 of 34 files cannot be read\n")
    assert shown.err == "eagleray: nothing was published of desk: 16 of 34 files\n"
    assert (report.exit_code, report.value["error"]["type"]) == (3, "StrictRunError")
    assert not any("publish" in line for line in report.next_steps)


def test_programs_get_the_whole_report():
    assert report_run(REPORT).value == REPORT


def test_whoever_takes_vectors_of_another_model_is_told_what_questions_need():
    last = report_run(REPORT, model="hashing").next_steps[-1]
    assert last == "questions need the same model: export EAGLERAY_EMBEDDER__MODEL=hashing"


def test_what_was_passed_over_is_told_only_where_there_was_anything():
    assert "passed over" in "".join(list_lines({**REPORT, **READING}))
    nothing = {**READING, "files": {**READING["files"], "passed_over": 0}, "passed_over": {}}
    assert "passed over" not in "".join(list_lines({**REPORT, **nothing}))


@pytest.mark.parametrize("missing", ["files", "formats", "refused", "fields", "warnings"])
def test_a_report_may_lack_any_part(missing):
    report = {**REPORT, **{name: value for name, value in READING.items() if name != missing}}
    assert list(list_lines(report))
