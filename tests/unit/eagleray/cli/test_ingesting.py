from __future__ import annotations

import json

from eagleray.cli.ingesting import show_report
from eagleray.settings import Settings

SETTINGS = Settings(store="my store", collection="desk")
REPORT = {"run": "r", "snapshot": "a" * 64, "changed": True, "dead_letters": 2}


def test_a_report_ends_with_the_commands_that_go_on_from_it(capsys):
    show_report({**REPORT, "published": 1}, SETTINGS, is_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert "changed: yes" in lines
    where = "--store 'my store' --collection desk"
    assert lines[-2:] == [
        f"set aside, with the reasons: eagleray dead-letters list {where}",
        f"ask it: eagleray search 'your question' {where}",
    ]


def test_a_snapshot_that_was_only_built_comes_with_how_to_publish_it(capsys):
    show_report({**REPORT, "dead_letters": 0}, SETTINGS, is_json=False)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"publish it: eagleray snapshots publish {'a' * 12} --store")


def test_what_was_passed_over_is_told_on_one_line_where_there_was_anything(capsys):
    show_report({**REPORT, "passed_over": {"hidden": 3, "linked_folders": 1}}, SETTINGS, is_json=False)
    assert "passed_over: 3 hidden, 1 linked_folders" in capsys.readouterr().out.splitlines()
    show_report(REPORT, SETTINGS, is_json=False)
    assert "passed_over" not in capsys.readouterr().out


def test_a_report_is_one_json_value_when_asked(capsys):
    show_report(REPORT, SETTINGS, is_json=True)
    assert json.loads(capsys.readouterr().out) == REPORT
