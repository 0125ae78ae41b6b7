"""Snippets of passages as annual reports have them.

The passages marked TAT-QA are short excerpts of that data set (Zhu et al., ACL 2021; CC BY 4.0), those marked
FinQA of that one (Chen et al., EMNLP 2021; MIT).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eagleray.contracts.hits import Snippet
from indexes.lexical.bm25 import Statistics
from indexes.lexical.expressions import find_query_terms
from indexes.searching.highlights import Highlighter
from indexes.searching.snippets import SnippetMaker
from indexes.searching.snippets.snippet_maker import MAX_CHARACTERS
from tests.doubling import LINEAR, measure_growth

SALES = """|  |  | Years Ended September 30, |  |
|  | 2019 | 2018 | 2017 |
| Fixed Price | $ 1,452.4 | $ 1,146.2 | $ 1,036.9 |
| Other | 44.1 | 56.7 | 70.8 |
| Total sales | $1,496.5 | $1,202.9 | $1,107.7 |"""  # TAT-QA

CONTRACTS = (
    "On a fixed-price type contract, we agree to perform the contractual statement of work for a "
    "predetermined sales price. On a cost-plus type contract, we are paid our allowable incurred costs "
    "plus a profit which can be fixed or variable depending on the contract's fee arrangement up to "
    "predetermined funding levels determined by the customer. On a time-and-material type contract, we "
    "are paid on the basis of direct labor hours expended at specified fixed-price hourly rates."
)  # TAT-QA

LOSSES = """| (dollars in thousands) | Last Fiscal Year of Expiration | Amount |
| Income tax net operating loss carryforwards:(1) |  |  |
| Domestic-state | 2039 | $57,299 |
| Foreign | 2039 or indefinite | $565,609 |
| Tax credit carryforwards:(1) |  |  |
| Domestic-federal | 2029 | $39,784 |
| Domestic-state | 2027 | $3,313 |"""  # TAT-QA

CUSTOMERS = """|  |  | Fiscal Year |  |
|  | 2019 | 2018 | 2017 |
| Apple Inc. (“Apple”) | 32% | 36% | 34% |
| Huawei Technologies Co., Ltd. (“Huawei”) | 13% | 8% | 11% |
| Others | 55% | 56% | 55% |"""  # TAT-QA

EARNINGS = """|  | 2019 | 2018 |
| Diluted earnings per share (cents per share) (1,2) |  |  |
| Continuing operations | 113.6 | 123.1 |
| Discontinued operations | 91.3 | 9.2 |
|  | 204.9 | 132.3 |"""  # TAT-QA

PRICES = """|  | 2013 | 2012 |
| silicon systems group | $ 1295 | 55% ( 55 % ) |
| display | 361 | 15% ( 15 % ) |
| total | $ 2372 | 100% ( 100 % ) |"""  # FinQA

AWARDS = (
    "The total unrecognized stock-based compensation expense related to stock options and ESPP as of "
    "December 31, 2019 will be amortized over a weighted-average period of 2.87 years. The amount depends "
    "on the U.S. dollar, see Note 7. The total unrecognized stock-based compensation expense related to "
    "RSUs will be amortized over a weighted-average period of 2.69 years."
)  # TAT-QA, the second sentence ours


def make(question, text, *, title="", heading="", n_rows=1_000, frequencies=None):
    terms = find_query_terms(question)
    known = dict.fromkeys(terms, 20) | (frequencies or {})
    highlighter = Highlighter(terms)
    maker = SnippetMaker(terms, Statistics(n_rows=n_rows, total_length=0, frequencies=known), highlighter)
    return maker.make(text, words=highlighter.find_words(text), title=title, heading=heading)


@pytest.mark.parametrize(
    ("question", "text", "shown"),
    [
        (
            "Cubic Corp, fiscal 2019: What is the amount of total sales in 2019?",
            SALES,
            "|  |  | Years Ended September 30, |  |\n|  | 2019 | 2018 | 2017 |\n"
            "| Total sales | $1,496.5 | $1,202.9 | $1,107.7 |",
        ),
        (
            "What is the company paid on a cost-plus type contract?",
            CONTRACTS,
            CONTRACTS[CONTRACTS.index("On a cost") : CONTRACTS.index(" On a time")],
        ),
        (
            "What was the amount of domestic-state income tax net operating loss carryforwards?",
            LOSSES,
            "| (dollars in thousands) | Last Fiscal Year of Expiration | Amount |\n"
            "| Income tax net operating loss carryforwards:(1) |  |  |\n| Domestic-state | 2039 | $57,299 |",
        ),
        (
            "What are the respective percentages of revenue from Apple and Huawei in 2017?",
            CUSTOMERS,
            "|  |  | Fiscal Year |  |\n|  | 2019 | 2018 | 2017 |\n"
            "| Apple Inc. (“Apple”) | 32% | 36% | 34% |\n"
            "| Huawei Technologies Co., Ltd. (“Huawei”) | 13% | 8% | 11% |",
        ),
        (
            "What are the total diluted earnings per share (cents per share) in 2018?",
            EARNINGS,
            "|  | 2019 | 2018 |\n| Diluted earnings per share (cents per share) (1,2) |  |  |\n"
            "|  | 204.9 | 132.3 |",
        ),
        (
            "what was the backlog of display in 2013?",
            PRICES,
            "|  | 2013 | 2012 |\n| display | 361 | 15% ( 15 % ) |",
        ),
    ],
)
def test_the_sentence_or_the_row_below_its_header_that_answers_is_shown(question, text, shown):
    assert make(question, text, title="Cubic Corp annual report fiscal 2019").text == shown


def test_a_second_sentence_joins_the_first_where_it_has_other_words_of_the_question():
    question = "over how many years is compensation related to stock options and ESPP, and RSUs, amortized?"
    lines = make(question, AWARDS, frequencies={"rsus": 1}).text.split("\n")
    assert [("2.87" in line, "2.69" in line) for line in lines] == [(True, False), (False, True)]
    assert "Note 7" not in "".join(lines)


def test_spans_point_into_the_text_and_highlights_into_the_snippet():
    snippet = make("total sales of Fixed Price", SALES)
    assert [SALES[span.start : span.end] for span in snippet.spans] == [
        SALES.split("\n")[place] for place in (0, 1, 2, 4)
    ]
    marked = [snippet.text[span.start : span.end] for span in snippet.highlights]
    assert marked == ["Fixed", "Price", "Total", "sales"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The coupon\nof the bond\tis\n5 %.", "The coupon of the bond is 5 %."),
        ("  A  coupon  of the  bond.", "A  coupon  of the  bond."),
        ("Coupon\u00a0of the bond", "Coupon of the bond"),
        ("| coupon\t1 | bond |", "| coupon 1 | bond |"),
        ("word " * 100 + "a coupon\nof a bond " + "more " * 99, None),
    ],
)
def test_highlights_stand_where_they_are_shown_however_a_line_is_written(text, shown):
    snippet = make("coupon of the bond", text)
    assert shown in (None, snippet.text)
    assert [snippet.text[mark.start : mark.end].lower() for mark in snippet.highlights] == ["coupon", "bond"]
    assert "\n" not in snippet.text and "\t" not in snippet.text


def test_offsets_count_code_points():
    text = "📈 Gewinn stieg. Das Ergebnis Ⅷ lag bei 4 Mio. Euro."
    snippet = make("Ergebnis", text)
    (span,), (mark,) = snippet.spans, snippet.highlights
    assert text[span.start : span.end] == snippet.text == "Das Ergebnis Ⅷ lag bei 4 Mio. Euro."
    assert snippet.text[mark.start : mark.end] == "Ergebnis"


def test_a_row_of_a_table_that_began_before_has_the_columns_of_its_heading():
    heading = "Report > Awards > Non-vested awards | Shares | Fair value"
    snippet = make(
        "shares granted",
        "| Granted | 473,550 | $53.53 |\n| Vested | 1 | 2 |",
        title="Report",
        heading=heading,
    )
    assert snippet.text == "Non-vested awards | Shares | Fair value\n| Granted | 473,550 | $53.53 |"
    assert [(span.start, span.end) for span in snippet.spans] == [(0, 30)]


def test_what_the_title_says_chooses_no_sentence():
    text = "Cubic Corp was founded in 1951 by Cubic people. Revenue was $5.1 million."
    question = "Cubic Corp: what was the revenue?"
    assert make(question, text, title="Cubic Corp report").text == "Revenue was $5.1 million."


def test_a_heading_is_no_answer():
    text = "# Copper mine supply\n\nWe expect mine supply to grow by 3 percent. Spot charges are falling."
    assert make("copper mine supply", text, title="Copper supply").text == (
        "We expect mine supply to grow by 3 percent."
    )
    assert make("copper mine", text.replace("\n\n", "\n"), title="Copper supply").text.startswith("We expect")
    assert make("copper", "# Copper").text == "# Copper"


def test_a_figure_is_preferred_where_the_question_asks_for_one():
    text = "Depreciation is charged on assets. Depreciation was $510 million in fiscal 2019."
    assert make("how much was the depreciation", text).text == text.split(". ")[1]
    assert make("why is depreciation charged", text).text.startswith("Depreciation is charged on assets.")


def test_a_text_without_words_of_the_question_is_shown_from_its_beginning():
    text = "First sentence here. Second sentence follows. Third one ends. Fourth is left out."
    assert make("coupon", text).text == "First sentence here. Second sentence follows. Third one ends."
    assert make("of the", text).text == make("coupon", text).text


@pytest.mark.parametrize("text", ["", " \n "])
def test_a_text_without_words_has_an_empty_snippet(text):
    assert make("sales", text) == Snippet()


def test_a_long_sentence_is_cut_where_the_words_asked_for_are_and_says_so():
    text = "word " * 200 + "the coupon of the bond is 4.5 percent " + "more " * 200
    snippet = make("coupon of the bond", text)
    assert snippet.text.startswith("… ") and snippet.text.endswith(" …")
    assert "the coupon of the bond is 4.5 percent" in snippet.text
    (span,) = snippet.spans
    assert f"… {text[span.start : span.end].strip()} …" == snippet.text
    assert len(snippet.text) <= MAX_CHARACTERS + 4
    short = make("coupon of the bond", text.strip().removeprefix("word " * 190))
    assert short.text.startswith("word ") and short.text.endswith(" …")


def test_a_snippet_is_the_same_in_every_process():
    code = (
        "from tests.unit.indexes.searching.snippets.test_snippet_maker import *\n"
        "print([make(q, t).text for t in (SALES, LOSSES, AWARDS, CONTRACTS, EARNINGS)"
        " for q in ('total sales and state income tax', 'compensation of the company for options')])"
    )
    shown = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[5],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(shown) == 1


HOSTILE = {
    "rows": lambda n: "| coupon | 1 |\n" * n,
    "cells": lambda n: "| coupon " * n,
    "headers": lambda n: "| coupon | a |\n|--|--|\n\n" * n,
    "sections": lambda n: "| coupon |  |\n" * n,
    "tabs": lambda n: "coupon\t1\n" * n,
    "sentences": lambda n: "A coupon. " * n,
    "one sentence": lambda n: "coupon bond " * n,
    "other words": lambda n: "apple pie, " * n,
    "dots": lambda n: "." * n,
    "abbreviations": lambda n: "U.S. " * n,
    "spaces": lambda n: "a" + " " * n + "b",
    "line feeds": lambda n: "a\n" * n,
    "bars": lambda n: "|" * n,
    "digits": lambda n: "1" * n,
    "figures": lambda n: "$1,234 " * n,
    "amounts": lambda n: "1 " * n,
    "signs": lambda n: "$ " * n,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_as_the_text_does_and_the_snippet_stays_short(name):
    make("warm", "up")
    question = 'how much is the coupon of the "coupon bond" bo*'
    assert measure_growth(lambda text: make(question, text), HOSTILE[name], 500) < LINEAR
    assert len(make(question, HOSTILE[name](2_000)).text) <= 5 * (MAX_CHARACTERS + 5)
