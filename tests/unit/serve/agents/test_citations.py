from __future__ import annotations

from eagleray.contracts.cited_answers import CitedKind
from serve.agents.citations import make_citations
from serve.agents.passage_units import list_units
from tests.unit.serve.agents.passages import TABLE, TEXT, make_table_hit, make_text_hit


def test_a_citation_says_where_it_stands_in_its_document():
    hit = make_table_hit()
    fixed = next(unit for unit in list_units([hit]) if unit.label == "Fixed price")
    (citation,) = make_citations([fixed])
    assert (citation.number, citation.kind, citation.chunk_id) == (1, CitedKind.ROW, 7)
    assert TABLE[citation.start - hit.start : citation.end - hit.start] == citation.text
    assert citation.header == fixed.header
    assert citation.scale_note == "in millions, except per share amounts"


def test_sentences_that_follow_each_other_are_one_citation_whichever_came_first():
    first, second, third = list_units([make_text_hit()])
    for order in ((second, third), (third, second)):
        (citation,) = make_citations(order)
        assert citation.text == "Interest is paid twice a year. It is due in March and September."
        assert TEXT[citation.start : citation.end] == citation.text
    assert [item.text for item in make_citations([third, first])] == [third.text, first.text]
    (whole,) = make_citations([second, third, first])
    assert whole.text == TEXT


def test_sentences_of_other_chunks_and_rows_stay_apart():
    here, there = make_text_hit(), make_text_hit(chunk_id=9, text="Another text.", doc_id="other")
    rows = [unit for unit in list_units([make_table_hit()]) if unit.is_row]
    assert len(make_citations([list_units([here])[0], list_units([there])[0], *rows])) == 2 + len(rows)


def test_what_says_the_same_under_the_same_names_is_one_citation_with_the_first_ones_number():
    one, other = make_text_hit(), make_text_hit(chunk_id=99, doc_id="copy", text=TEXT.replace(" ", "  "))
    citations = make_citations([list_units([one])[0], list_units([other])[0], list_units([other])[2]])
    assert [(item.number, item.doc_id) for item in citations] == [(1, "text"), (2, "copy")]


def test_equal_rows_below_other_headers_stay_two():
    one = make_table_hit(text="| | 2019 |\n| Sales | 44.1 |")
    other = make_table_hit(chunk_id=9, text="| | 2018 |\n| Sales | 44.1 |")
    assert len(make_citations(list_units([one, other]))) == 2
