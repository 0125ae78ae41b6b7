from __future__ import annotations

import pytest

from serve.agents.passage_units import list_units
from serve.agents.unit_scores import FUSED, read_question, score_units
from tests.unit.serve.agents.passages import make_found, make_table_hit, make_text_hit


def rank(question, *hits):
    """Return the texts of the units, best first."""
    units = list_units(hits)
    scores = score_units(units, read_question(question, make_found(*hits).explanation))
    return [units[place].text for place in sorted(range(len(units)), key=lambda place: -scores[place])]


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("What is the amount of total sales in 2019?", "| Total sales | $ 1,496.5 | $ 1,202.9 |"),
        ("How much were fixed price products?", "| Fixed price | $ 1,452.4 | $ 1,146.2 |"),
        ("Why did sales rise?", "Sales rose because the defense segment won two contracts."),
        ("When is interest due?", "Interest is paid twice a year."),
    ],
)
def test_the_best_unit_answers(question, best):
    assert rank(question, make_table_hit(), make_text_hit())[0] == best


def test_words_of_the_title_tell_no_unit_from_another():
    hit = make_text_hit(title="Interest", text="Interest is interest. Fees are paid in March.")
    assert rank("Cubic interest and fees", hit)[0] == "Fees are paid in March."


def test_a_year_said_once_more_than_in_the_title_is_asked_for():
    hit = make_text_hit(title="Report 2019", text="Sales fell in 2018. Sales rose in 2019.")
    assert rank("Report 2019: sales in 2019", hit)[0] == "Sales rose in 2019."
    assert rank("Report 2019: sales in 2018", hit)[0] == "Sales fell in 2018."


def test_without_vectors_the_score_of_the_passage_counts_in_their_place():
    hits = make_text_hit(dense=None, score=2.0), make_text_hit(chunk_id=9, dense=None, score=1.0)
    units = list_units(hits)
    scores = score_units(units, read_question("nothing of it", make_found(*hits).explanation))
    assert scores[0] - scores[3] == pytest.approx(FUSED / 2)


def test_a_question_of_stop_words_has_scores_and_no_words():
    question = read_question("what is it", make_found().explanation)
    assert question.weights == {}
    assert len(score_units(list_units([make_text_hit()]), question)) == 3


def test_the_order_of_passages_changes_no_score():
    hits = [make_table_hit(), make_text_hit()]
    question = read_question("total sales 2019", make_found(*hits).explanation)
    there = dict(
        zip([u.text for u in list_units(hits)], score_units(list_units(hits), question), strict=True)
    )
    back = list_units(hits[::-1])
    assert dict(zip([u.text for u in back], score_units(back, question), strict=True)) == there
