"""PDF: the text layer of each page through PDFium, then what its fields show; elements know their page."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any, Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Element
from eagleray.contracts.sources import RawRecord
from eagleray.documents.elements import find_elements
from eagleray.documents.formats.pdf_fields import FieldReader, read_form_data
from eagleray.documents.formats.pdf_superscripts import mark_superscripts
from eagleray.documents.records import InputFile, make_file_record
from eagleray.errors import MissingExtraError

_PDFIUM: Final = threading.Lock()
"""PDFium is not thread-safe, not even over different documents."""

_SOFT_HYPHEN: Final = re.compile("[\ufffe\x02](?:\r?\n)?")
_SPACES: Final = re.compile(r"[^\S\n]+")
_MADE_BY_TOOL: Final = re.compile(
    r"(?i)microsoft|untitled|\.(docx?|xlsx?|pptx?|pdf|indd|qxd|htm)\b|^[\d\W_]*$"
)


def parse_pdf(data: bytes, file: InputFile) -> Iterator[RawRecord | DeadLetter]:
    """Yield the file as one record, and a dead letter for each page that cannot be read.

    Raises:
        MissingExtraError: pypdfium2 is not installed.
    """
    with _PDFIUM:
        found = _read_pages(data, file)
    if isinstance(found, DeadLetter):
        yield found
        return
    title, pages, dead_letters = found
    yield from dead_letters
    text, elements = _join_pages(pages)
    if not text.strip():
        if not dead_letters:
            detail = f"none of its {len(pages)} pages has a text layer; run character recognition first"
            yield file.reject(DeadLetterReason.EMPTY_TEXT, detail)
        return
    yield make_file_record(file, title=title, text=text, elements=elements)


def _read_pages(data: bytes, file: InputFile) -> tuple[str, list[str], list[DeadLetter]] | DeadLetter:
    try:
        import pypdfium2
    except ImportError as error:
        raise MissingExtraError(part="pypdfium2", extra="documents") from error
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        is_encrypted = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        advice = "save it without its password" if is_encrypted else "it is not a PDF or is damaged"
        detail = f"PDFium cannot open it ({str(error).rstrip('.')}); {advice}"
        return file.reject(DeadLetterReason.UNREADABLE_FILE, detail)
    pages: list[str] = []
    dead_letters: list[DeadLetter] = []
    try:
        if len(document) > file.max_pages:
            detail = f"it has {len(document)} pages, more than {file.max_pages}; split it or raise the limit"
            return file.reject(DeadLetterReason.LIMIT_EXCEEDED, detail)
        title = " ".join(_clean(document.get_metadata_value("Title")).split())
        if document.get_formtype() != pypdfium2.raw.FORMTYPE_NONE:
            document.init_forms()
        fields = FieldReader(document)
        for index in range(len(document)):
            try:
                pages.append(_read_page(document, index, fields=fields))
            except pypdfium2.PdfiumError as error:
                pages.append("")
                detail = f"PDFium cannot read the page: {error}"
                dead_letters.append(
                    file.reject(DeadLetterReason.UNREADABLE_FILE, detail, position=f"page {index + 1}")
                )
        if pages and not fields.n_fields:
            pages[-1] = _join_text(pages[-1], read_form_data(document))
    finally:
        document.close()
    return ("" if _MADE_BY_TOOL.search(title) else title), pages, dead_letters


def _read_page(document: Any, index: int, *, fields: FieldReader) -> str:
    page = document[index]
    try:
        text_page = page.get_textpage()
        try:
            text = mark_superscripts(text_page.get_text_range(), text_page)
        finally:
            text_page.close()
        shown = fields.read_page(page)
    finally:
        page.close()
    return _join_text(_clean(text), shown)


def _join_text(text: str, values: list[str]) -> str:
    """Return a page's text with the values of its fields behind it."""
    pieces = (text, "\n".join(_clean(value) for value in values))
    return "\n\n".join(piece for piece in pieces if piece.strip())


def _clean(text: str) -> str:
    """Return text in single spaces, without hyphens at line ends, NULs and halves of characters."""
    text = _SOFT_HYPHEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    text = text.encode("utf-8", "replace").decode("utf-8")
    return "\n".join(_SPACES.sub(" ", line).strip() for line in text.split("\n")).strip("\n")


def _join_pages(pages: list[str]) -> tuple[str, tuple[Element, ...]]:
    pieces: list[str] = []
    elements: list[Element] = []
    length = 0
    for number, page in enumerate(pages, start=1):
        if not page.strip():
            continue
        if pieces:
            pieces.append("\n\n")
            length += 2
        elements += find_elements(page, page=number, offset=length)
        pieces.append(page)
        length += len(page)
    return "".join(pieces), tuple(elements)
