from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import Granularity, SearchMode, SearchOptions, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from eagleray.documents.parsing.tables import TableReader
from eagleray.errors import GuardError, QueryError
from indexes.masks.grammar import parse_filter
from indexes.searching.searcher import Searcher
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from ray_jobs.ledger import Ledger
from ray_jobs.plans.questions import plan_questions
from ray_jobs.sources.questions import describe_questions, open_questions
from ray_jobs.stages.answer import AnswerTask, make_answer_stage
from ray_jobs.stages.question_rows import Asking
from tests.small_collections import DAY, SPEC, put_small_snapshot

TABLES = TableReader(ParserPool(ParseLimits(memory_bytes=64 << 20)))
QUESTIONS = {
    "id": ["a", "b", "c", "d", "e", "f", "g"],
    "query": ["swap curve", "", "repo", "bond", "vega", "gamma", "margin"],
    "as_of": [30 * DAY, 0, None, None, 10 * DAY, None, None],
    "filter": [None, None, "nothing = 3", "year >= 2005", "year >>", None, "year = 'text'"],
    "groups": [["rates"], None, None, None, None, ["desk"], None],
}
REASONS = {
    "b": "QueryError",
    "c": "FilterColumnError",
    "e": "FilterError",
    "f": "QueryError",
    "g": "FilterColumnError",
}


@pytest.fixture
def searcher(tmp_path):
    store = open_store(tmp_path / "store")
    opened = open_snapshot(Collection(store, SPEC.name), put_small_snapshot(store))
    return Searcher(opened.snapshot_id, opened.segments, embedder=None)


@pytest.fixture
def ask(tmp_path, searcher):
    """Answer questions by words, and return the outcome, the task and the payload."""

    def run(columns, engine=None):
        path = tmp_path / "in" / "q.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path)
        opened = open_questions(str(path), open_store=open_store)
        source = opened.store
        file, _ = describe_questions(source, opened.files[0], TABLES)
        (partition,) = plan_questions([file])
        asking = Asking(
            options=SearchOptions(k=4, mode=SearchMode.LEXICAL, granularity=Granularity.CHUNK),
            groups=frozenset({"rates", "credit"}),
            parse_filter=parse_filter,
        )
        task = AnswerTask(
            open_store(tmp_path / "out"),
            source,
            tables=TABLES,
            engine=engine or searcher,
            asking=asking,
            max_bytes=1 << 20,
        )
        return task(partition), task, partition

    return run


def test_questions_that_unpack_to_too_much_are_dead_letters_and_take_no_memory(tmp_path, ask):
    queries = pa.DictionaryArray.from_arrays(pa.array([0] * 250, pa.int32()), ["a" * (1 << 20)])
    outcome, _, _ = ask({"query": queries.cast(pa.string())})
    _, told = read_files(tmp_path, outcome)
    assert (outcome.n_questions, outcome.n_dead_letters, told.num_rows) == (250, 250, 250)
    assert all("more memory than allowed" in detail for detail in told["detail"].to_pylist())


def make_questions():
    columns = {
        name: pa.array(values, pa.timestamp("us", "UTC") if name == "as_of" else None)
        for name, values in QUESTIONS.items()
    }
    return pa.table(columns)


def read_files(tmp_path, outcome):
    return [pq.read_table(tmp_path / "out" / file.path) for file in outcome.files]


def test_answers_are_those_of_single_searches_with_the_questions_ids(tmp_path, ask, searcher):
    outcome, _, _ = ask(make_questions())
    answers, _ = read_files(tmp_path, outcome)
    expected = []
    for place, request in (
        (0, {"as_of": 30 * DAY, "principal": Principal(subject="x", groups=frozenset({"rates"}))}),
        (3, {"filter": parse_filter("year >= 2005")}),
    ):
        query = SearchRequest(
            query=QUESTIONS["query"][place],
            k=4,
            mode=SearchMode.LEXICAL,
            granularity=Granularity.CHUNK,
            exact=True,
            **request,
        )
        expected += [
            (
                place,
                QUESTIONS["id"][place],
                rank,
                hit.chunk_id,
                hit.doc_id,
                hit.score,
                None,
                hit.lexical,
                None,
            )
            for rank, hit in enumerate(searcher.search(query).hits, start=1)
        ]
    assert [tuple(row.values()) for row in answers.to_pylist()] == expected
    assert len(expected) > 4


def test_each_bad_question_is_a_dead_letter_with_its_reason_and_none_is_lost(tmp_path, ask):
    outcome, _, _ = ask(make_questions())
    answers, letters = read_files(tmp_path, outcome)
    assert dict(zip(letters["id"].to_pylist(), letters["reason"].to_pylist(), strict=True)) == REASONS
    assert letters["row"].to_pylist() == [2, 3, 5, 6, 7]
    assert {*answers["id"].to_pylist()} == {"a", "d"}
    counts = (outcome.n_questions, outcome.n_hits, outcome.n_dead_letters)
    assert counts == (7, answers.num_rows, 5)


def refuse(partition):
    raise AssertionError(partition)


def test_what_is_finished_is_not_answered_again_and_what_is_gone_is(tmp_path, ask):
    outcome, task, partition = ask(make_questions())
    target = open_store(tmp_path / "out")
    ledger = Ledger(Collection(target, "ledger"), run_id="r")
    stage = make_answer_stage(target, [partition], lambda: task)
    path = tmp_path / "out" / outcome.files[0].path
    before = path.read_bytes()
    assert stage.find_finished(ledger) == {}
    assert stage.finish(task, partition, ledger) == outcome
    assert stage.find_finished(ledger) == {partition.key: outcome}
    assert stage.finish(refuse, partition, ledger) == outcome
    path.unlink()
    assert stage.find_finished(ledger) == {}
    assert stage.finish(task, partition, ledger) == outcome
    assert path.read_bytes() == before


class Stubborn:
    """Refuses lists that hold a certain question, as an engine may for reasons of its own."""

    def __init__(self, engine, error):
        self._engine, self._error = engine, error

    def search_many(self, requests, **limits):
        if any(request.query == "bond" for request in requests):
            raise self._error
        return self._engine.search_many(requests, **limits)


def test_a_question_that_the_engine_refuses_stands_alone_as_a_dead_letter(tmp_path, ask, searcher):
    queries = ["swap", "repo", "bond", "curve", "bond"]
    outcome, _, _ = ask({"query": queries}, Stubborn(searcher, QueryError(detail="not this one")))
    answers, letters = read_files(tmp_path, outcome)
    assert letters["question"].to_pylist() == [2, 4]
    assert letters["detail"].to_pylist() == ["not this one"] * 2
    assert {*answers["question"].to_pylist()} == {0, 1, 3}


def test_a_defect_is_no_dead_letter(ask, searcher):
    with pytest.raises(GuardError):
        ask({"query": ["bond"]}, Stubborn(searcher, GuardError(chunk_id=1, rule="it was not known")))


def test_rows_that_cannot_be_read_are_all_set_aside(tmp_path, ask):
    bad = pa.StringArray.from_buffers(
        2, pa.py_buffer(b"\0\0\0\0\4\0\0\0\6\0\0\0"), pa.py_buffer(b"swap\xff\xfe")
    )
    outcome, _, _ = ask(pa.table({"id": [7, 8], "query": bad}))
    answers, letters = read_files(tmp_path, outcome)
    assert answers.num_rows == 0
    assert letters["question"].to_pylist() == [0, 1]
    assert {*letters["reason"].to_pylist()} == {"SourceError"}
