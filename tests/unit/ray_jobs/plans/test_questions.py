from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.hits import Ranking, SearchMode, SearchOptions
from ray_jobs.plans.questions import MIN_ROWS, AnswerRules, QuestionFile, name_run, plan_questions
from tests.small_collections import EMBEDDER

GROUPS = st.lists(st.integers(0, 400), max_size=3)
RULES = AnswerRules(
    collection="notes",
    snapshot="live",
    options=SearchOptions(),
    groups=("rates",),
    embedder=EMBEDDER,
)


def make_file(number, groups):
    return QuestionFile(
        path=f"{number:02d}.parquet", size_bytes=1, sha256=f"{number:064d}", group_rows=tuple(groups)
    )


def list_rows(partition):
    """Return (path, row of the file) of each question."""
    return [
        (piece.path, piece.first_row + row)
        for piece in partition.pieces
        for row in range(piece.start, piece.end)
    ]


@given(files=st.lists(GROUPS, max_size=3), max_rows=st.integers(20, 300))
def test_every_question_stands_in_one_partition_in_the_order_of_the_files(files, max_rows):
    made = [make_file(number, groups) for number, groups in enumerate(files)]
    partitions = plan_questions(made, max_rows=max_rows)
    everything = [(file.path, row) for file in made for row in range(sum(file.group_rows))]
    assert [row for partition in partitions for row in list_rows(partition)] == everything
    assert [partition.number for partition in partitions] == list(range(len(partitions)))
    first = 0
    for partition in partitions:
        assert partition.first == first
        assert 0 < partition.n_rows <= max_rows
        first += partition.n_rows


def test_the_order_in_which_files_are_listed_changes_nothing():
    files = [make_file(number, [1_000, 3]) for number in range(5)]
    assert plan_questions(files[::-1]) == plan_questions(files)
    assert name_run(files[::-1], RULES) == name_run(files, RULES)


def test_a_small_input_is_work_for_many_and_a_tiny_one_is_not_cut():
    assert len(plan_questions([make_file(0, [16 * MIN_ROWS])])) == 16
    assert len(plan_questions([make_file(0, [MIN_ROWS])])) == 1


def test_a_run_without_further_options_has_the_id_it_always_had():
    file = QuestionFile(path="a", size_bytes=1, sha256="0" * 64, group_rows=(3,))
    assert name_run([file], RULES) == "36f4c5111a0b626d"


@pytest.mark.parametrize(
    "change",
    [
        {"options": SearchOptions(k=11)},
        {"options": SearchOptions(mode=SearchMode.DENSE)},
        {"options": SearchOptions(ranking=Ranking(diversity=0.5))},
        {"snapshot": "next"},
        {"groups": ()},
    ],
)
def test_what_decides_the_answers_decides_the_run(change):
    files = [make_file(0, [10])]
    assert name_run(files, replace(RULES, **change)) != name_run(files, RULES)
    assert name_run([replace(files[0], sha256="f" * 64)], RULES) != name_run(files, RULES)
