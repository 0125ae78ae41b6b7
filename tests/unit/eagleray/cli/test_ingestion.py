from __future__ import annotations

from eagleray.cli.ingestion import report_run

REPORT = {"run": "r", "snapshot": "a" * 64, "changed": True, "dead_letters": 2}


def test_a_report_ends_with_the_commands_that_go_on_from_it(capsys):
    report = report_run({**REPORT, "published": 1})
    report.show()
    assert "changed: yes" in capsys.readouterr().out.splitlines()
    assert report.next_steps == (
        "set aside, with reasons: eagleray dead-letters list {options}",
        "ask it: eagleray search 'your question' {options}",
    )


def test_a_snapshot_that_was_only_built_comes_with_how_to_publish_it():
    report = report_run({**REPORT, "dead_letters": 0})
    assert report.next_steps == (f"publish it: eagleray snapshots publish {'a' * 12} {{options}}",)


def test_what_was_passed_over_is_told_on_one_line_where_there_was_anything(capsys):
    report_run({**REPORT, "passed_over": {"hidden": 3, "linked_folders": 1}}).show()
    assert "passed_over: 3 hidden, 1 linked_folders" in capsys.readouterr().out.splitlines()
    report_run(REPORT).show()
    assert "passed_over" not in capsys.readouterr().out


def test_programs_get_the_whole_report():
    assert report_run(REPORT).value == REPORT


def test_whoever_takes_vectors_of_another_model_is_told_what_questions_need():
    last = report_run(REPORT, model="hashing").next_steps[-1]
    assert last == "questions need the same model: export EAGLERAY_EMBEDDER__MODEL=hashing"
