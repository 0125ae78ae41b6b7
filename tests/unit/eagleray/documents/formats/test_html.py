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


@pytest.mark.parametrize(
    "element",
    [
        '<p style="DISPLAY : NONE">lost</p>',
        '<p style="color:red;display:none!important">lost</p>',
        '<p style="display:/* now */none ! important; display:block">lost</p>',
        '<p style="Visibility:\tHidden">lost</p>',
        "<p hidden>lost</p>",
        '<div HIDDEN="until-found"><p>lost</p></div>',
        '<p class="a gone b">lost</p>',
        "<p class=gone style='color:red'>lost</p>",
        "<p id=secret>lost</p>",
        "<aside class=side>lost</aside>",
        "<section><div><p class=inner>lost</p></div></section>",
        "<ul class=menu><li>lost</li></ul>",
        "<p data-off>lost</p>",
        "<p data-state='closed'>lost</p>",
        "<p role='x tooltip'>lost</p>",
        "<p lang=x-draft>lost</p>",
        "<p class=is-off-now>lost</p>",
        "<p data-for=PRINTER>lost</p>",
        "<p itemprop=is-draft>lost</p>",
        "<p itemprop=internal-note>lost</p>",
        "<P CLASS=Gone>lost</P>",
        "<p id=SECRET>lost</p>",
        "<p class=print-only>lost</p>",
        "<p class=wide-gone>lost</p>",
        "<p class='md:gone'>lost</p>",
        "<p class=twice>lost</p>",
        "<p class=layered>lost</p>",
        "<table><tr class=gone><td>lost<td>lost<tr><td>a<td class=gone>lost</td></tr></table>",
        "<dialog>lost</dialog>",
        "<template><p>lost</p></template>",
        "<noscript>lost</noscript>",
        "<b><p class=gone>lost</b></p>",
    ],
)
def test_what_is_hidden_is_left_out(element):
    css = """/* .kept{display:none} */ @import url("x{}.css");
      .gone{display:none} #secret , .other { color : red ; DISPLAY:none } aside.side{visibility:hidden}
      [role~=tooltip],[lang|="x"], [CLASS*='-off-'] , [data-for=printer i]{display:none}
      [itemprop^="internal"],[itemprop$='-draft' S]{display:none !important}
      section .inner {display: none} ul.menu > li{display:none} [data-off],[data-state="closed"]{display:none}
      @media screen { .print-only{display:none} } @media print { .kept {display:none} }
      @media (min-width: 768px) { .wide-gone{display:none} } .md\\:gone{display:none}
      .twice{display:block} .twice{display:none} .kept::before{content:"} .kept{display:none}"}
      @font-face{font-family:x} @layer base { .layered { display:none } } .broken{display:none"""
    text = parse(f"<style>{css}</style><p class=kept>kept</p>{element}<p>last</p>").fields["text"]
    assert text.startswith("kept") and text.endswith("last") and "lost" not in text


@pytest.mark.parametrize(
    "css",
    [
        "<!-- .gone{display:none} -->",
        "<![CDATA[ .gone{display:none} ]]>",
        "@charset 'x'; P.gone , b{DISPLAY:none}",
        "*{color:red} [class]{display:none} .kept{display:block!important}",
    ],
)
def test_a_style_sheet_may_be_wrapped_and_stand_anywhere(css):
    assert parse(f"<p class=gone>lost</p><p class=kept>kept</p><style>{css}</style>").fields["text"] == "kept"


@pytest.mark.parametrize(
    "element",
    [
        "<p class=a>kept</p>",
        '<p class=gone style="display:block">kept</p>',
        "<p id=back class=gone>kept</p>",
        "<p class=phone>kept</p>",
        "<p class=paper>kept</p>",
        "<p class=hover>kept</p>",
        "<div><p class=inner>kept</p></div>",
        "<p aria-hidden=true>kept</p>",
        '<p hidden style="display:block">kept</p>',
        "<p style=\"display:block;content:'display:none'\">kept</p>",
        '<p title="display:none">kept</p>',
        "<p class=negated>kept</p>",
        "<p role=tooltips lang=xy title='' data-for=x>kept</p>",
        "<p class=twice-none>kept</p>",
        "<p style='display:none !ie'>kept</p>",
        "<p style='display:none\\9'>kept</p>",
        "<details><p>kept</p></details>",
        "<script type=text/template><style>p{display:none}</style></script><p>kept</p>",
        "<style type=text/less>p{display:none}</style><p>kept</p>",
    ],
)
def test_what_is_shown_is_kept(element):
    css = """.gone{display:none} #back{display:block} @media (max-width:600px){.phone{display:none}}
      @media print,(orientation:portrait){.paper{display:none}} .hover:hover{display:none}
      section > .inner{display:none} p:not(.a, .negated, .b){display:none} .a{--display:none}
      [role~="tooltip"],[role~=""],[lang|=x],[title^=""],[title$=""],[title*=""],[data-for=X]{display:none}
      .twice-none{display:none none}"""
    paper = "<style media=print>p{display:none}</style><template><style>p{display:none}</style></template>"
    assert parse(f"<style>{css}</style>{paper}{element}").fields["text"] == "kept"


@pytest.mark.parametrize("tag", ["article", "main", "section", "details", "custom-tag"])
def test_a_page_without_a_body_tag_is_read(tag):
    head = (
        "<!doctype html><title>Fund report</title><meta name=author content=lost><style>.x{color:red}</style>"
    )
    record = parse(f"{head}<{tag}>Outlook<p>kept</p></{tag}>")
    assert (record.fields["title"], record.fields["text"]) == ("Fund report", "Outlook\n\nkept")


@pytest.mark.parametrize(
    "empty", ["<h1><img src=logo.png></h1>", "<h2> </h2>", "<ul><li></li></ul>", "<li><p hidden>x</p></li>"]
)
def test_a_heading_or_item_without_text_says_nothing_of_what_follows(empty):
    record = parse(f"{empty}<p>Outlook for the fund.</p>")
    assert (record.fields["text"], record.fields["title"]) == ("Outlook for the fund.", FILE.stem)
    assert [element.kind for element in record.elements] == [ElementKind.PARAGRAPH]


def test_names_of_classes_are_exact_in_pages_of_today():
    page = "<style>.gone,#gone{display:none}</style><p class=Gone>kept <b id=GONE>too</b></p>"
    for start in ("<!doctype html>", "<!DOCTYPE html SYSTEM 'about:legacy-compat'>", "<?xml version='1.0'?>"):
        xml = "<html xmlns='http://www.w3.org/1999/xhtml'>" if start.startswith("<?") else "<html>"
        assert parse(f"{start}{xml}{page}</html>").fields["text"] == "kept too"
    assert isinstance(parse(f"<html>{page}</html>"), DeadLetter)


def test_a_header_a_footer_and_a_nav_are_judged_by_what_they_hold():
    links = "".join(f"<a href={number}>menu item</a> " for number in range(8))
    story = (
        f"<article><header><h1>Fund halts redemptions</h1><p>By {links}</p></header><p>Body.</p></article>"
    )
    record = parse(f"<header><a>Logo</a>{links}</header><nav>{links}</nav>{story}<footer>{links}</footer>")
    assert record.fields["text"].startswith("Fund halts redemptions\n\nBy menu item")
    assert record.fields["text"].endswith("\n\nBody.")
    assert record.fields["title"] == "Fund halts redemptions"
    linked = story.replace("Fund halts redemptions", "<a href=0>Fund halts redemptions</a>")
    assert parse(linked).fields["title"] == "Fund halts redemptions"
    plain = (
        f"<article><header><div>Fund halts redemptions</div>By {links}<nav>{links}</nav></header></article>"
    )
    assert parse(plain).fields["text"].split("\n\n")[0] == "Fund halts redemptions"
    assert parse(plain).fields["text"].count("menu item") == 8
    site = parse(f"<header><h1><a>Site</a></h1><nav>{links}</nav></header><p>Body.</p>")
    assert site.fields["text"] == "Body."
    notes = "The notes below are part of these statements and were audited with them as a whole, all of them."
    assert "audited" in parse(f"<footer>{notes} {links}</footer>").fields["text"]
    assert parse("<nav>Contents: one chapter <a>top</a></nav>").fields["text"] == "Contents: one chapter top"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("1,234<sup>1</sup>", "1,234 ¹"),
        ("1,234<SUP><a href=#n>(1)</a></SUP> shares", "1,234 (1) shares"),
        ("5.1%<sup>2,3</sup>", "5.1% 2,3"),
        ("(17)<sup>a</sup>", "(17) a"),
        ("1,234<sup>†</sup>", "1,234 †"),
        ("1,234 <sup>1</sup>", "1,234 ¹"),
        ("1,234¹", "1,234¹"),
        ("1,234<span style='vertical-align: super;font-size:60%'>12</span>", "1,234 ¹²"),
        ("Revenue<sup>1</sup>", "Revenue ¹"),
        ("x<sup>2</sup> and 5 km<sup>2</sup>", "x² and 5 km²"),
        ("(1 + r)<sup>n</sup>", "(1 + r)n"),
        ("10<sup>-6</sup>", "10⁻⁶"),
        ("the 1<sup>st</sup> of May", "the 1st of May"),
        ("Eagle<sup>TM</sup>", "EagleTM"),
        ("<sup>1</sup>Includes leases", "¹ Includes leases"),
        ("a<sup></sup>b", "ab"),
        ("a<sup>much longer than any mark</sup>", "amuch longer than any mark"),
        ("a<sup><p>b</p>c</sup>d", "a\n\nb\n\ncd"),
    ],
)
def test_marks_of_footnotes_are_kept_apart_from_what_they_stand_at(markup, text):
    assert parse(markup).fields["text"] == text
    if "<p>" not in markup:
        cells = parse(f"<table><tr><td>{markup}</td><td>z</td></tr></table>").fields["text"]
        assert cells == f"| {text} | z |"


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


def test_a_table_whose_cells_are_far_between_is_no_longer_than_its_cells():
    wide = "<tr>" + "<td>a" * 2000
    record = parse(f"<table>{wide}" + "<tr><td>b" * 2000 + "</table>")
    assert len(record.fields["text"]) < 40_000


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
