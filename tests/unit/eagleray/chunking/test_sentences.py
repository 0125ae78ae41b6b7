from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.chunking.sentences import find_sentence_starts


def split(text):
    starts = find_sentence_starts(text, start=0, end=len(text))
    return [text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


@pytest.mark.parametrize(
    "text",
    [
        "Apple Inc. reported net sales of $3.5 billion.",
        "The U.S. Treasury sold notes.",
        "See Fig. 3 and Sec. 12 of Note No. 4 to the accounts.",
        "J. P. Morgan & Co. LLC acted as agent.",
        "Rates, e.g. Fed. funds, rose approx. 2.5 percent vs. last year.",
        "It closed on Jan. 5 at 4 p.m. on Friday.",
        "Ms. Yellen met Dr. Powell and Gov. Brainard.",
        "1. Business",
        "the cost . . . . . . 5",
        "see www.sec.gov. for more",
        "Revenue ............. 14.1%",
    ],
)
def test_these_are_one_sentence(text):
    assert split(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It fell. We bought.", ["It fell.", "We bought."]),
        ("Sold in the U.S. The rest fell.", ["Sold in the U.S.", "The rest fell."]),
        ("We are Apple Inc. We sell.", ["We are Apple Inc.", "We sell."]),
        ("He said no. They left.", ["He said no.", "They left."]),
        ('Is it? "Yes!" (Quite.) Done.', ["Is it?", '"Yes!"', "(Quite.)", "Done."]),
        ("In 2019. 5 of them", ["In 2019.", "5 of them"]),
        ("net income was high .\nthe cost fell .", ["net income was high .", "the cost fell ."]),
        ("Cash 1,200 (300)\nDebt 40 5%\nTotal", ["Cash 1,200 (300)", "Debt 40 5%", "Total"]),
        ("We list:\n- rates\n• credit\n(a) equity", ["We list:", "- rates", "• credit", "(a) equity"]),
        ("no full stop\n\nNew paragraph", ["no full stop", "New paragraph"]),
        ("一。二。三", ["一。", "二。", "三"]),
    ],
)
def test_these_are_several(text, expected):
    assert split(text) == expected


@given(st.text(alphabet="aA1. \n!?(-", min_size=1, max_size=60).filter(lambda text: not text[0].isspace()))
def test_starts_ascend_and_are_no_white_space(text):
    starts = find_sentence_starts(text, start=0, end=len(text))
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert not any(text[start].isspace() for start in starts)
