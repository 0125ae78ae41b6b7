from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile

FILE = InputFile(source="reports/adi.pdf", modified=0)
CORPUS = Path(__file__).parents[5] / ".." / "shared" / "corpora" / "files"


def read(name):
    path = CORPUS / name
    if not path.is_file():
        pytest.skip("the shared corpora are not on this machine")
    return path.read_bytes()


def join_objects(objects, trailer=""):
    """A PDF file of these objects, numbered from 1, with its cross-reference table."""
    body, offsets = "%PDF-1.4\n", []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{item}\nendobj\n"
    rows = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    xref = f"xref\n0 {size}\n0000000000 65535 f \n{rows}trailer\n<</Size {size}/Root 1 0 R{trailer}>>\n"
    return f"{body}{xref}startxref\n{len(body)}\n%%EOF\n".encode()


def make_pdf(*pages, trailer="", extra=()):
    """A small PDF with one line of text a page."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
        objects.append(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>"
            f"/Contents {5 + 2 * number} 0 R>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    return join_objects([*objects, *extra], trailer)


def make_form(*pages, is_form=True, extra=()):
    """A PDF whose pages hold these annotations alone; `extra` objects are numbered behind them."""
    first_field = 3 + len(pages)
    numbers = iter(range(first_field, first_field + sum(map(len, pages))))
    kids = [[f"{next(numbers)} 0 R" for _ in fields] for fields in pages]
    form = f"/AcroForm<</Fields[{' '.join(chain(*kids))}]/NeedAppearances true>>" if is_form else ""
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{form}>>",
        f"<</Type/Pages/Kids[{' '.join(f'{3 + n} 0 R' for n in range(len(pages)))}]/Count {len(pages)}>>",
        *(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Annots[{' '.join(names)}]>>" for names in kids),
        *(f"<</Type/Annot/Rect[60 600 260 620]{field}>>" for fields in pages for field in fields),
    ]
    return join_objects([*objects, *extra])


def make_encrypted():
    """A PDF whose password nobody knows."""
    key = "A" * 32
    encryption = f"<</Filter/Standard/V 1/R 2/P -4/O({key})/U({key})>>"
    return make_pdf("Secret.", trailer="/Encrypt 6 0 R/ID[(a)(a)]", extra=[encryption])


def test_elements_know_their_pages_and_pages_without_text_are_passed_over():
    (record,) = parse_bytes(make_pdf("First page.", "", "Third page."), FILE)
    text = record.fields["text"]
    assert text == "First page.\n\nThird page."
    found = [(element.page, text[element.start : element.end]) for element in record.elements]
    assert found == [(1, "First page."), (3, "Third page.")]
    assert record.fields["title"] == "adi"


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("(1,234) Tj /F1 7 Tf 4 Ts (1) Tj /F1 12 Tf 0 Ts ( shares) Tj", "1,234 ¹ shares"),
        ("(1,234) Tj /F1 7 Tf 4 Ts (12) Tj", "1,234 ¹²"),
        ("(Revenue) Tj /F1 7 Tf 4 Ts (1) Tj", "Revenue ¹"),
        ("(m) Tj /F1 7 Tf 4 Ts (2) Tj", "m²"),
        ("(1,234) Tj (1) Tj", "1,2341"),
        ("(1,234) Tj 4 Ts (1) Tj", "1,2341"),
        ("(H) Tj /F1 7 Tf -2 Ts (2) Tj /F1 12 Tf 0 Ts (O) Tj", "H2O"),
        ("(company10) Tj", "company10"),
        ("0 1 -1 0 300 300 Tm (2,081 81) Tj", "2,081 81"),
    ],
)
def test_small_raised_digits_are_kept_apart_from_what_they_stand_at(shown, text):
    stream = f"BT /F1 12 Tf 72 700 Td {shown} ET"
    page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents 5 0 R>>"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[4 0 R]/Count 1>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        page,
        f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
    ]
    (record,) = parse_bytes(join_objects(objects), FILE)
    assert " ".join(record.fields["text"].split()) == text


def test_what_is_filled_into_a_form_is_text_of_its_page():
    texts = ("/Subtype/Widget/FT/Tx/T(a)/V(Larchmont Trustees)", "/Subtype/Widget/FT/Tx/T(b)/V<FEFF20AC0035>")
    choices = (
        "/Subtype/Widget/FT/Ch/Ff 131072/T(c)/V(b)/Opt[[(a)(Alpha)][(b)(Beta)]]",
        "/Subtype/Widget/FT/Ch/T(d)/V[(x)(z)]/Opt[(x)(y)(z)]",
    )
    boxes = (
        "/Subtype/Widget/FT/Btn/T(e)/TU(I agree)/V/Yes/AS/Yes/AP<</N<</Yes 15 0 R/Off 15 0 R>>>>",
        "/Subtype/Widget/FT/Btn/T(f)/TU(I do not)/V/Off/AS/Off/AP<</N<</Yes 15 0 R/Off 15 0 R>>>>",
    )
    others = (
        "/Subtype/FreeText/Contents(Typed on the page)",
        "/Subtype/Text/Contents(A note that opens)",
        "/Subtype/Widget/FT/Tx/T(g)/F 2/V(hidden)",
        "/Subtype/Widget/FT/Tx/T(h)/Ff 8192/V(password)",
    )
    stream = "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 0>>stream\n\nendstream"
    (record,) = parse_bytes(make_form(texts, choices, (*boxes, *others), extra=[stream]), FILE)
    text = record.fields["text"]
    assert [(element.page, text[element.start : element.end]) for element in record.elements] == [
        (1, "Larchmont Trustees\n€5"),
        (2, "Beta\nx, z"),
        (3, "☒ I agree\nTyped on the page"),
    ]


def test_a_value_no_form_lists_is_text_all_the_same():
    fields = ("/Subtype/Widget/FT/Tx/V(Larchmont Trustees)", "/Subtype/Widget/FT/Tx/Ff 8192/V(password)")
    (record,) = parse_bytes(make_form(fields, is_form=False), FILE)
    assert record.fields["text"] == "Larchmont Trustees"


def test_values_stand_behind_the_text_of_their_page():
    data = make_pdf(
        "Paying agent:", "Second.", extra=["<</Subtype/Widget/FT/Tx/V(Larchmont Trustees)/Rect[0 0 9 9]>>"]
    )
    data = data.replace(b"/Contents 5 0 R", b"/Annots[8 0 R]/Contents 5 0 R")
    (record,) = parse_bytes(data, FILE)
    assert record.fields["text"] == "Paying agent:\n\nLarchmont Trustees\n\nSecond."


XFA = """<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><template><field name="agent">Label</field></template>
<xfa:datasets xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><xfa:data><form><!-- x --><agent>Larchmont
Trustees</agent><empty/><agreed>1</agreed><note><body><p>See &amp; sign</p></body></note></form></xfa:data>
</xfa:datasets></xdp:xdp>"""


def make_xfa(packets, *, field=""):
    """A form of XFA in these packets, by name; its page asks for another program."""
    streams = [f"<</Length {len(xml.encode())}>>stream\n{xml}\nendstream" for xml in packets.values()]
    names = "".join(f"({name}) {5 + n} 0 R" for n, name in enumerate(packets))
    form = names.removeprefix("()").strip() if list(packets) == [""] else f"[{names}]"
    text = "BT /F1 12 Tf 72 700 Td (Please wait...) Tj ET"
    objects = [
        f"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/XFA {form}>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        f"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>/Annots[{field}]>>",
        f"<</Length {len(text)}>>stream\n{text}\nendstream",
    ]
    return join_objects([*objects, *streams])


def test_what_is_filled_into_a_dynamic_form_is_text():
    data = XFA[XFA.index("<xfa:datasets") : XFA.index("</xdp:xdp>")]
    for packets in ({"": XFA}, {"preamble": "<xdp:xdp xmlns:xdp='x'>", "datasets": data, "postamble": ""}):
        (record,) = parse_bytes(make_xfa(packets), FILE)
        assert record.fields["text"] == "Please wait...\n\nLarchmont\nTrustees\n1\nSee & sign"


def test_values_that_a_page_shows_are_not_read_twice():
    field = "<</Type/Annot/Subtype/Widget/Rect[60 600 260 620]/FT/Tx/T(agent)/V(Larchmont)>>"
    (record,) = parse_bytes(make_xfa({"": XFA}, field=field), FILE)
    assert record.fields["text"] == "Please wait...\n\nLarchmont"


@pytest.mark.parametrize(
    "xml", ["", "no XML", "<a", "<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>", "<a>" * 5000, "\x00\x01"]
)
def test_a_form_that_cannot_be_read_leaves_the_text_of_its_pages(xml):
    (record,) = parse_bytes(make_xfa({"": xml}), FILE)
    assert record.fields["text"] == "Please wait..."


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4", b"not a pdf"])
def test_a_broken_file_is_a_dead_letter(data):
    (letter,) = parse_bytes(data, FILE)
    assert isinstance(letter, DeadLetter)
    assert letter.reason is DeadLetterReason.UNREADABLE_FILE


def test_an_encrypted_file_is_a_dead_letter_that_says_what_to_do():
    (letter,) = parse_bytes(make_encrypted(), FILE)
    assert letter.reason is DeadLetterReason.UNREADABLE_FILE
    assert "password" in letter.detail.lower() and "without" in letter.detail


def test_a_title_the_file_carries_is_used_unless_a_tool_left_a_file_name_there():
    for title, expected in [("Form C", "Form C"), ("Microsoft Word - draft.docx", "adi"), ("", "adi")]:
        data = make_pdf("Text.", trailer="/Info 6 0 R", extra=[f"<</Title({title})>>"])
        (record,) = parse_bytes(data, FILE)
        assert record.fields["title"] == expected


def test_a_page_that_cannot_be_read_is_one_dead_letter_and_the_others_are_read():
    data = make_pdf("First page.", "Second page.").replace(b"Kids[4 0 R 6 0 R]", b"Kids[4 0 R 9 0 R]")
    found = list(parse_bytes(data, FILE))
    letters = [item for item in found if isinstance(item, DeadLetter)]
    assert [letter.position for letter in letters] == ["page 2"]
    assert [item.fields["text"] for item in found if item not in letters] == ["First page."]


def test_a_scanned_file_is_a_dead_letter_that_says_what_to_do():
    (letter,) = parse_bytes(read("scan_derived_termsheet_BNP.pdf"), FILE)
    assert letter.reason is DeadLetterReason.EMPTY_TEXT
    assert "2 pages" in letter.detail and "recognition" in letter.detail


def test_an_annual_report_is_read_with_every_page():
    (record,) = parse_bytes(read("ADI_2009_annual_report.pdf"), FILE)
    text = record.fields["text"]
    assert {element.page for element in record.elements} == set(range(1, 111))
    assert "Operating income from Continuing Operations" in text
    assert "\r" not in text and "\ufffe" not in text
