"""The encoding a page of HTML declares, found in its first bytes before it can be decoded.

Source: HTML Living Standard, 13.2.3.2 ("prescan a byte stream to determine its encoding"), and 2.4.4
("extracting a character encoding from a meta element").
"""

from __future__ import annotations

import re
from typing import Final

from eagleray.documents.encodings import USER_DEFINED, find_encoding

_HEAD_BYTES: Final = 1024
_WIDE_DECLARATIONS: Final = ((b"<\x00?\x00x\x00", "utf-16le"), (b"\x00<\x00?\x00x", "utf-16be"))

_TAG: Final = re.compile(r"</?[a-z][^\t\n\f\r />]*")
_ATTRIBUTE: Final = re.compile(
    r"""[\t\n\f\r /]*([^\t\n\f\r />=][^\t\n\f\r />=]*|=[^\t\n\f\r />=]*)
        (?:[\t\n\f\r ]*=[\t\n\f\r ]*("[^"]*"|'[^']*'|[^\t\n\f\r >"'][^\t\n\f\r >]*)?)?""",
    re.VERBOSE,
)
_CONTENT: Final = re.compile(r"""charset[\t\n\f\r ]*=[\t\n\f\r ]*("[^"]*"|'[^']*'|[^\t\n\f\r ;"']+)""")
_XML: Final = re.compile(r"""<\?xml[^>]*?encoding[\x00-\x20]*=[\x00-\x20]*("[^">]*"|'[^'>]*')""")


def find_declared_encoding(data: bytes) -> str | None:
    """Return the name of the encoding the first 1,024 bytes declare, or `None`.

    A declared UTF-16 is UTF-8, for the declaration could be read; so is what an XML declaration says.
    """
    wide = next((name for signs, name in _WIDE_DECLARATIONS if data.startswith(signs)), None)
    if wide:
        return wide
    head = data[:_HEAD_BYTES].decode("latin-1").lower()
    name = _find_meta(head)
    if name is None and (xml := _XML.match(head)):
        name = find_encoding(xml.group(1)[1:-1])
    if name in {"utf-16le", "utf-16be"}:
        return "utf-8"
    return "windows-1252" if name == USER_DEFINED else name


def _find_meta(head: str) -> str | None:
    at = head.find("<")
    while at >= 0:
        if head.startswith("<!--", at):
            end = head.find("-->", at + 2)
            at = end + 3 if end >= 0 else len(head)
        elif tag := _TAG.match(head, at):
            attributes, at = _read_attributes(head, tag.end())
            name = _read_meta(attributes) if tag.group() == "<meta" else None
            if name:
                return name
        elif head.startswith(("<!", "</", "<?"), at):
            end = head.find(">", at)
            at = end + 1 if end >= 0 else len(head)
        else:
            at += 1
        at = head.find("<", at)
    return None


def _read_attributes(head: str, at: int) -> tuple[dict[str, str], int]:
    """Return a tag's attributes, the first of each name, and where it ends."""
    found: dict[str, str] = {}
    while (match := _ATTRIBUTE.match(head, at)) is not None:
        found.setdefault(match.group(1), _unquote(match.group(2) or ""))
        at = match.end()
    return found, at


def _read_meta(attributes: dict[str, str]) -> str | None:
    if "charset" in attributes:
        return find_encoding(attributes["charset"])
    if attributes.get("http-equiv", "") != "content-type":
        return None
    named = _CONTENT.search(attributes.get("content", ""))
    return find_encoding(_unquote(named.group(1))) if named else None


def _unquote(value: str) -> str:
    return value[1:-1] if value[:1] in {'"', "'"} else value
