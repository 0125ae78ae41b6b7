"""Names of encodings as the web means them, and how bytes of each become text.

A label reaches a codec through this table alone: what Python calls `undefined`, `idna` or `rot13` is no
encoding of a file.

Source: WHATWG Encoding Standard, sections 4.2 (names and labels), 14.2 (replacement, x-user-defined).
"""

from __future__ import annotations

import re
from typing import Final

REPLACEMENT: Final = "replacement"
"""Encodings that no reader may decode, because attacks hide in them."""

USER_DEFINED: Final = "x-user-defined"

_LABELS: Final = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "ibm866": "866 cp866 csibm866 ibm866",
    "iso-8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    "iso-8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    "iso-8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    "iso-8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
    "iso_8859-5:1988",
    "iso-8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e "
    "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso-8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 "
    "iso_8859-7 iso_8859-7:1987 sun_eu_greek",
    "iso-8859-8": "csiso88598e csiso88598i csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-8859-8-i "
    "iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 logical visual",
    "iso-8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso-8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "macintosh": "csmacintosh mac macintosh x-mac-roman",
    "windows-874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "windows-1250": "cp1250 windows-1250 x-cp1250",
    "windows-1251": "cp1251 windows-1251 x-cp1251",
    "windows-1252": "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 "
    "iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
    "windows-1253": "cp1253 windows-1253 x-cp1253",
    "windows-1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 "
    "l5 latin5 windows-1254 x-cp1254",
    "windows-1255": "cp1255 windows-1255 x-cp1255",
    "windows-1256": "cp1256 windows-1256 x-cp1256",
    "windows-1257": "cp1257 windows-1257 x-cp1257",
    "windows-1258": "cp1258 windows-1258 x-cp1258",
    "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "chinese csgb2312 csiso58gb231280 gb18030 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
    "big5": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso-2022-jp": "csiso2022jp iso-2022-jp",
    "shift_jis": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "euc-kr": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 "
    "windows-949",
    REPLACEMENT: "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement",
    "utf-16be": "unicodefffe utf-16be",
    "utf-16le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le",
    USER_DEFINED: "x-user-defined",
}
_NAMES: Final = {label: name for name, labels in _LABELS.items() for label in labels.split()}

_CODECS: Final = {
    "ibm866": "cp866",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
} | {f"windows-{number}": f"cp{number}" for number in (874, *range(1250, 1259))}
"""Names that Python calls otherwise; the rest are codecs of the same name."""

_CONTROLS: Final = {0xDC00 + byte: byte for byte in range(0x80, 0xA0)}
"""Bytes Windows leaves undefined are controls on the web; `surrogateescape` keeps them apart till then."""
_LEFT: Final = re.compile("[\udca0-\udcff]")
_KOI8_RU: Final = {0x255D: 0x045E, 0x256C: 0x040E}
"""On the web KOI8-U has the Belarusian letters of KOI8-RU in the place of two frames."""
_USER_DEFINED_CHARACTERS: Final = {byte: 0xF780 + byte - 0x80 for byte in range(0x80, 0x100)}
_SPACE: Final = "\t\n\f\r "


def find_encoding(label: str) -> str | None:
    """Return the name of the encoding a label stands for, or `None` where the web knows no such label."""
    return _NAMES.get(label.strip(_SPACE).lower())


def is_single_byte(name: str) -> bool:
    """Return whether every byte is a character of its own."""
    return name.startswith(("windows-", "iso-8859-", "koi8-")) or name in {
        "ibm866",
        "macintosh",
        "x-mac-cyrillic",
        USER_DEFINED,
    }


def decode_as(data: bytes, name: str) -> str:
    """Return the text of bytes in an encoding that `find_encoding` named.

    Raises:
        UnicodeDecodeError: a byte stands for no character, with its offset.
    """
    if name == REPLACEMENT:
        raise UnicodeDecodeError(name, data, 0, len(data), "no reader decodes this encoding")
    if name == USER_DEFINED:
        return data.decode("latin-1").translate(_USER_DEFINED_CHARACTERS)
    codec = _CODECS.get(name, name)
    if name.startswith("windows-"):
        text = data.decode(codec, "surrogateescape").translate(_CONTROLS)
        if left := _LEFT.search(text):
            raise UnicodeDecodeError(name, data, left.start(), left.end(), "it stands for no character")
        return text
    text = data.decode(codec)
    return text.translate(_KOI8_RU) if name == "koi8-u" else text
