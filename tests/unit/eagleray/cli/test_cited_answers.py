from __future__ import annotations

import json

import pytest

from eagleray.cli import main
from indexes.storage import open_store
from tests.small_collections import SPEC, put_small_snapshot


@pytest.fixture
def ask(tmp_path, capsys, monkeypatch):
    """Ask a small collection by words; return the exit code, standard output and standard error."""
    monkeypatch.setattr("indexes.engine_factory.check_model", lambda model, spec: None)  # words need no model
    snapshot = put_small_snapshot(open_store(tmp_path / "store"))
    store = ["--store", str(tmp_path / "store"), "-c", SPEC.name, "--snapshot", snapshot]

    def run(question, *options):
        with pytest.raises(SystemExit) as ended:
            main(["ask", question, "--mode", "lexical", *store, *options])
        return ended.value.code, *capsys.readouterr()

    return run


def test_each_line_ends_with_the_number_of_a_citation_whose_place_is_below(ask):
    code, out, _ = ask("swap curve")
    answer, places = out.split("\n\n")
    assert code == 0
    assert all(line.endswith(f"[{number}]") for number, line in enumerate(answer.split("\n"), start=1))
    assert places.startswith("[1] ")
    assert "characters" in places
    assert "known from" in places


def test_json_has_the_search_only_where_it_is_asked_for(ask):
    _, out, _ = ask("swap curve", "--json")
    shown = json.loads(out)
    assert shown["is_answered"]
    assert "retrieved" not in shown
    _, out, _ = ask("swap curve", "--json", "--explain")
    assert json.loads(out)["retrieved"]["hits"]


def test_a_misspelt_pipeline_is_refused_with_the_near_one(ask):
    code, out, error = ask("swap curve", "--pipeline", "extractiv")
    assert (code, out) == (2, "")
    assert "did you mean extractive?" in error


def test_what_was_not_known_then_is_not_cited(ask):
    code, out, _ = ask("swap curve", "--as-of", "1960-01-01")
    assert code == 0
    assert out.startswith("Nothing was found")
