from __future__ import annotations

import pytest

from eagleray.contracts.principals import ANONYMOUS
from eagleray.contracts.times import OPEN_END
from indexes.evaluation.general_questions import FRAMES, GENERAL_QUESTIONS
from indexes.evaluation.relevance_questions import make_own_questions
from indexes.lexical.analysis import ENGLISH
from indexes.segments.segment_files import list_texts
from indexes.storage import open_store
from tests.unit.indexes.evaluation.test_known_items import EVERYBODY, put_notes


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    return put_notes(open_store(tmp_path_factory.mktemp("asked") / "store"))


def make(opened, *, principal=EVERYBODY, n=40, snapshot=""):
    return make_own_questions(
        opened.segments, snapshot=snapshot or opened.snapshot_id, principal=principal, n=n
    )


def list_rows(opened):
    return [
        (row["doc_id"], row["title"], text, int(view.known_to[place]) == OPEN_END)
        for view in opened.segments
        for place, (row, text) in enumerate(zip(view.rows.to_pylist(), list_texts(view.rows), strict=True))
    ]


def test_the_same_snapshot_makes_the_same_questions_and_another_makes_others(opened):
    assert make(opened) == make(opened)
    assert {one.query for one in make(opened)} != {one.query for one in make(opened, snapshot="7" * 64)}
    assert len(make(opened, n=10)) == 10


def test_a_question_is_a_frame_round_words_of_an_open_row_and_names_its_title(opened):
    rows = list_rows(opened)
    for question in make(opened):
        mine = [row for row in rows if row[0] == question.doc_id and row[1] == question.title and row[3]]
        assert mine
        name, _, asked = question.query.partition(": ")
        assert set(ENGLISH.find_terms(name)) <= set(ENGLISH.find_terms(question.title))
        assert any(
            asked == frame.format(words)
            for frame in FRAMES
            for words in [asked.removeprefix(frame.split("{}")[0]).removesuffix(frame.split("{}")[1])]
            if any(words in text for _, _, text, _ in mine)
        ), asked


def test_only_rows_that_the_caller_may_see_are_asked_about(opened):
    public = {row["doc_id"] for view in opened.segments for row in view.rows.to_pylist() if not row["groups"]}
    assert {one.doc_id for one in make(opened, principal=ANONYMOUS)} <= public
    assert not {one.doc_id for one in make(opened)} <= public


def test_the_others_are_asked_without_all_documents_of_the_title(opened):
    (question, *_) = make(opened)
    asked = question.ask_others(EVERYBODY)
    assert asked.query == question.query
    assert asked.filter.operand.value == question.title


def test_rows_without_a_title_are_asked_about_only_where_too_few_have_one(tmp_path):
    questions = make(put_notes(open_store(tmp_path / "store"), title=""))
    assert len(questions) == 40
    assert {question.ask_others(EVERYBODY) for question in questions} == {None}


def test_general_questions_are_distinct_and_each_frame_has_one_place():
    assert len(set(GENERAL_QUESTIONS)) == len(GENERAL_QUESTIONS) >= 100
    assert len(set(FRAMES)) == len(FRAMES)
    assert {frame.count("{}") for frame in FRAMES} == {1}
