"""What fields of forms and free text boxes show on a page of a PDF, which is no part of its content stream.

A field shows its value whether or not the file holds a drawing of it. A checked box is `☒` with the name a
viewer tells of it. Notes that open by a click, buttons and passwords show no text.

A dynamic form of XFA has pages that hold a notice to open another program, and no fields: its values stand in
a packet of XML beside the pages, and are read as they stand there, without the layout.

Source: XML Forms Architecture 3.3, chapter 3 (packets), chapter 4 (data).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any, Final

from eagleray.errors import MissingExtraError

_CHECKED: Final = "☒"
_PASSWORD: Final = 1 << 13


_DATA: Final = "{http://www.xfa.org/schema/xfa-data/1.0/}data"


def read_form_data(document: Any) -> list[str]:
    """Return the values of an open document's XFA form, in the order of its data; none where it has none.

    Raises:
        MissingExtraError: lxml is not installed.
    """
    import pypdfium2.raw as pdfium

    values: list[str] = []
    for index in range(max(pdfium.FPDF_GetXFAPacketCount(document.raw), 0)):
        n_bytes = ctypes.c_ulong()
        pdfium.FPDF_GetXFAPacketContent(document.raw, index, None, 0, n_bytes)
        packet = ctypes.create_string_buffer(n_bytes.value)
        if pdfium.FPDF_GetXFAPacketContent(document.raw, index, packet, n_bytes, n_bytes):
            values += _find_values(packet.raw)
    return values


def _find_values(packet: bytes) -> Iterator[str]:
    """Yield the text of each element of the form's data that holds no others."""
    try:
        from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types
    except ImportError as error:
        raise MissingExtraError(part="lxml", extra="documents") from error
    if not packet:
        return
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, recover=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(packet, parser)
    except etree.XMLSyntaxError:
        return  # beyond recovery: the pages stand without it
    for data in root.iter(_DATA) if root is not None else ():
        for node in data.iter(etree.Element):
            if not len(node) and node.text and node.text.strip():
                yield node.text.strip()


class FieldReader:
    """Reads the fields of one document's pages, through PDFium's form environment where it has a form.

    Attributes:
        n_fields: there were on the pages read so far, shown or not.
    """

    def __init__(self, document: Any) -> None:
        """Take an open document whose form environment, if any, was made before a page was loaded."""
        import pypdfium2.raw as pdfium

        self.n_fields = 0
        self._pdfium = pdfium
        self._form = document.formenv.raw if document.formenv else None

    def read_page(self, page: Any) -> list[str]:
        """Return what each visible field or text box of a page shows, in the order of the file."""
        shown: list[str] = []
        for index in range(self._pdfium.FPDFPage_GetAnnotCount(page.raw)):
            annotation = self._pdfium.FPDFPage_GetAnnot(page.raw, index)
            if annotation:
                try:
                    shown += [text for text in self._read(annotation) if text.strip()]
                finally:
                    self._pdfium.FPDFPage_CloseAnnot(annotation)
        return shown

    def _read(self, annotation: Any) -> Iterator[str]:
        pdfium = self._pdfium
        hidden = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
        subtype = pdfium.FPDFAnnot_GetSubtype(annotation)
        self.n_fields += subtype == pdfium.FPDF_ANNOT_WIDGET
        if pdfium.FPDFAnnot_GetFlags(annotation) & hidden:
            return
        if subtype == pdfium.FPDF_ANNOT_FREETEXT:
            yield self._read_entry(annotation, b"Contents")
        elif subtype == pdfium.FPDF_ANNOT_WIDGET:
            yield from self._read_field(annotation)

    def _read_field(self, annotation: Any) -> Iterator[str]:
        pdfium, form = self._pdfium, self._form
        kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation) if form else -1
        if kind in {pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON}:
            if pdfium.FPDFAnnot_IsChecked(form, annotation):
                yield self._read_box(annotation, is_radio=kind == pdfium.FPDF_FORMFIELD_RADIOBUTTON)
        elif kind in {pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX}:
            yield ", ".join(self._read_choices(annotation)) or self._read_value(annotation)
        elif kind == pdfium.FPDF_FORMFIELD_TEXTFIELD:
            if not pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
                yield self._read_value(annotation)
        elif kind <= pdfium.FPDF_FORMFIELD_UNKNOWN:  # of no form that PDFium knows: a viewer draws it still
            flags = ctypes.c_float()
            pdfium.FPDFAnnot_GetNumberValue(annotation, b"Ff", flags)
            if self._read_entry(annotation, b"FT") in {"", "Tx", "Ch"} and not int(flags.value) & _PASSWORD:
                yield self._read_entry(annotation, b"V")

    def _read_box(self, annotation: Any, *, is_radio: bool) -> str:
        pdfium, form = self._pdfium, self._form
        name = self._ask(pdfium.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
        name = name or self._ask(pdfium.FPDFAnnot_GetFormFieldName, form, annotation)
        value = self._ask(pdfium.FPDFAnnot_GetFormFieldExportValue, form, annotation) if is_radio else ""
        return f"{_CHECKED} {name}: {value}" if value else f"{_CHECKED} {name}"

    def _read_choices(self, annotation: Any) -> Iterator[str]:
        pdfium, form = self._pdfium, self._form
        for option in range(max(pdfium.FPDFAnnot_GetOptionCount(form, annotation), 0)):
            if pdfium.FPDFAnnot_IsOptionSelected(form, annotation, option):
                yield self._ask(pdfium.FPDFAnnot_GetOptionLabel, form, annotation, option)

    def _read_value(self, annotation: Any) -> str:
        return self._ask(self._pdfium.FPDFAnnot_GetFormFieldValue, self._form, annotation)

    def _read_entry(self, annotation: Any, name: bytes) -> str:
        return self._ask(self._pdfium.FPDFAnnot_GetStringValue, annotation, name)

    @staticmethod
    def _ask(function: Callable[..., int], *arguments: Any) -> str:
        """Return the text that a function of PDFium writes into a buffer, whose size it tells first."""
        n_bytes = function(*arguments, None, 0)
        buffer = (ctypes.c_ushort * (n_bytes // 2 + 1))()
        function(*arguments, buffer, n_bytes)
        return bytes(buffer).decode("utf-16-le", "replace").split("\x00", 1)[0]
