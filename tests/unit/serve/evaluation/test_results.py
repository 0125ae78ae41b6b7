"""A result: the same for the same answers, times aside; read again, compared, and shown as a page."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from eagleray.contracts.evaluations import AnswerConfiguration, PosedQuestion
from eagleray.contracts.hits import SearchOptions
from eagleray.errors import InputError, QueryError, UnavailableError, UnreachableError
from serve.evaluation.labels import LabelledQuestion
from serve.evaluation.report_page import render_page
from serve.evaluation.results import MAX_SLICE_VALUES, make_result, read_run, show_result, write_result
from serve.evaluation.runs import run_questions
from serve.evaluation.truths import make_truth
from tests.unit.serve.evaluation.answers import SOLD, make_answer, make_nothing

LABELS = {"name": "labels.jsonl", "sha256": "0" * 64}
CONFIGURATION = AnswerConfiguration(options=SearchOptions(k=10), pipeline="rag")
RIGHT = make_answer((SOLD, "Total sales"))
WRONG = make_answer((None, "Interest is paid"))
FAILED = UnavailableError(part="the model", retry_after_s=1)


class Clock:
    """Seconds that pass, more with each look."""

    def __init__(self):
        self.now, self.step = 0.0, 0.0

    def __call__(self):
        self.step += 0.25
        self.now += self.step
        return self.now


def make_questions(n=6):
    return [
        LabelledQuestion(
            id=f"q{at}",
            line=at + 1,
            posed=PosedQuestion(text=f"What are <sales> {at}?"),
            relevant={"table": 1.0},
            truth=make_truth(["$1,496.5"]),
            slices={"desk": "rates" if at % 2 else "credit", "row": str(at)},
        )
        for at in range(n)
    ]


def run(*outcomes, questions=None):
    """Return the run in which these answers came, the last one again and again."""
    left = list(outcomes)

    def ask(posed, configuration):
        assert configuration is CONFIGURATION
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    asked = questions or make_questions()
    return run_questions(asked, ask, CONFIGURATION, asked={"pipeline": "rag"}, clock=Clock())


def make(*outcomes, **fields):
    given = {"labels": LABELS, "seed": 0, "started": "2026-01-01T00:00:00+00:00", **fields}
    return make_result(run(*outcomes), **given)


def without_times(result):
    shown = show_result(result, is_whole=True)
    del shown["times"]
    return shown


def test_measures_of_the_whole_and_of_each_slice():
    result = make(RIGHT, WRONG, RIGHT, WRONG, RIGHT, RIGHT)
    assert result.measures["strict"].value == 0.6667
    desks = {item.value: item for item in result.slices if item.column == "desk"}
    assert (desks["credit"].measures["strict"].value, desks["rates"].measures["strict"].value) == (
        1.0,
        0.3333,
    )
    assert [desk.n for desk in desks.values()] == [3, 3]
    seconds = [item.took_s for item in result.run.answers]
    assert seconds == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert result.latencies["p50_s"].value == 1.75
    assert desks["credit"].latencies["p50_s"].value == 1.5
    assert result.run.answered_by == {"pipeline": ["rag"], "model": ["small"], "snapshot": ["5" * 64]}


def test_a_column_with_too_many_values_is_no_slice_and_is_named():
    questions = make_questions(MAX_SLICE_VALUES + 1)
    result = make_result(run(RIGHT, questions=questions), labels=LABELS, seed=0, started="")
    assert result.left_out == {"row": MAX_SLICE_VALUES + 1}
    assert {item.column for item in result.slices} == {"desk"}


def test_an_error_is_an_answer_that_is_wrong_and_is_counted():
    result = make(FAILED, RIGHT)
    assert (result.n_errors, result.run.answers[0].error) == (1, "UnavailableError")
    assert result.measures["strict"].value == result.measures["coverage"].value == 0.8333
    assert result.measures["recall"].value == 0.8333
    with pytest.raises(InputError, match=r"the question of line 1 \(q0\): .*no such filter"):
        run(QueryError(detail="no such filter"))
    with pytest.raises(UnreachableError):
        run(UnreachableError(url="http://127.0.0.1:1", detail="refused"))


def test_the_same_answers_give_the_same_file_times_aside(tmp_path):
    outcomes = (RIGHT, WRONG, FAILED, RIGHT)
    first, second = make(*outcomes), make(*outcomes, started="2027-01-01T00:00:00+00:00")
    assert json.dumps(without_times(first)) == json.dumps(without_times(second))
    assert without_times(make(*outcomes, seed=1)) != without_times(first)
    write_result(first, tmp_path / "result.json")
    read = read_run(tmp_path / "result.json")
    assert read == first.run


def test_a_comparison_pairs_the_questions_that_both_runs_have(tmp_path):
    write_result(make(WRONG, RIGHT, WRONG, RIGHT), tmp_path / "result.json")
    earlier = read_run(tmp_path / "result.json")
    changed = replace(earlier.answers[5], question="What else?")
    result = make(RIGHT, WRONG, RIGHT, compared=replace(earlier, answers=[*earlier.answers[:5], changed]))
    comparison = result.comparison
    assert (comparison.n, comparison.n_left_out) == (5, 2)
    assert (comparison.gained, comparison.lost) == (("q0", "q2"), ("q1",))
    found = comparison.measures["strict"]
    assert (found.before, found.after, found.delta) == (0.6, 0.8, 0.2)
    with pytest.raises(InputError, match="no question in common"):
        make(RIGHT, compared=replace(earlier, answers=[changed]))


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("{", "found no JSON"),
        ("[]", "what `eagleray evaluate"),
        ('{"format": 2}', "expected format 1, found 2"),
    ],
)
def test_what_is_no_result_is_told(tmp_path, text, detail):
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(InputError, match=detail):
        read_run(path)
    with pytest.raises(InputError, match="No such file"):
        read_run(tmp_path / "none.json")


class Links(HTMLParser):
    """Collects what a page loads or points to, and its text."""

    def __init__(self):
        super().__init__()
        self.links, self.tags, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_loads_nothing_and_shows_measures_differences_slices_and_failures():
    result = make(RIGHT, WRONG, FAILED, make_nothing(), RIGHT, compared=run(WRONG))
    page = render_page(result)
    read = Links()
    read.feed(page)
    text = " ".join(read.texts)
    assert read.links == []
    assert "script" not in read.tags
    assert read.tags.count("svg") == 5
    assert "prefers-color-scheme: dark" in page
    assert "<sales>" not in page
    assert "What are <sales> 1?" in text
    for shown in ("0.500  [", "UnavailableError", "no answer", "no judged document is cited", "credit (3)"):
        assert shown in text
