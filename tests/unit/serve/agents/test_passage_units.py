from __future__ import annotations

import pytest

from serve.agents.passage_units import list_units
from tests.unit.serve.agents.passages import make_table_hit, make_text_hit


def test_a_row_carries_its_header_section_and_scale():
    units = list_units([make_table_hit()])
    fixed = next(unit for unit in units if unit.label == "Fixed price")
    assert fixed.text == "| Fixed price | $ 1,452.4 | $ 1,146.2 |"
    assert fixed.header == ("|  | Years Ended September 30, |  |", "|  | 2019 | 2018 |")
    assert fixed.section == "| Products: |  |  |"
    assert fixed.scale_note == "in millions, except per share amounts"
    assert fixed.quotation.split("\n") == [*fixed.header, fixed.section, fixed.text]


def test_what_only_names_others_is_no_unit():
    texts = [unit.text for unit in list_units([make_table_hit()])]
    assert not any("2019 | 2018" in text or "Products" in text or "---" in text for text in texts)


def test_sentences_are_units_without_names():
    units = list_units([make_text_hit()])
    assert [unit.text for unit in units] == [
        "Sales rose because the defense segment won two contracts.",
        "Interest is paid twice a year.",
        "It is due in March and September.",
    ]
    assert {(unit.header, unit.section, unit.scale_note) for unit in units} == {((), "", "")}


def test_the_columns_of_a_table_that_began_before_are_those_of_the_heading():
    hit = make_table_hit(title="T", heading="T > Sales > | | 2019 | 2018", text="| Other | 44.1 | 56.7 |")
    (row,) = list_units([hit])
    assert row.header == ("| | 2019 | 2018",)


@pytest.mark.parametrize(
    ("above", "note"),
    [
        ("(in thousands)", "in thousands"),
        ("(Dollars in millions)", "Dollars in millions"),
        ("Amounts are in US dollars millions, or in thousands", "in thousands"),
        ("€m", "€m"),
        ("£'000", "£'000"),
        ("in the millions of years", ""),
        ("a business of $ millions", ""),
        ("", ""),
    ],
)
def test_what_says_the_scale_is_quoted_and_nothing_is_made_up(above, note):
    hit = make_table_hit(text=f"{above}\n\n| | 2019 |\n| Sales | 44.1 |")
    assert list_units([hit])[-1].scale_note == note


def test_a_row_far_below_a_scale_has_none():
    hit = make_table_hit(text=f"in millions\n\n{'words ' * 100}\n\n| | 2019 |\n| Sales | 44.1 |")
    assert list_units([hit])[-1].scale_note == ""


def test_every_unit_lies_in_its_text_and_none_overlap():
    hits = [make_table_hit(), make_text_hit()]
    for place, hit in enumerate(hits):
        mine = [unit for unit in list_units(hits) if unit.place == place]
        ends = [0, *(unit.end for unit in mine)]
        assert all(0 <= end <= unit.start < unit.end <= len(hit.text) for end, unit in zip(ends, mine))  # noqa: B905
