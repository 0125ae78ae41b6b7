"""An evaluation from a file of labels to its result, page and gate, on a collection of this process."""

from __future__ import annotations

import json

import pytest

from eagleray.contracts.evaluations import AnswerConfiguration, EvaluationRequest
from eagleray.contracts.hits import Granularity, SearchMode, SearchOptions
from eagleray.errors import InputError
from serve.evaluation.service import LocalEvaluationService
from tests.hashing_collections import publish_hashed

OPTIONS = SearchOptions(k=5, granularity=Granularity.CHUNK, mode=SearchMode.LEXICAL)
ASKED = AnswerConfiguration(options=OPTIONS, pipeline="extractive")
LINES = [
    {"question": "swap bond", "relevant": "doc-2", "desk": "rates", "as_of": "1970-03-01"},
    {"question": "gamma vega", "relevant": ["doc-2", "doc-5"], "desk": "credit"},
    {"question": "swap curve row4", "relevant": "doc-4", "groups": ["rates"], "desk": "rates"},
]


@pytest.fixture
def settings(tmp_path):
    return publish_hashed(tmp_path)[0]


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)))
    return str(path)


def test_questions_are_asked_as_their_labels_say_and_two_runs_write_the_same(settings, labels, tmp_path):
    files = [tmp_path / name for name in ("first.json", "second.json")]
    for path in files:
        report = LocalEvaluationService(settings).evaluate(
            EvaluationRequest(labels=labels, asked=ASKED, result=str(path), requirements=("coverage>=1",))
        )
    assert (report["questions"], report["errors"], report["is_met"]) == (3, 0, True)
    assert report["measures"]["recall"]["n"] == 3
    assert {item["value"]: item["questions"] for item in report["slices"]} == {"credit": 1, "rates": 2}
    assert "answers" not in report
    first, second = (json.loads(path.read_text()) for path in files)
    assert len(first["answers"]) == 3
    times = first.pop("times")
    assert len(times["answers"]) == 3
    del second["times"]
    assert first == second


def test_it_is_compared_with_an_earlier_result_or_another_snapshot_and_shown_as_a_page(
    settings, labels, tmp_path
):
    result, page = tmp_path / "result.json", tmp_path / "page.html"
    service = LocalEvaluationService(settings)
    service.evaluate(EvaluationRequest(labels=labels, asked=ASKED, result=str(result)))
    again = service.evaluate(
        EvaluationRequest(labels=labels, asked=ASKED, compared_result=str(result), page=str(page), n=2)
    )
    assert (again["comparison"]["questions"], again["comparison"]["left_out"]) == (2, 1)
    assert again["comparison"]["measures"]["recall"]["delta"] == 0.0
    assert page.read_text().startswith("<!doctype html>")
    dense = AnswerConfiguration(
        options=SearchOptions(k=5, granularity=Granularity.CHUNK, mode=SearchMode.DENSE),
        pipeline="extractive",
    )
    both = service.evaluate(EvaluationRequest(labels=labels, asked=ASKED, compared=dense))
    assert both["comparison"]["compared"]["options"]["mode"] == "dense"
    assert both["asked"]["options"]["mode"] == "lexical"


def test_a_requirement_that_is_not_met_is_told(settings, labels):
    request = EvaluationRequest(labels=labels, asked=ASKED, requirements=("recall>=1.01", "errors<=0"))
    report = LocalEvaluationService(settings).evaluate(request)
    assert [item["is_met"] for item in report["requirements"]] == [False, True]
    assert report["is_met"] is False


def test_nothing_is_asked_where_labels_or_requirements_are_wrong(settings, labels, tmp_path):
    def refuse(*_):
        raise AssertionError("a question was asked")

    service = LocalEvaluationService(settings)
    with pytest.raises(InputError, match="did you mean 'coverage'"):
        service.evaluate(EvaluationRequest(labels=labels, asked=ASKED, requirements=("coverge>=1",)), refuse)
    with pytest.raises(InputError, match="line 1"):
        bad = tmp_path / "bad.jsonl"
        bad.write_text("no")
        service.evaluate(EvaluationRequest(labels=str(bad), asked=ASKED), refuse)


def test_a_filter_that_cannot_be_used_is_told_with_its_line(settings, labels, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text(json.dumps({"question": "swap", "filter": "year >>"}))
    with pytest.raises(InputError, match="the question of line 1"):
        LocalEvaluationService(settings).evaluate(EvaluationRequest(labels=str(bad), asked=ASKED))


def test_what_cannot_be_written_is_told(settings, labels, tmp_path):
    request = EvaluationRequest(labels=labels, asked=ASKED, result=str(tmp_path / "no" / "result.json"))
    with pytest.raises(InputError, match="cannot be written"):
        LocalEvaluationService(settings).evaluate(request)
