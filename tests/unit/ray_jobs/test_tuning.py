from __future__ import annotations

import json

import pytest

from eagleray.contracts.services import TuneRequest
from eagleray.contracts.times import parse_instant
from eagleray.errors import InputError
from ray_jobs.tuning import check_request, read_questions


def write(tmp_path, *lines):
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_questions_are_read_with_their_time_filter_and_groups(tmp_path):
    path = write(
        tmp_path,
        {"query": "swap", "relevant": "a"},
        "",
        {"query": "repo", "relevant": ["a", "b"], "as_of": "2020-01-02", "groups": "rates"},
        {"query": "bond", "relevant": {"a": 2, "b": 0}, "filter": "year >= 2019", "groups": ["x", "y"]},
    )
    plain, timed, filtered = read_questions(path)
    assert (plain.request.query, plain.relevant, plain.request.as_of) == ("swap", {"a": 1.0}, None)
    assert timed.request.as_of == parse_instant("2020-01-02")
    assert timed.request.principal.groups == {"rates"}
    assert (timed.relevant, filtered.relevant) == ({"a": 1.0, "b": 1.0}, {"a": 2.0, "b": 0.0})
    assert filtered.request.filter is not None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2: "),
        ("[" * 100_000, "line 2: "),
        ("[1]", "line 2: expected an object of query, relevant, as_of, filter, groups, found list"),
        ({"query": "swap"}, "found query"),
        ({"query": "swap", "relevant": "a", "asof": "2020"}, "found query, relevant, asof"),
        ({"query": "swap", "relevant": []}, "relevant names no document"),
        ({"query": "swap", "relevant": {"a": 0}}, "relevant names no document"),
        ({"query": "swap", "relevant": "a", "as_of": "soon"}, "line 2: .*soon"),
        ({"query": "swap", "relevant": "a", "filter": "year >="}, "line 2: "),
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path, line, told):
    with pytest.raises(InputError, match=told):
        read_questions(write(tmp_path, {"query": "swap", "relevant": "a"}, line))


def test_lines_end_at_line_feeds_alone_and_a_byte_order_mark_is_passed_over(tmp_path):
    line = json.dumps({"query": "swap\u2028repo", "relevant": "a"}, ensure_ascii=False)
    path = tmp_path / "questions.jsonl"
    path.write_text(f"{line}\r\n", encoding="utf-8-sig")
    (question,) = read_questions(path)
    assert question.request.query == "swap\u2028repo"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="none.jsonl: expected a file of judged questions"):
        read_questions(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"questions": "q.jsonl", "n_known_items": 100}, "not to both"),
        ({"questions": "q.jsonl", "groups": frozenset({"rates"})}, "--group is of known items alone"),
        ({"n_known_items": 39}, "at least 40 known items, found 39"),
    ],
)
def test_a_request_that_does_not_say_where_questions_come_from_is_refused(options, told):
    with pytest.raises(InputError, match=told):
        check_request(TuneRequest(**options))


def test_known_items_or_a_file_are_both_clear_requests():
    assert check_request(TuneRequest()) is None
    assert check_request(TuneRequest(n_known_items=40, groups=frozenset({"rates"}))) is None
    assert check_request(TuneRequest(questions="q.jsonl")) is None


def test_a_filter_by_its_former_name_is_read_and_told(tmp_path, caplog):
    path = write(tmp_path, {"query": "bond", "relevant": "a", "where": "year >= 2019"})
    (question,) = read_questions(path)
    assert question.request.filter is not None
    assert "where is now called filter" in caplog.text
