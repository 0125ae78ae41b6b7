"""HTML and inline XBRL: what a reader sees, as headings, paragraphs, list items and table rows.

This file walks the tree; `html_visibility` says what of it nobody reads, `html_blocks` gathers what the
walk finds and `html_tables` lays out tables. Tagged facts (`ix:nonFraction` and its kin) are ordinary text
here; the hidden `ix:header` is left out with everything else that is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.decoding import decode_text
from eagleray.documents.formats.html_blocks import BlockWriter, Style
from eagleray.documents.formats.html_tables import find_layout_tables, read_rows, read_stray_text
from eagleray.documents.formats.html_visibility import find_unread
from eagleray.documents.formats.superscripts import is_superscript
from eagleray.documents.prescan import find_declared_encoding
from eagleray.documents.records import InputFile, make_file_record
from eagleray.errors import MissingExtraError

_BLOCK_TAGS: Final = (
    "html body div p section article main header footer aside figure figcaption blockquote address center "
    "ul ol li dl dt dd table thead tbody tfoot tr td th caption hr form fieldset details summary pre "
    "h1 h2 h3 h4 h5 h6 document text page"
)
_BLOCKS: Final = frozenset(_BLOCK_TAGS.split())
_HEADINGS: Final = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_MAX_ATTRIBUTES: Final = 1_024
"""Of one element: the tree goes through them all for each more that it takes in. Pages of filings have 16."""

_BOLD: Final = frozenset(("b", "strong", "th"))
_ITALIC: Final = frozenset(("i", "em"))
_ITALIC_STYLE: Final = re.compile(r"font-style:\s*(italic|oblique)")
_BOLD_STYLE: Final = re.compile(r"font-weight:\s*(bold|[6-9]00)")
_PLAIN_STYLE: Final = re.compile(r"font-weight:\s*(normal|[1-5]00)")


def parse_html(data: bytes, file: InputFile) -> Iterator[RawRecord | DeadLetter]:
    """Yield the file as one record; its title is `<title>`, else the first heading, else its name.

    Raises:
        MissingExtraError: lxml is not installed.
    """
    markup = decode_text(data, file, declared=find_declared_encoding(data))
    if isinstance(markup, DeadLetter):
        yield markup
        return
    data = markup.encode("utf-8")
    if _count_attributes(data) > _MAX_ATTRIBUTES:
        detail = f"an element has more than {_MAX_ATTRIBUTES} attributes; expected an ordinary page"
        yield file.reject(DeadLetterReason.UNREADABLE_FILE, detail)
        return
    root = _parse_tree(data, file)
    if isinstance(root, DeadLetter):
        yield root
        return
    writer = BlockWriter()
    _walk(root, writer)
    text, elements = writer.finish()
    title = _read_title(root) or writer.first_heading
    yield make_file_record(file, title=title, text=text, elements=elements)


class _AttributeCounter:
    """Takes in what the parser finds, without a tree, and keeps the greatest number of attributes."""

    def __init__(self) -> None:
        self._most = 0

    def start(self, _tag: str, attributes: Mapping[str, str]) -> None:
        """Look at an element that begins."""
        self._most = max(self._most, len(attributes))

    def close(self) -> int:
        """Return the number."""
        return self._most


def _count_attributes(data: bytes) -> int:
    """Return how many attributes the element has that has most.

    Raises:
        MissingExtraError: lxml is not installed.
    """
    try:
        from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types
    except ImportError as error:
        raise MissingExtraError(part="lxml", extra="documents") from error
    parser = etree.HTMLParser(target=_AttributeCounter(), encoding="utf-8", no_network=True, huge_tree=True)
    return int(etree.fromstring(data, parser))


def _parse_tree(data: bytes, file: InputFile) -> Any:
    from lxml import etree

    parser = etree.HTMLParser(
        encoding="utf-8",
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
        default_doctype=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:  # nothing in the file but white space or comments
        return file.reject(DeadLetterReason.EMPTY_TEXT, "the file holds no text")
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        # The parser gives up there: what it has is a part, and a part must not pass for the whole.
        detail = "its elements are nested deeper than 2048 levels; expected an ordinary page"
        return file.reject(DeadLetterReason.UNREADABLE_FILE, detail)
    return root


def _walk(root: Any, writer: BlockWriter) -> None:
    from lxml import etree

    layout = find_layout_tables(root)
    unread = find_unread(root)
    styles = [Style()]
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, node in walker:
        tag = node.tag
        if event == "end":
            _leave(node, writer, styles=styles)
            writer.add_text(node.tail, styles[-1])
        elif node in unread:
            walker.skip_subtree()
            styles.append(styles[-1])
        elif tag == "table" and node not in layout:
            writer.add_paragraph(read_stray_text(node, unread=unread))
            writer.add_table(read_rows(node, unread=unread))
            walker.skip_subtree()
            styles.append(styles[-1])
        else:
            styles.append(_enter(node, writer, outer=styles[-1]))
            writer.add_text(node.text, styles[-1])


def _enter(node: Any, writer: BlockWriter, *, outer: Style) -> Style:
    tag = node.tag
    if tag in _BLOCKS:
        writer.close_block()
    if tag == "br":
        writer.break_line()
    elif tag == "li":
        writer.begin_item()
    elif tag in _HEADINGS:
        writer.begin_heading(int(tag[1]))
    elif is_superscript(node):
        writer.begin_superscript()
    is_bold = outer.is_bold or tag in _BOLD
    css = node.get("style")
    if css and "font-weight" in css:
        is_bold = bool(_BOLD_STYLE.search(css)) or (is_bold and not _PLAIN_STYLE.search(css))
    is_italic = outer.is_italic or tag in _ITALIC or bool(css and _ITALIC_STYLE.search(css))
    return Style(is_bold=is_bold, is_italic=is_italic, is_verbatim=outer.is_verbatim or tag == "pre")


def _leave(node: Any, writer: BlockWriter, *, styles: list[Style]) -> None:
    styles.pop()
    if node.tag == "li":
        writer.end_item()
    elif node.tag in _HEADINGS:
        writer.end_heading()
    elif node.tag in _BLOCKS:
        writer.close_block()
    elif is_superscript(node):
        writer.end_superscript()


def _read_title(root: Any) -> str:
    node = root.find(".//title")
    title = " ".join("".join(node.itertext()).split()) if node is not None else ""
    # Word processors and filing agents leave a file name or a placeholder here.
    return "" if re.fullmatch(r"(?i)document|untitled.*|\S*\.html?|\S+ - none - [\d.]+s", title) else title
