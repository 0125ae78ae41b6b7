from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, ElementKind
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile

FILE = InputFile(source="a/page.html", modified=0)
CORPUS = Path(__file__).parents[5] / ".." / "shared" / "corpora" / "files"


WORDS = "<p> </p> <b> </b> <table> <tr> <td> </td> </tr> </table> <li> <h2> <br> word a&amp;b"
PIECES = tuple(WORDS.split())


def parse(markup):
    (item,) = parse_bytes(markup if isinstance(markup, bytes) else markup.encode(), FILE)
    return item


def describe(markup):
    record = parse(markup)
    text = record.fields["text"]
    return [
        (element.kind.value, element.level, text[element.start : element.end]) for element in record.elements
    ]


def test_what_a_reader_sees_becomes_headings_paragraphs_and_lists():
    markup = """<html><head><title> Rates
      outlook</title><script>var x</script></head><body>
      <nav><a>Home</a></nav><h1>Rates <i>up</i></h1><!-- note -->
      <p>One&nbsp;line,<br>two <b>bold</b>words.</p>loose
      <ul><li>first<li><p>second</p></ul><style>p {}</style>
      <div style="display: none">secret</div><p hidden>secret</p>
      <pre>a  b
c</pre></body></html>"""
    assert describe(markup) == [
        ("heading", 1, "Rates up"),
        ("paragraph", 0, "One line,\ntwo boldwords."),
        ("paragraph", 0, "loose"),
        ("paragraph", 0, "- first"),
        ("paragraph", 0, "- second"),
        ("paragraph", 0, "a b\nc"),
    ]
    assert parse(markup).fields["title"] == "Rates outlook"


def test_tables_become_rows_with_signs_joined_and_spacer_columns_dropped():
    markup = """<table>
      <tr><td></td><td colspan="3">2019</td><td></td><td colspan="3">2018</td></tr>
      <tr><td>Sales | net</td><td>$</td><td>1,452</td><td></td><td></td><td>$</td><td>(7</td><td>)</td></tr>
      <tr><td rowspan="2">Share</td><td colspan="2">12</td><td>%</td><td></td>
      <td colspan="2">11</td><td>%</td></tr>
      <tr><td colspan="2">3</td><td></td><td></td><td colspan="2">4</td></tr></table>"""
    assert describe(markup) == [
        (
            "table",
            0,
            "|  | 2019 | 2018 |\n| Sales / net | $1,452 | $(7) |\n| Share | 12% | 11% |\n|  | 3 | 4 |",
        )
    ]


def test_text_in_a_table_but_in_no_cell_is_kept_in_front_of_it():
    found = describe(
        "<table>before<tr><th>a</th><td>b</td></tr></table><table><caption>Fees</caption></table>"
    )
    assert found == [("paragraph", 0, "before"), ("table", 0, "| a | b |"), ("paragraph", 0, "Fees")]


def test_tables_that_only_place_text_become_paragraphs():
    bullets = "<table><tr><td>•</td><td>first point</td></tr><tr><td>•</td><td>second</td></tr></table>"
    assert describe(bullets) == [("paragraph", 0, "• first point"), ("paragraph", 0, "• second")]
    outer = f"<table><tr><td>left<table><tr><td>a</td><td>b</td></tr></table></td></tr></table>{bullets}"
    assert describe(outer)[:2] == [("paragraph", 0, "left"), ("table", 0, "| a | b |")]


def test_short_bold_blocks_are_headings_with_parts_above_items():
    markup = """<div><span style="font-weight:700">PART I</span></div>
      <p><b>Item 2. Properties</b></p><p><b>Leases</b></p><p><b>Not</b> all bold</p>
      <p><b>See:</b></p><b><p style="font-weight: 400">plain</p></b>"""
    assert [(kind, level) for kind, level, _ in describe(markup)] == [
        ("heading", 2),
        ("heading", 3),
        ("heading", 4),
        ("paragraph", 0),
        ("paragraph", 0),
        ("paragraph", 0),
    ]


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        ('<meta charset="iso-8859-1">', b"caf\xe9 \x93quoted\x94", "café “quoted”"),
        ("<meta charset=' LATIN1 '>", b"\x80 5", "€ 5"),
        ("<META HTTP-EQUIV=Content-Type CONTENT='text/html; charset=iso8859-1'>", b"\x85", "…"),
        ("<meta content='text/html;charset=\"x-sjis\"' http-equiv='Content-Type'/>", b"\x87\x40", "①"),
        ("<?xml version='1.0' encoding='windows-1251'?>", b"\xd0\xf3\xe1\xeb\xfc", "Рубль"),
        ("<meta charset=utf-16>", "café".encode(), "café"),
        ("<meta http-equiv=content-type content='charset=utf-16be'>", "café".encode(), "café"),
        ("<meta charset=x-user-defined>", b"\x93", "“"),
        ("<meta charset=gb2312>", b"\xc4\xa3", "模"),
        ("<meta charset=big5>", "債券".encode("big5"), "債券"),
        ("<meta charset=iso-2022-jp>", "債券".encode("iso2022_jp"), "債券"),
        ("<meta charset=bogus><meta charset=koi8-r>", "Рубль".encode("koi8-r"), "Рубль"),
        ("<!-- <meta charset=koi8-r> --><meta charset=windows-1252>", b"\xe9", "é"),
        ("<meta name=charset content=koi8-r><meta charset=windows-1252>", b"\xe9", "é"),
        ("<a title='<meta charset=koi8-r>'></a><meta charset=windows-1252>", b"\xe9", "é"),
        ("<meta charset=latin1>", "“kept”".encode(), "“kept”"),
        ("<meta charset=euc-jp>", "“kept”".encode(), "“kept”"),
        ("<meta charset=windows-1252>", b"a\x81b", "a\x81b"),
    ],
)
def test_labels_mean_what_they_mean_to_a_browser(head, body, text):
    assert parse(head.encode() + b"<p>" + body + b"</p>").fields["text"] == text


@pytest.mark.parametrize(
    "head",
    [
        "",
        *(
            f"<meta charset={label}>"
            for label in ("undefined", "idna", "punycode", "rot13", "base64", "utf-7", "cp037")
        ),
        "<meta charset=hz-gb-2312>",
        "<meta charset=iso-2022-kr>",
        "<meta charset=utf-8>",
        "<meta http-equiv=refresh content='charset=latin1'>",
        "<meta charset=windows-1253>\xaa",
        " " * 1024 + "<meta charset=latin1>",
    ],
)
def test_bytes_in_no_encoding_the_web_knows_are_a_dead_letter(head):
    letter = parse(head.encode("latin-1") + b"<p>caf\xe9</p>")
    assert isinstance(letter, DeadLetter) and letter.reason is DeadLetterReason.INVALID_ENCODING


def test_a_mark_wins_over_what_the_page_declares():
    markup = '<meta charset="koi8-r"><p>café</p>'
    for encoding in ("utf-8-sig", "utf-16"):
        assert parse(markup.encode(encoding)).fields["text"] == "café"


def test_a_page_in_utf16_without_a_mark_is_read():
    for encoding in ("utf-16-le", "utf-16-be"):
        assert parse("<?xml version='1.0'?><p>café</p>".encode(encoding)).fields["text"] == "café"


@pytest.mark.parametrize("markup", ["", " ", "<!-- x -->", "<script>1</script>", "<p hidden>x</p>"])
def test_a_page_that_shows_nothing_is_a_dead_letter(markup):
    assert parse(markup).reason is DeadLetterReason.EMPTY_TEXT


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 1500 + "deep" + "</div>" * 1500,
        "<table><tr><td colspan='99999999'>deep</td><td rowspan='-3'>x</td></tr></table>",
        "<p>deep &#0; &#1; &#xD800; &bogus; <b <i>",
        "<table>" * 40 + "deep",
    ],
)
def test_odd_markup_still_yields_its_text(markup):
    text = parse(markup).fields["text"]
    assert "deep" in text
    text.encode("utf-8")


def test_a_page_nested_too_deeply_is_a_dead_letter_rather_than_a_part_of_itself():
    letter = parse("<p>first</p>" + "<div>" * 3000 + "last")
    assert letter.reason is DeadLetterReason.UNREADABLE_FILE


def test_spans_of_cells_that_name_a_huge_grid_cost_little():
    markup = "<table>" + "<tr><td rowspan='2000' colspan='200'>x</td></tr>" * 1000 + "</table>"
    assert parse(markup).fields["text"].count("x") == 1000


@given(st.lists(st.sampled_from(PIECES), max_size=25))
@settings(max_examples=300, deadline=None)
def test_spans_are_exact_whatever_the_markup(pieces):
    item = parse(" ".join(pieces))
    if isinstance(item, DeadLetter):
        assert "word" not in pieces and "a&amp;b" not in pieces
        return
    text, last = item.fields["text"], 0
    for element in item.elements:
        piece = text[element.start : element.end]
        assert piece == piece.strip() and piece and element.start >= last
        assert (element.kind is ElementKind.TABLE) == all(line.startswith("| ") for line in piece.split("\n"))
        last = element.end
    assert text.count("word") == pieces.count("word")


def test_a_filing_in_inline_xbrl_keeps_its_titles_and_tagged_figures():
    path = CORPUS / "10Q_AAPL_iXBRL.html"
    if not path.is_file():
        pytest.skip("the shared corpora are not on this machine")
    record = parse(path.read_bytes())
    text = record.fields["text"]
    assert "| Products | $60,584 | $63,355 | $230,901 | $245,241 |" in text
    gold = json.loads((CORPUS / "10Q_AAPL_iXBRL.expected-structure.json").read_text(encoding="utf-8"))
    wanted = {
        " ".join(item["text_content"].split())
        for item in gold
        if item["cls_name"] in {"TopSectionTitle", "TitleElement"}
    }
    headings = {text[element.start : element.end] for element in record.elements if element.level}
    found = wanted & headings
    assert len(found) >= 0.95 * len(wanted), sorted(wanted - headings)
