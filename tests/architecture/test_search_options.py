"""An option of a search is defined once; every way to search has it."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields, replace
from typing import get_type_hints

import pytest
from typer.main import get_command

from eagleray.cli.app import app
from eagleray.cli.search_options import list_flags
from eagleray.client import AsyncRemoteCollection, LocalCollection, RemoteCollection
from eagleray.client.questions import OptionArguments, Question, SearchArguments, make_question
from eagleray.contracts.hits import RULE, Granularity, Ranking, SearchOptions, SearchRequest
from eagleray.contracts.principals import ANONYMOUS
from eagleray.contracts.search_options import OLD_NAMES, pick_options, read_options, show_options
from ray_jobs.plans.questions import AnswerRules
from ray_jobs.stages.question_rows import Asking
from serve.audit.kinds.searches import SEARCH
from serve.http.native.search_bodies import QuestionBody, RankingBody, read_body_options
from tests.small_collections import EMBEDDER

OPTIONS = [item.name for item in fields(SearchOptions)]
RANKING = [item.name for item in fields(Ranking)]
OTHERS = SearchOptions(
    k=7,
    mode="lexical",
    granularity=Granularity.CHUNK,
    exact=True,
    rerank=9,
    ranking=Ranking(
        boosts={"title": 2.0, "heading": 0.5},
        fusion="reciprocal_rank",
        dense_weight=0.25,
        min_score=0.1,
        min_dense=-0.5,
        min_lexical=3.0,
        min_relevance=0.75,
        diversity=0.5,
        n_per_document=2,
    ),
)
"""Every option at something else than its default."""


def test_every_option_has_a_rule_and_stands_here_at_something_else_than_its_default():
    for kind, value in ((SearchOptions, OTHERS), (Ranking, OTHERS.ranking)):
        for item in fields(kind):
            assert item.metadata[RULE].description.endswith("."), item.name
            assert getattr(value, item.name) != item.default, item.name


def test_requests_and_questions_have_every_option():
    for kind in (SearchRequest, Question):
        assert issubclass(kind, SearchOptions)
        assert set(OPTIONS) <= {item.name for item in fields(kind)}


def test_options_are_shown_as_json_and_read_again():
    shown = json.loads(json.dumps(show_options(OTHERS)))
    assert list(shown) == OPTIONS
    assert list(shown["ranking"]) == RANKING
    assert read_options(shown) == OTHERS
    assert read_options({}) == SearchOptions()


def test_a_body_has_every_option_with_its_default_and_its_bounds():
    for body, kind in ((QuestionBody, SearchOptions), (RankingBody, Ranking)):
        assert {item.name for item in fields(kind)} <= set(body.model_fields)
        shown = body.model_json_schema()["properties"]
        for item in fields(kind):
            rule = item.metadata[RULE]
            assert shown[item.name]["description"] == rule.description
            said = json.dumps(shown[item.name])
            assert all(
                json.dumps(bound)[:-2] in said for bound in (rule.least, rule.most) if bound is not None
            )
    body = QuestionBody.model_validate({"query": "swap", **show_options(OTHERS)})
    assert body.to_request(ANONYMOUS) == replace(
        make_question("swap").to_request(parse_filter=str, principal=ANONYMOUS),
        **{name: getattr(OTHERS, name) for name in OPTIONS},
    )
    assert read_body_options(QuestionBody()) == SearchOptions()


@pytest.mark.parametrize("client", [LocalCollection, RemoteCollection, AsyncRemoteCollection])
@pytest.mark.parametrize("method", ["search", "more_like", "search_batch", "search_frame"])
def test_every_client_takes_every_option_and_shows_it_with_its_default(client, method):
    shown = inspect.signature(getattr(client, method)).parameters
    assert set(OPTIONS) <= set(shown)
    assert set(get_type_hints(SearchArguments)) <= set(shown)
    defaults = {name: shown[name].default for name in OPTIONS}
    assert defaults == {**show_options(SearchOptions()), "ranking": Ranking()}


def test_many_questions_take_every_option_but_that_which_they_always_have():
    shown = inspect.signature(LocalCollection.search_many).parameters
    assert set(OPTIONS) - set(shown) == {"exact"}
    assert set(get_type_hints(OptionArguments)) <= set(shown)


def test_what_a_call_says_becomes_the_question_and_what_a_server_is_sent():
    given = {name: getattr(OTHERS, name) for name in OPTIONS}
    question = make_question("swap", **given)
    assert {name: getattr(question, name) for name in OPTIONS} == {
        name: getattr(OTHERS, name) for name in OPTIONS
    }
    shown = question.show()
    assert {name: shown[name] for name in OPTIONS} == show_options(OTHERS)
    assert set(shown) <= set(QuestionBody.model_fields)


def test_a_record_of_a_search_holds_every_option_and_gives_it_back():
    asked = SearchRequest(query="swap", **pick_options(OTHERS))
    recorded = SEARCH.describe_request(asked)
    assert set(OPTIONS) <= set(recorded.parameters)
    assert set(RANKING) == set(recorded.parameters["ranking"])
    kept = replace(recorded, parameters=json.loads(json.dumps(recorded.parameters)))
    assert SEARCH.replay.read(kept) == asked


def test_an_argument_that_there_is_not_is_a_type_error():
    with pytest.raises(TypeError, match="'kk'"):
        make_question("swap", kk=3)


@pytest.mark.parametrize(("command", "left_out"), [("search", set()), ("search-many", {"exact", "rerank"})])
def test_the_command_line_has_a_flag_for_every_option(command, left_out):
    params = [
        param for param in get_command(app).commands[command].params if not getattr(param, "hidden", False)
    ]
    flags = {flag for param in params for flag in param.opts}
    wanted = list_flags()
    assert set(wanted) == {*OPTIONS, *RANKING} - {"ranking"}
    assert {name for name, flag in wanted.items() if flag not in flags} == left_out


def test_a_job_asks_each_question_with_every_option_and_always_exactly():
    asking = Asking(options=OTHERS, groups=frozenset(), parse_filter=str)
    asked = asking.make_request({"query": "swap"})
    assert pick_options(asked) == pick_options(replace(OTHERS, exact=True))


def test_a_jobs_rules_name_every_option_that_is_not_its_default():
    rules = AnswerRules(collection="a", snapshot="b", options=OTHERS, groups=(), embedder=EMBEDDER)
    assert {name: rules.show()[name] for name in OPTIONS} == show_options(OTHERS)


def test_one_vocabulary_asks_over_http_from_python_and_on_the_command_line():
    names = {*OPTIONS, "query", "like", "as_of", "filter", "snapshot"}
    assert names <= set(QuestionBody.model_fields) | {"snapshot"}
    assert names == {item.name for item in fields(Question)}
    params = {param.name for param in get_command(app).commands["search"].params}
    assert names - params == {"ranking"}
    assert not {*OLD_NAMES} & ({*inspect.signature(LocalCollection.search).parameters} | names)
