from __future__ import annotations

import random
import string

import pytest

from indexes.searching.snippets.units import find_units

TABLE = """Sales by segment (in millions):

|  | Fiscal |  |
|  | 2019 | 2018 |
|:--|--:|--:|
| Transportation Solutions: |  |  |
| Automotive | $ 5,686 | $ 6,092 |
| Sensors | 914 | 918 |
| Communications Solutions: |  |  |
| Appliances | 680 | 774 |

Sales rose in the U.S. by 3.5 million. That was all."""


def cut(text, **options):
    return [text[unit.start : unit.end] for unit in find_units(text, **options)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "Sales in the U.S. fell by 3.5 million. Costs rose.",
            ["Sales in the U.S. fell by 3.5 million.", "Costs rose."],
        ),
        (
            "Cubic Corp. and Acme Inc. merged, see No. 4. The price was $1.2 billion, i.e. 12% more.",
            ["Cubic Corp. and Acme Inc. merged, see No. 4.", "The price was $1.2 billion, i.e. 12% more."],
        ),
        (
            "cash was used in the u.s .\namounts held abroad are subject to u.s .\nincome taxation .",
            [
                "cash was used in the u.s .",
                "amounts held abroad are subject to u.s .",
                "income taxation .",
            ],
        ),
        (
            "Total sales 1,496.5 1,202.9 1,107.7\nNet income 51.1 8.1 (25.9)\n",
            ["Total sales 1,496.5 1,202.9 1,107.7", "Net income 51.1 8.1 (25.9)"],
        ),
        ("One paragraph\n\nand another", ["One paragraph", "and another"]),
        ("純利益は増加した。配当は据え置く。", ["純利益は増加した。", "配当は据え置く。"]),
        ("", []),
        (" \n\t\n", []),
    ],
)
def test_text_is_cut_at_the_ends_of_its_sentences(text, sentences):
    assert cut(text) == sentences
    assert not any(unit.is_row for unit in find_units(text))


def test_a_row_knows_the_header_and_the_section_above_it():
    rows = {TABLE[unit.start : unit.end]: unit for unit in find_units(TABLE)}
    read = {
        row: ([TABLE[a:b] for a, b in unit.header], unit.section and TABLE[slice(*unit.section)])
        for row, unit in rows.items()
        if unit.is_row and not unit.is_named_only
    }
    header = ["|  | Fiscal |  |", "|  | 2019 | 2018 |"]
    assert read == {
        "| Automotive | $ 5,686 | $ 6,092 |": (header, "| Transportation Solutions: |  |  |"),
        "| Sensors | 914 | 918 |": (header, "| Transportation Solutions: |  |  |"),
        "| Appliances | 680 | 774 |": (header, "| Communications Solutions: |  |  |"),
    }
    assert [row for row, unit in rows.items() if not unit.is_row] == [
        "Sales by segment (in millions):",
        "Sales rose in the U.S. by 3.5 million.",
        "That was all.",
    ]


def test_a_text_that_begins_within_a_table_has_no_header_of_its_own():
    text = "| Nonvested at the beginning |  |\n| Granted | 132 |"
    assert [unit.header for unit in find_units(text, is_inside_table=True)] == [(), ()]
    assert find_units(text)[1].header == ((0, 33),)


def test_lines_of_cells_between_tabs_are_rows_but_one_alone_is_a_sentence():
    text = "Item\t2019\t2018\nCash\t12.5\t9.1\n\n1.\tBusiness is good. We grow."
    assert cut(text) == ["Item\t2019\t2018", "Cash\t12.5\t9.1", "1.\tBusiness is good.", "We grow."]
    assert [unit.is_row for unit in find_units(text)] == [True, True, False, False]


def test_the_label_of_a_row_is_its_first_cell():
    text = "| Item | 2019 |\n|  | 12 |\n| Net debt | 7 |\n|Cash|5|"
    assert [text[unit.start : unit.label_end].strip("| ") for unit in find_units(text)] == [
        "Item",
        "",
        "Net debt",
        "Cash",
    ]


def test_units_stand_in_order_and_cover_every_word_of_any_text():
    rng = random.Random(7)  # noqa: S311 - a sample, no secret
    for _ in range(300):
        text = "".join(
            rng.choice(string.ascii_letters + "   ||\t\n\n..?-$5,%") for _ in range(rng.randrange(200))
        )
        units, end = find_units(text), 0
        for unit in units:
            assert end <= unit.start < unit.end
            assert not text[end : unit.start].strip()
            end = unit.end
        assert not text[end:].strip()
