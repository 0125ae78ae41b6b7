"""`eagleray evaluate`: what is printed, written, and with which exit code it ends."""

from __future__ import annotations

import json

import pytest

from eagleray.cli import main
from eagleray.contracts.times import parse_instant
from tests.hashing_collections import publish_hashed
from tests.unit.serve.evaluation.answers import SOLD, make_answer

LABELS = "question,relevant,desk\nswap bond,doc-2,rates\ngamma vega,doc-2;doc-5,credit\n"


@pytest.fixture
def evaluate(tmp_path, capsys, monkeypatch):
    """Evaluate a small collection by words; return the exit code, standard output and standard error."""
    settings, _ = publish_hashed(tmp_path)
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", settings.embedder.model)
    labels = tmp_path / "labels.csv"
    labels.write_text(LABELS)
    store = ["--store", settings.store, "-c", settings.collection]

    def run(*options):
        with pytest.raises(SystemExit) as ended:
            main(["evaluate", str(labels), "--mode", "lexical", *store, *options])
        return ended.value.code, *capsys.readouterr()

    return run


def test_measures_are_a_table_and_json_has_them_all(evaluate):
    code, out, _ = evaluate()
    assert code == 0
    assert out.startswith("2 questions, 0 errors; pipeline extractive")
    assert "citation_precision" in out
    code, out, _ = evaluate("--json", "-n", "1")
    shown = json.loads(out)
    assert (code, shown["questions"], shown["requirements"]) == (0, 1, [])


def test_a_requirement_that_is_not_met_ends_with_3_and_says_what_was_found(evaluate):
    code, out, _ = evaluate("--require", "recall>=1.5", "--require", "errors<=0")
    assert code == 3
    assert "NOT MET: recall>=1.5 (found " in out
    assert "met: errors<=0 (found 0.0)" in out


def test_a_run_is_compared_with_an_earlier_result(evaluate, tmp_path):
    result, page = str(tmp_path / "result.json"), tmp_path / "page.html"
    assert evaluate("--result", result)[0] == 0
    code, out, _ = evaluate("--compare", result, "--html", str(page))
    assert code == 0
    assert "compared over 2 questions, 0 left out:" in out
    assert "<svg" in page.read_text()
    code, _, error = evaluate("--compare", result, "--compare-pipeline", "extractive")
    assert code == 2
    assert "give one of the two" in error


def test_what_is_wrong_ends_with_2(evaluate, tmp_path):
    (tmp_path / "labels.csv").write_text("question,relevent\na,b\n")
    code, out, error = evaluate("--json")
    assert code == 2
    assert "line 2, column 'relevent': did you mean 'relevant'?" in json.loads(out)["error"]["message"]
    code, _, error = evaluate("--require", "strct>=1")
    assert (code, "did you mean 'strict'?" in error) == (2, True)


class AskedServer:
    """Stands for the client of a server: gives one answer, and keeps what it was asked."""

    def __init__(self):
        self.asked, self.is_closed = [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_closed = True

    def answer_question(self, asked):
        self.asked.append(asked)
        return make_answer((SOLD, "Total sales"))


def test_a_server_is_asked_over_one_client_that_is_closed(tmp_path, capsys, monkeypatch):
    server, labels = AskedServer(), tmp_path / "labels.jsonl"
    labels.write_text(
        '{"question": "sales?", "relevant": "table", "answer": "$1,496.5", "as_of": "2020-06-30"}'
    )
    monkeypatch.setattr("eagleray.cli.server_options.open_client", lambda options, *, collection: server)
    asking = ["evaluate", str(labels), "--url", "http://127.0.0.1:9", "-c", "filings", "-k", "7", "--json"]
    with pytest.raises(SystemExit) as ended:
        main([*asking, "--require", "strict>=1"])
    shown = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert (shown["asked"]["place"], shown["measures"]["strict"]["value"]) == ("http://127.0.0.1:9", 1.0)
    (asked,) = server.asked
    assert (asked.question.query, asked.question.k, asked.question.snapshot) == ("sales?", 7, "")
    assert asked.question.as_of == parse_instant("2020-06-30")
    assert server.is_closed

    labels.write_text('{"question": "sales?", "groups": "rates"}')
    with pytest.raises(SystemExit) as ended:
        main(asking)
    assert ended.value.code == 2
    assert "takes the caller's groups from the key" in capsys.readouterr().out
