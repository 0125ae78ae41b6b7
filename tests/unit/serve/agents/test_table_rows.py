from __future__ import annotations

import pytest

from serve.agents.table_rows import find_rows
from tests.unit.serve.agents.passages import make_table_hit, make_text_hit


def look_up(label, column="", *hits, k=10):
    found = find_rows(hits or (make_text_hit(), make_table_hit()), label=label, column=column, k=k)
    return [(row.label, [text for _, text in row.cells]) for row in found]


@pytest.mark.parametrize(
    ("label", "column", "found"),
    [
        ("fixed price", "2018", [("Fixed price", ["$ 1,146.2"])]),
        (
            "products",
            "2019",
            [("Other", ["44.1"]), ("Fixed price", ["$ 1,452.4"]), ("Total sales", ["$ 1,496.5"])],
        ),
        ("products other", "2019", [("Other", ["44.1"])]),
        ("TOTAL SALE", "", [("Total sales", ["$ 1,496.5", "$ 1,202.9"])]),
        ("fixed price", "2017", []),
        ("variable price", "", []),
        ("the", "", []),
    ],
)
def test_rows_have_all_words_of_the_label_and_cells_all_words_of_the_column(label, column, found):
    assert look_up(label, column) == found


def test_a_row_that_is_called_just_so_comes_first():
    other = make_table_hit(chunk_id=9, doc_id="other", text="|  | 2019 |\n| --- | --- |\n| Sales | 5 |")
    assert [label for label, _ in look_up("sales", "", make_table_hit(), other)] == ["Sales", "Total sales"]
    assert len(look_up("sales", "", make_table_hit(), other, k=1)) == 1


def test_a_row_is_cited_where_it_stands_with_what_names_it():
    hit = make_table_hit()
    (row,) = find_rows((hit, make_table_hit(chunk_id=9)), label="fixed price", column="2018", k=10)
    citation = row.citation
    assert hit.text[citation.start - hit.start : citation.end - hit.start] == citation.text
    assert citation.scale_note == "in millions, except per share amounts"
    assert citation.section.strip("| ") == "Products:"
    assert row.cells[0][0].endswith("2018")
