from __future__ import annotations

import asyncio

import pytest

from eagleray.contracts.cited_answers import NOTHING_FOUND, AskRequest, CitedAnswer, ReleasedStatement
from eagleray.contracts.hits import Granularity, SearchRequest
from eagleray.errors import QueryError, StoreError
from eagleray.settings import Settings
from serve.answer_service import LocalAnswerService
from tests.unit.serve.agents.passages import make_found, make_table_hit, make_text_hit

SERVICE = LocalAnswerService(Settings())


class Engine:
    """Returns what it was given."""

    def __init__(self, found):
        self.found, self.asked = found, []

    def search(self, request):
        self.asked.append(request)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def make_request(question="What is the amount of total sales in 2019?", **fields):
    search = SearchRequest(query=question, granularity=Granularity.CHUNK)
    return AskRequest(search=search, **fields)


def test_an_answer_quotes_what_it_cites_and_writes_no_word_of_its_own():
    engine = Engine(make_found(make_table_hit(), make_text_hit()))
    answer = SERVICE.ask(make_request(), engine)
    assert [item.text for item in answer.statements] == [item.quotation for item in answer.citations]
    assert answer.citations[0].text == "| Total sales | $ 1,496.5 | $ 1,202.9 |"
    assert answer.text.split("\n")[3] == "| Total sales | $ 1,496.5 | $ 1,202.9 | [1]"
    assert (answer.snapshot, answer.pipeline, answer.model) == ("5" * 64, "extractive", "")
    assert engine.asked == [make_request().search]


def test_a_stream_gives_the_statements_of_the_whole_answer_in_their_order():
    engine = Engine(make_found(make_table_hit(), make_text_hit()))
    *released, answer = SERVICE.ask_stream(make_request(), engine)
    assert answer == SERVICE.ask(make_request(), engine)
    assert all(isinstance(part, ReleasedStatement) for part in released)
    assert tuple(part.statement for part in released) == answer.statements
    assert tuple(item for part in released for item in part.citations) == answer.citations


def test_where_nothing_relevant_was_found_nothing_is_cited():
    for found in (make_found(make_text_hit(), relevant=False), make_found()):
        answer = SERVICE.ask(make_request(), Engine(found))
        assert (answer.is_answered, answer.citations, answer.text) == (False, (), NOTHING_FOUND)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_no_more_is_cited_than_is_asked_for(n):
    engine = Engine(make_found(make_text_hit(), make_table_hit()))
    answer = SERVICE.ask(make_request("Interest paid, sales, contracts in March", max_citations=n), engine)
    assert 1 <= len(answer.citations) <= n


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pipeline": "extractve"}, "did you mean extractive?"),
        ({"pipeline": "x"}, "there are extractive"),
        ({"max_citations": 0}, "expected 1 to 20"),
        ({"max_citations": 21}, "expected 1 to 20"),
        ({"question": " \n"}, "the question is empty"),
    ],
)
def test_what_no_pipeline_does_is_refused_before_anything_is_searched(fields, said):
    engine = Engine(make_found())
    with pytest.raises(QueryError, match=said):
        SERVICE.ask(make_request(**fields), engine)
    assert engine.asked == []


def test_an_error_of_the_search_is_the_callers():
    with pytest.raises(StoreError):
        SERVICE.ask(make_request(), Engine(StoreError(operation="read", path="x", detail="gone")))


def test_it_answers_where_a_loop_runs_already_as_in_a_notebook():
    async def ask():
        return SERVICE.ask(make_request(), Engine(make_found(make_table_hit())))

    assert isinstance(asyncio.run(ask()), CitedAnswer)


def test_a_stream_that_is_dropped_ends_its_thread():
    parts = SERVICE.ask_stream(make_request(), Engine(make_found(make_table_hit())))
    next(parts)
    parts.close()
    with pytest.raises(StopIteration):
        next(parts)
