"""What is filled into a dynamic form of XFA: its pages hold a notice to open another program, and no fields.

The values stand in a packet of XML beside the pages, and are read as they stand there, without the layout.

Source: XML Forms Architecture 3.3, chapter 3 (packets), chapter 4 (data).
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, Final

from eagleray.errors import MissingExtraError

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
