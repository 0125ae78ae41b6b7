from __future__ import annotations

import json

import pytest

from eagleray.cli import main
from eagleray.cli.search_options import read_boosts
from eagleray.contracts.indexes import TextField
from eagleray.errors import QueryError
from eagleray.rerankers import load_reranker
from eagleray.setting_groups.engine import RerankerSettings
from indexes.storage import open_store
from tests.small_collections import SPEC, put_small_snapshot
from tests.small_rerankers import write_cross_encoder


@pytest.fixture
def ask(tmp_path, capsys):
    """Search a small collection by words; return the exit code, standard output and standard error."""
    snapshot = put_small_snapshot(open_store(tmp_path / "store"))

    def search(*options, query="swap curve"):
        fixed = [
            "--mode",
            "lexical",
            "--store",
            str(tmp_path / "store"),
            "-c",
            SPEC.name,
            "--snapshot",
            snapshot,
        ]
        with pytest.raises(SystemExit) as ended:
            main(["search", query, *fixed, *options])
        return ended.value.code, *capsys.readouterr()

    return search


@pytest.fixture
def is_any_embedder_right(monkeypatch):
    """The small collection's vectors are drawn; a search by words needs no embedder that fits them."""
    monkeypatch.setattr("indexes.engine_factory.check_model", lambda model, spec: None)


@pytest.mark.usefixtures("is_any_embedder_right")
def test_reranked_hits_show_both_scores_and_the_explanation_names_the_model(ask, tmp_path, monkeypatch):
    folder = write_cross_encoder(tmp_path / "tiny")
    monkeypatch.setenv("EAGLERAY_RERANKER__MODEL", str(folder))
    code, out, _ = ask("-k", "2", "--rerank", "4", "--explain")
    digest = load_reranker(RerankerSettings(model=str(folder))).identity.digest
    assert code == 0
    assert out.count(", reranked ") == 2
    assert f"4 candidates scored again by tiny ({digest[:12]})" in out
    code, out, _ = ask("-k", "2", "--rerank", "4", "--json")
    scores = [hit["reranked"] for hit in json.loads(out)["hits"]]
    assert code == 0
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "command", [["search", "swap"], ["ask", "swap"], ["facets", "source"], ["export", "live", "to"]]
)
def test_an_empty_time_does_not_ask_the_latest_state(command, capsys, tmp_path):
    """As a script gives one whose variable is not set."""
    put_small_snapshot(open_store(tmp_path / "store"))
    with pytest.raises(SystemExit) as ended:
        main([*command, "--as-of", "", "--store", str(tmp_path / "store"), "-c", SPEC.name])
    assert (ended.value.code, "'' is not a time" in capsys.readouterr().err) == (2, True)


@pytest.mark.usefixtures("is_any_embedder_right")
def test_a_terminal_shows_the_snippet_the_source_and_the_times_that_json_has(ask):
    _, out, _ = ask("-k", "3")
    hits = json.loads(ask("-k", "3", "--json")[1])["hits"]
    assert len(hits) == 3
    assert "\x1b" not in out
    told = iter(out.splitlines())
    for rank, hit in enumerate(hits, start=1):
        assert next(told) == f"{rank}. {hit['title']}  [{hit['score']:.3f}, relevance {hit['relevance']:.2f}]"
        shown = [next(told) for _ in hit["snippet"]["text"].split("\n")]
        assert "\n".join(shown) == f"   {hit['snippet']['text']}"
        place = f"{hit['source']}#{hit['doc_id']}" + (f", page {hit['page']}" if hit["page"] else "")
        known = f"known from {hit['known_from']}, event time {hit['event_time']}"
        assert next(told) == f"   {place}, characters {hit['start']}-{hit['end']}, {known}"
    assert next(told, None) is None


@pytest.mark.usefixtures("is_any_embedder_right")
def test_where_no_hit_is_relevant_a_terminal_says_so_and_json_has_it(ask):
    code, out, _ = ask("-k", "3", query="apple pie with a swap of cream")
    assert code == 0
    assert out.splitlines()[0].startswith("nothing relevant: ")
    assert out.splitlines()[1].startswith("1. ")
    shown = json.loads(ask("-k", "3", "--json", query="apple pie with a swap of cream")[1])
    assert (shown["relevant"], len(shown["hits"])) == (False, 3)
    assert json.loads(ask("--json")[1])["relevant"] is True
    _, out, _ = ask("--min-relevance", "0.5", query="apple pie with a swap of cream")
    assert out == "no hits: nothing visible to this caller at this time matches\n"


@pytest.mark.usefixtures("is_any_embedder_right")
def test_a_terminal_shows_the_words_of_the_question_in_bold(ask, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = ask("-k", "1")
    assert "\x1b[1mswap\x1b[22m" in out or "\x1b[1mcurve\x1b[22m" in out


@pytest.mark.usefixtures("is_any_embedder_right")
def test_without_reranking_nothing_of_it_is_shown(ask):
    code, out, _ = ask("-k", "2", "--explain")
    assert code == 0
    assert "rerank" not in out
    assert "scored again" not in out


@pytest.mark.usefixtures("is_any_embedder_right")
def test_reranking_without_a_model_is_exit_code_2_and_names_the_setting(ask):
    code, out, err = ask("-k", "2", "--rerank", "4")
    assert (code, out) == (2, "")
    assert "set EAGLERAY_RERANKER__MODEL to the folder of a cross-encoder" in err


@pytest.mark.usefixtures("is_any_embedder_right")
@pytest.mark.parametrize(
    ("former", "now", "told"),
    [
        (["--chunks"], ["--granularity", "chunk"], "--chunks is now called --granularity chunk"),
        (
            ["--granularity", "chunk", "--per-document", "1"],
            ["--granularity", "chunk", "--n-per-document", "1"],
            "--per-document is now called --n-per-document 1",
        ),
    ],
)
def test_a_former_flag_asks_the_same_and_warns(ask, former, now, told):
    code, out, err = ask("--json", *former)
    assert (code, err) == (0, f"warning: {told}; the former flag goes with version 0.4\n")
    assert ask("--json", *now) == (0, out, "")


def test_former_flags_are_not_shown(capsys):
    with pytest.raises(SystemExit):
        main(["search", "--help"])
    shown = capsys.readouterr().out
    assert "--granularity" in shown
    assert "--chunks" not in shown and "--per-document" not in shown.replace("--n-per-document", "")


def test_boosts_are_read_as_they_are_written():
    assert read_boosts(["title=2", "heading=0.5"]) == {TextField.TITLE: 2.0, TextField.HEADING: 0.5}


@pytest.mark.parametrize("text", ["title", "titel=2", "title=much", "=2"])
def test_a_boost_written_otherwise_is_refused_with_an_example(text):
    with pytest.raises(QueryError, match="expected title=2 or heading=0.5"):
        read_boosts([text])
