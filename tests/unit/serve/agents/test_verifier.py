"""One case, or more, for each rule: what is equal, what is different, what is undecided."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.cited_answers import Citation, CitedKind
from serve.agents.verification import Outcome, verify
from serve.agents.verification.rules import RULES

TITLE = "Cubic Corp annual report fiscal 2019"


def cite(text, *, title=TITLE, header=(), section="", scale_note="", **fields):
    kind = CitedKind.ROW if header else CitedKind.SENTENCE
    usual = {"number": 1, "chunk_id": 1, "doc_id": "d", "version": "v", "heading": "", "start": 0}
    return Citation(
        **{**usual, "kind": kind, "end": len(text), "text": text, "title": title, **fields},
        header=header,
        section=section,
        scale_note=scale_note,
    )


def row(text, *, note="in millions", years=(2019, 2018), **fields):
    return cite(text, header=(f"|  | {' | '.join(map(str, years))} |",), scale_note=note, **fields)


FIXED = row("| Fixed price sales | $ 1,452.4 | $ 1,146.2 |")
LOSS = row("| Operating loss | (3,709) | 2,100 |", note="in thousands")
DASH = row("| Goodwill impairment | \u2014 | $ 12.0 |")
RATE = cite("The discount rate was .5 % in 2019.")
RANGE = cite("We expect growth of 10 % to 12 % in 2020.")
ABOUT = cite("Total sales grew to about $1.5 billion in fiscal 2019, mostly under fixed-price contracts.")
BOTH = cite("Net sales were $44.1 million and $56.7 million in 2019 and 2018, respectively.")
EPS = row("| Basic earnings per share | $ 1.52 | $ 1.10 |", note="in millions, except per share amounts")

REGIONS = cite("Sales fell in Americas by $19.0 million, in EMEA by $9.0 million and in Asia by $3 million.")
UNREAD = cite("There were143,122 shares outstanding at the end of the year.")
DILUTED = row(
    "| Diluted earnings per share | $ 1.50 | $ 1.08 |", note="in millions, except per share amounts"
)
QUARTER = cite("Net sales were $44.1 million in the fourth quarter of 2019.")
MONTHS = cite("Net sales for the three months ended June 30, 2019 were $44.1 million.")
EARLIER = cite(
    "In 2019, net sales were $44.1 million, compared to net sales of $56.7 million in the prior year."
)
TURNED = row("| Operating income (loss) | (3,709) | 2,100 |", note="in thousands")
NEAR = cite("Net sales were close to $5.0 million in 2019.")
SO = cite("Net sales were $5.0 million or so in 2019.")
LIKELY = cite("We do not expect that net sales will be $5.0 million in 2020.")
MAY = cite("Sales of the group may decline under the contract.")
SOME = cite("Some customers renewed fixed-price contracts in 2019.")
SPREAD = cite("The discount rate was 10 % - 12 % in 2019.")

SUPPORTED = [
    ("Fixed price sales (in millions) were $1,452.4 million in 2019", FIXED),
    ("John Smith is chief executive", row("| John Smith | Chief executive |")),
    ("How are sales recognised?", cite("How are sales recognised? They are recognised over time.")),
    ("Net sales were $44.1 million in the fourth quarter of 2019", QUARTER),
    ("For the three months ended June 30, 2019 net sales were $44.1 million", MONTHS),
    ("Sales of the group may decline", MAY),
    ("The discount rate was 10 % - 12 % in 2019", SPREAD),
    ("Fixed price sales: 1,452.4 - 1,146.2 = $306.2 million", FIXED),
    ("Fixed price sales: 1,452.4 - 1,146.2 = 306,200 thousand", FIXED),
    ("Fixed price sales: (1,452.4 + 1,146.2) / 2 = 1,299.3 million", FIXED),
    ("Operating loss: (3,709) + 2,100 = (1,609) thousand", LOSS),
    (
        "The discount rates: 4.0 % - 3.5 % = 0.5 percentage points",
        cite("The discount rates were 4.0 % and 3.5 %."),
    ),
    ("Sales fell in EMEA by $9.0 million", REGIONS),
    ("There were143,122 shares outstanding", UNREAD),
    ("Fixed price sales were $1.4524bn in 2019", FIXED),
    ("Fixed price sales were $1,452.4 million in 2019", FIXED),
    ("Fixed price sales were $1,452.4m in 2019", FIXED),
    ("Fixed price sales were $1,452.4 mn in 2019", FIXED),
    ("Fixed price sales were $1,452.4 mm in 2019", FIXED),
    ("Fixed price sales were $1,452,400k in 2019", FIXED),
    ("Fixed price sales were $1.5 billion in 2019", FIXED),
    ("Fixed price sales were about $1.45 billion in 2019", FIXED),
    ("Fixed price sales were over $1,452 million in 2019", FIXED),
    ("Fixed price sales were $1,452.4 million in 2019 and $1,146.2 million in 2018", FIXED),
    ("Fixed price sales rose from $1,146.2 million in 2018 to $1,452.4 million in 2019", FIXED),
    ("Fixed price sales: 1,452.4 - 1,146.2 = 306.2 million", FIXED),
    ("Fixed price sales: (1,452.4 - 1,146.2) / 1,146.2 = 26.7 %", FIXED),
    ("The operating loss was \u22123,709 thousand in 2019", LOSS),
    ("The operating loss was (3,709) thousand in 2019", LOSS),
    ("The operating loss was 3,709 thousand in 2019", LOSS),
    ("Goodwill impairment was 0 in 2019", DASH),
    ("The discount rate was 0.5 % in 2019", RATE),
    ("The discount rate was 50 bp in 2019", RATE),
    ("We expect growth of 10 % to 12 % in 2020", RANGE),
    ("Total sales grew to about $1.5 billion", ABOUT),
    ("Net sales were $56.7 million in 2018", BOTH),
    ("Basic earnings per share were $1.52 in 2019", EPS),
    ("We expect growth of 10 % to 12 % in 2020.", RANGE),
    ("| Fixed price sales | $ 1,452.4 | $ 1,146.2 |", FIXED),
    ("The contract runs to 03/04/2019", cite("The contract runs to 03/04/2019, and may be renewed.")),
    ('The company called growth "mostly under fixed-price contracts"', ABOUT),
]

UNSUPPORTED = [
    ("qualifier", "Sales by contract type (in billions)", cite("Sales by contract type (in millions):")),
    ("qualifier", "Fixed price sales, in thousands, were $1,452.4 million in 2019", FIXED),
    ("statement", "Cubic Corp, fiscal 2019: What are fixed price sales?", FIXED),
    ("statement", "What were fixed price sales in 2019?", FIXED),
    ("statement", "Fixed price sales in 2019 and 2018 respectively.", FIXED),
    ("statement", "Were net sales $5.0 million in 2019?\u201d", cite("Net sales were $5.0 million in 2019.")),
    ("figure", "Fixed price sales: 1,452.4 - 1,146.2 = 306.2 million and 777.7 million in 2019", FIXED),
    ("calculation", "Fixed price sales: 1,452.4 - 1,146.2 = 306.2 billion", FIXED),
    ("calculation", "Fixed price sales: 1,452.4 - 1,146.2 = 30,620 million", FIXED),
    ("calculation", "Fixed price sales: 1,452.4 - 1,146.2 = \u20ac306.2 million", FIXED),
    ("calculation", "Fixed price sales: \u20ac1,452.4 - \u20ac1,146.2 = 306.2 million", FIXED),
    ("calculation", "Fixed price sales: 12 = 12 million", FIXED),
    ("calculation", "Fixed price sales: 1,452.4 * 1,146.2 = 1,664,740.88 million", FIXED),
    ("calculation", "Fixed price sales: (1,452.4 - 1,146.2) / 1,146.2 = 26.7 percentage points", FIXED),
    ("calculation", "Operating loss: 3,709 + 2,100 = 5,809 thousand", LOSS),
    (
        "calculation",
        "The discount rates: 4.0 % - 3.5 % = 0.5 %",
        cite("The discount rates were 4.0 % and 3.5 %."),
    ),
    ("figure", "Net sales were $44.1 million in 2019", QUARTER),
    ("figure", "Net sales were $44.1 million in 2019", MONTHS),
    ("figure", "Net sales for the six months ended June 30, 2019 were $44.1 million", MONTHS),
    ("figure", "Net sales were $56.7 million in 2019", EARLIER),
    ("figure", "Fixed price sales were 2018 million in 2019", FIXED),
    ("figure", "Operating income fell to 3,709 thousand in 2019", TURNED),
    ("figure", "Net sales were $5.0 million in 2019", NEAR),
    ("figure", "Net sales were $5.0 million in 2019", SO),
    ("figure", "The discount rate was 12 % in 2019", SPREAD),
    ("words", "Total sales doubled to about $1.5 billion, mostly under fixed-price contracts", ABOUT),
    ("words", "Fixed price sales surged to $1,452.4 million in 2019", FIXED),
    ("qualifier", "All customers renewed fixed-price contracts in 2019", SOME),
    ("certainty", "Sales of the group will decline", MAY),
    ("certainty", "Net sales were $5.0 million in 2020", LIKELY),
    ("figure", "Sales fell in Americas by $9.0 million", REGIONS),
    ("figure", "Sales fell in Americas by $9.0 million, in EMEA by $9.0 million", REGIONS),
    ("negation", "It is able to pay, and is material", cite("It is able to pay, and is not material.")),
    ("negation", "We were not unable to comply with rules", cite("We were unable to comply with rules.")),
    ("figure", "Fixed price sales were $1,452.5 million in 2019", FIXED),
    ("figure", "Fixed price sales were $1,452.4 thousand in 2019", FIXED),
    ("figure", "Fixed price sales were $1,452.4 in 2019", FIXED),
    ("figure", "Fixed price sales were \u20ac1,452.4 million in 2019", FIXED),
    ("figure", "Fixed price sales were $1,452.4 million in 2018", FIXED),
    ("figure", "Fixed price sales were $1,146.2 million in 2019 and $1,452.4 million in 2018", FIXED),
    ("figure", "Fixed price sales were $1.46 billion in 2019", FIXED),
    ("figure", "Cost plus sales were $1,452.4 million in 2019", FIXED),
    ("figure", "The discount rate was .5 percentage points in 2019", RATE),
    ("figure", "We expect growth of 12 % in 2020", RANGE),
    ("figure", "Total sales grew to $1.5 billion", ABOUT),
    ("figure", "Net sales were $56.7 million in 2019", BOTH),
    ("figure", "There were 2,019 contracts under fixed-price terms", ABOUT),
    ("figure", "Fixed price sales were over $1,453 million in 2019", FIXED),
    ("qualifier", "The diluted earnings per share were $1.52 in 2019", EPS),
    ("period", "Fixed price sales: as in 2017", FIXED),
    ("calculation", "Fixed price sales: 1,452.4 - 1,146.2 = 306.3 million", FIXED),
    ("calculation", "Fixed price sales: 1,452.4 - 1,100.0 = 352.4 million", FIXED),
    ("calculation", "Fixed price sales: (1,452.4 - 1,146.2) / 0 = 26.7 %", FIXED),
    ("quotation_marks", 'The company spoke of "record sales"', ABOUT),
    ("name", "Total sales of Vodafone grew to about $1.5 billion in 2019", ABOUT),
    ("negation", "Total sales did not grow to about $1.5 billion, mostly under fixed-price contracts", ABOUT),
    ("negation", "It is material", cite("It is not material to us.")),
    ("direction", "Total sales declined to about $1.5 billion, mostly under fixed-price contracts", ABOUT),
    ("direction", "Fixed price sales fell to $1,452.4 million in 2019", FIXED),
    ("words", "The merger with a competitor was completed", ABOUT),
    ("words", "It was so", ABOUT),
]

UNDECIDED = [
    ("doubt", "Fixed price sales were $1,452.4 million million in 2019", FIXED),
    ("doubt", "Fixed price sales were over those of the prior year", FIXED),
    ("doubt", "There were143,622 shares outstanding", UNREAD),
    ("doubt", "The notes mature in 3m", cite("The notes mature in three months.")),
    ("doubt", "Fixed price sales were 1,452M in 2019", FIXED),
    ("doubt", "Fixed price sales were $1,452.4 million in FY19", FIXED),
    ("doubt", "The contract ends on 03/04/2019", cite("The contract ends on 3 April 2019.")),
    ("name", "Acme bought Beta for $5 million", cite("Beta bought Acme for $5 million.")),
    (
        "direction",
        "Fixed price sales grew to $5.0 million",
        row("| Fixed price sales | $ 5.0 |", years=(2019,)),
    ),
]


@pytest.mark.parametrize(("claim", "citation"), SUPPORTED)
def test_what_is_equal_is_supported(claim, citation):
    verdict = verify(claim, [citation])
    assert verdict.outcome is Outcome.SUPPORTED, verdict


@pytest.mark.parametrize(("rule", "claim", "citation"), UNSUPPORTED)
def test_what_is_different_is_unsupported_by_its_rule(rule, claim, citation):
    verdict = verify(claim, [citation])
    assert (verdict.outcome, verdict.rule) == (Outcome.UNSUPPORTED, rule), verdict
    assert verdict.reason


@pytest.mark.parametrize(("rule", "claim", "citation"), UNDECIDED)
def test_what_may_be_read_in_two_ways_is_undecided(rule, claim, citation):
    verdict = verify(claim, [citation])
    assert (verdict.outcome, verdict.rule) == (Outcome.UNDECIDED, rule), verdict


def test_a_bare_dollar_is_not_said_to_be_that_of_one_country():
    assert (
        verify("Fixed price sales were US$1,452.4 million in 2019", [FIXED]).outcome is not Outcome.SUPPORTED
    )
    american = row("| Fixed price sales | US$ 1,452.4 | US$ 1,146.2 |")
    assert (
        verify("Fixed price sales were US$1,452.4 million in 2019", [american]).outcome is Outcome.SUPPORTED
    )


def test_a_statement_that_cites_nothing_is_unsupported():
    assert verify("Sales were $5", []).rule == "citation"


def test_figures_of_two_citations_may_stand_in_one_statement_and_not_for_each_other():
    other = row("| Cost plus sales | 44.1 | 56.7 |")
    good = "Fixed price sales were $1,452.4 million in 2019"
    assert verify(good, [FIXED, other]).outcome is Outcome.SUPPORTED
    assert (
        verify("Fixed price sales were 44.1 million in 2019", [FIXED, other]).outcome is Outcome.UNSUPPORTED
    )


@pytest.mark.parametrize(
    ("claim", "sources"),
    [
        ("Diluted earnings per share were $1.52 in 2019", (EPS, DILUTED)),
        ("Net sales of services were $44.1 million in 2019", ("products", "services")),
        ("Net sales of products: 44.1 - 9.8 = 34.3 million", ("products", "services")),
    ],
)
def test_a_figure_of_one_cited_row_is_not_that_of_another(claim, sources):
    figures = {"products": "$ 44.1 | $ 56.7", "services": "$ 10.3 | $ 9.8"}
    rows = [
        row(f"| Net sales of {item} | {figures[item]} |") if isinstance(item, str) else item
        for item in sources
    ]
    assert verify(claim, rows).outcome is Outcome.UNSUPPORTED
    both = (
        "Net sales of products were $44.1 million in 2019 and "
        "net sales of services were $10.3 million in 2019"
    )
    if sources == ("products", "services"):
        assert verify(both, rows).outcome is Outcome.SUPPORTED


def test_a_name_is_whole_words():
    cited = cite("Affordable total sales grew to about $1.5 billion, mostly under fixed-price contracts.")
    claim = "Total sales of Ford grew to about $1.5 billion, mostly under fixed-price contracts"
    assert verify(claim, [cited]).rule == "name"


def test_every_rule_has_a_case():
    decided = {rule for rule, _, _ in [*UNSUPPORTED, *UNDECIDED]} | {"citation", "quotation"}
    assert decided == {rule.name for rule in RULES}
    assert verify(SUPPORTED[-4][0], [SUPPORTED[-4][1]]).rule == "quotation"


@given(digits=st.integers(1, 10**7 - 1), place=st.integers(0, 6), other=st.integers(1, 9))
def test_a_figure_with_another_digit_is_never_supported(digits, place, other):
    written = str(digits)
    place %= len(written)
    digit = str((int(written[place]) + other) % 10)
    changed = written[:place] + digit + written[place + 1 :]
    source = row(f"| Fixed price sales | $ {digits:,} | $ 5 |", note="in thousands")
    claim = "Fixed price sales were ${} thousand in 2019"
    assert verify(claim.format(f"{digits:,}"), [source]).outcome is Outcome.SUPPORTED
    assert verify(claim.format(f"{int(changed):,}"), [source]).outcome is not Outcome.SUPPORTED


@given(thousands=st.integers(1, 10**7))
def test_a_rounded_figure_is_supported_in_any_scale(thousands):
    source = row(f"| Fixed price sales | $ {thousands:,} | $ 5 |", note="in thousands")
    millions = Fraction(thousands, 1000)
    rounded = int(millions * 10 + Fraction(1, 2))
    claim = f"Fixed price sales were ${rounded // 10:,}.{rounded % 10} million in 2019"
    assert verify(claim, [source]).outcome is Outcome.SUPPORTED
    wrong = f"Fixed price sales were ${(rounded + 1) // 10:,}.{(rounded + 1) % 10} million in 2019"
    assert verify(wrong, [source]).outcome is not Outcome.SUPPORTED
