from __future__ import annotations

import csv
import io
import json
import sys
from types import SimpleNamespace

import pytest

from eagleray.cli import main
from eagleray.cli.output import (
    prepare_output,
    show_csv,
    show_fields,
    show_json,
    show_line,
    show_marked,
    show_table,
)
from eagleray.cli.questions import show_hits
from eagleray.contracts.hits import Highlight, Snippet
from tests.small_hits import make_hit

HOSTILE = "Größe \x1b]0;title\x07 \x9b31m \u202edrow\u202c [/red] 漢\r\n\tend \ud800 \udcff"
SHOWN = r"\x1b]0;title\x07 \x9b31m \u202edrow\u202c [/red]"


@pytest.fixture(params=["utf-8", "ascii", "cp1252", "latin-1"])
def read_printed(request, monkeypatch):
    """Return what a call prints where standard output has the encoding of some locale."""

    def run(call, *arguments, **options):
        raw = io.BytesIO()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=request.param, newline="\n"))
            prepare_output()
            call(*arguments, **options)
            sys.stdout.flush()
            return raw.getvalue().decode(request.param)

    return run


def _check(text, *, n_lines):
    assert text.count("\n") == n_lines
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    assert SHOWN in text


def test_a_line_is_one_line_in_any_locale(read_printed):
    _check(read_printed(show_line, HOSTILE), n_lines=1)


def test_fields_names_and_values_are_lines(read_printed):
    _check(read_printed(show_fields, {HOSTILE: HOSTILE, "nested": {"list": [HOSTILE]}}), n_lines=4)


def test_a_table_holds_its_cells_as_they_are(read_printed):
    _check(read_printed(show_table, [{"source": HOSTILE, "n": 1}], ("source", "n")), n_lines=2)


def test_hits_are_shown_without_what_their_documents_hold_of_controls(read_printed):
    snippet = Snippet(text=f"word {HOSTILE.replace(chr(10), ' ')}", highlights=(Highlight(start=0, end=4),))
    hit = make_hit(title=HOSTILE, doc_id=HOSTILE, source="file\x1b.txt", snippet=snippet)
    answer = SimpleNamespace(hits=(hit,), relevant=True)
    _check(read_printed(show_hits, answer, is_explained=False), n_lines=3)


@pytest.mark.parametrize(
    ("is_terminal", "shown"), [(True, "  a \x1b[1msale\x1b[22m\\x1b\n  b\n"), (False, "  a sale\\x1b\n  b\n")]
)
def test_marks_are_bold_on_a_terminal_and_nothing_elsewhere(monkeypatch, capsys, is_terminal, shown):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    show_marked("a sale\x1b\nb", [Highlight(start=2, end=6)], indent="  ")
    assert capsys.readouterr().out == shown


def test_a_table_in_a_pipe_has_a_line_for_each_row_however_long(capsys):
    rows = [{"name": "word " * 100, "n": 1}, {"name": "short", "n": 22}]
    show_table(rows, ("name", "n"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == ["n", "1", "22"]
    assert lines[1].startswith(rows[0]["name"])


def test_json_stays_exact_in_any_locale(read_printed):
    text = read_printed(show_json, {HOSTILE: [HOSTILE]})
    assert json.loads(text) == {HOSTILE: [HOSTILE]}
    assert text.count("\n") == 1 and all(sign.isprintable() or sign == "\n" for sign in text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "a", "--no\x1b[31mpe"],
        ["no\x9bpe"],
        ["search", "a", "--as-of", "20\x1b[31m19"],
        ["facets", "a", "--filter", "a = \x1b\u202e"],
        ["snapshots", "list", "--store", "ftp://some\x1b[31mwhere"],
    ],
)
def test_what_a_caller_said_is_told_without_its_controls(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert not any(sign in out + err for sign in "\x1b\x9b\u202e")


def test_dead_letters_of_a_file_with_an_odd_name_are_listed(monkeypatch, capsys):
    letters = [{"source": "a\x1b[2J\udcff[/b].html", "position": "", "reason": "x", "detail": "y"}]
    monkeypatch.setattr(
        "eagleray.parts.Part.load",
        lambda part, settings: SimpleNamespace(list_dead_letters=lambda run: letters),
    )
    with pytest.raises(SystemExit) as ended:
        main(["dead-letters", "list"])
    out, _ = capsys.readouterr()
    assert ended.value.code == 0
    assert r"a\x1b[2J\udcff[/b].html" in out


def test_a_table_on_a_narrow_terminal_cuts_nothing_off(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    source = "desk/a-long-folder/with_a_long_name_that_needs_two_lines.docx"
    show_table([{"source": source, "detail": "no parser reads it"}], ("source", "detail"))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert source in "".join(words[0] for words in lines if words)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("  =1+1", "'  =1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\t@SUM(A1)", r"\t@SUM(A1)"),
        ("a\x1b[31m\u202eb", r"a\x1b[31m\u202eb"),
        ("two\nlines", "two\nlines"),
        ("1+1", "1+1"),
    ],
)
def test_no_cell_of_comma_separated_values_is_a_formula_or_steers_a_terminal(capsys, cell, shown):
    show_csv([{"question": cell}], ["question"])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))
    assert rows == [["question"], [shown]]
