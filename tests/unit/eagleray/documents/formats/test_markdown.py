from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.documents import ElementKind
from eagleray.documents.formats.markdown import find_markdown_elements, read_heading
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile

FILE = InputFile(source="a/note.md", modified=0)

PAGE = """Intro line.

# The **Fund** #

Body one
body two
## Fees
| Class | Fee |
|---|---|
| A | 1 % |
| over
 two lines |
Terms
-----

```
# no heading
| no | table |
```
####### seven
"""


def describe(text):
    return [
        (element.kind, element.level, text[element.start : element.end])
        for element in find_markdown_elements(text)
    ]


def test_headings_tables_paragraphs_and_code_are_found():
    assert describe(PAGE) == [
        (ElementKind.PARAGRAPH, 0, "Intro line."),
        (ElementKind.HEADING, 1, "# The **Fund** #"),
        (ElementKind.PARAGRAPH, 0, "Body one\nbody two"),
        (ElementKind.HEADING, 2, "## Fees"),
        (ElementKind.TABLE, 0, "| Class | Fee |\n|---|---|\n| A | 1 % |\n| over\n two lines |"),
        (ElementKind.HEADING, 2, "Terms\n-----"),
        (ElementKind.PARAGRAPH, 0, "```\n# no heading\n| no | table |\n```"),
        (ElementKind.PARAGRAPH, 0, "####### seven"),
    ]


def test_the_first_heading_is_the_title_and_the_file_name_where_there_is_none():
    (record,) = parse_bytes(PAGE.encode(), FILE)
    assert record.fields["title"] == "The Fund"
    assert record.fields["text"] == PAGE
    (plain,) = parse_bytes(b"no heading", FILE)
    assert plain.fields["title"] == "note"


def test_the_words_of_a_heading_lose_their_signs():
    assert read_heading("### A *b* `c` ##") == "A b c"
    assert read_heading("Two words\n===") == "Two words"
    assert read_heading("# 2 * 3") == "2 * 3"


@given(st.text(alphabet="a#|`-= \n", max_size=80))
def test_elements_are_ordered_and_cover_every_character(text):
    covered = [False] * len(text)
    last = 0
    for element in find_markdown_elements(text):
        assert last <= element.start < element.end
        last = element.end
        covered[element.start : element.end] = [True] * (element.end - element.start)
    assert all(seen or sign.isspace() for seen, sign in zip(covered, text, strict=True))
