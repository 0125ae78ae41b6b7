"""Small files that become large or slow where they are read: name -> n in, a file's name and bytes out."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.hostile_texts import HTML, MARKDOWN, TEXTS

File = tuple[str, bytes]
MakeFile = Callable[[int], File]

_FONT: Final = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_WORDS: Final = b"BT /F1 12 Tf 10 10 Td (hello coupon bond ) Tj ET\n"


def join_objects(objects: Sequence[bytes]) -> bytes:
    """Return a PDF of objects, the first its catalogue."""
    out, offsets = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, item)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
    return out + table + trailer


def make_pages(n_pages: int, page_bytes: int) -> bytes:
    """Return a PDF that lists one page of so many bytes of text again and again."""
    content = zlib.compress(_WORDS * (page_bytes // len(_WORDS) + 1), 9)
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>"
    )
    kids = b" ".join([b"3 0 R"] * n_pages)
    return join_objects(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, n_pages),
            page,
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(content), content),
            _FONT,
        ]
    )


def make_forms(depth: int, fan: int) -> bytes:
    """Return a PDF whose page draws a form that draws forms, `fan` of them at each of `depth` levels."""
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /XObject << /X 6 0 R >> >> >>"
    )
    start = b"<< /Length 5 >>\nstream\n/X Do\nendstream"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"]
    objects += [page, start, _FONT]
    for level in range(depth):
        is_last = level == depth - 1
        content = _WORDS if is_last else b"/X Do " * fan
        named = b"/Font << /F1 5 0 R >>" if is_last else b"/XObject << /X %d 0 R >>" % (7 + level)
        head = b"<< /Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << %b >> /Length %d >>"
        objects.append(head % (named, len(content)) + b"\nstream\n" + content + b"\nendstream")
    return join_objects(objects)


def make_parquet(n_rows: int, text_bytes: int) -> bytes:
    """Return a Parquet file of one text for all rows, kept once: a few hundred bytes, whatever it becomes."""
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * n_rows, pa.int32()), ["a " * (text_bytes // 2)])
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": rows}), sink, compression="zstd", store_schema=False)
    return sink.getvalue()


def _name(name: str, suffix: str, make: Callable[[int], str]) -> MakeFile:
    return lambda n: (f"{name.replace(' ', '-')}{suffix}", make(n).encode("utf-8", "replace"))


FILES: Final[Mapping[str, MakeFile]] = {
    **{f"text of {name}": _name(name, ".txt", make) for name, make in TEXTS.items()},
    **{f"Markdown of {name}": _name(name, ".md", make) for name, make in MARKDOWN.items()},
    **{f"HTML of {name}": _name(name, ".html", make) for name, make in HTML.items()},
    "JSON nested": lambda n: ("nested.jsonl", b"[" * n),
    "JSON of one line": lambda n: ("line.jsonl", b'{"_id": "a", "text": "' + b"a " * (n // 2) + b'"}\n'),
    "JSON of keys": lambda n: (
        "keys.jsonl",
        b'{"_id": "a", "text": "b", "metadata": {'
        + b",".join(b'"k%d": 1' % number for number in range(n // 12))
        + b"}}\n",
    ),
}
"""Files of about `n` bytes."""

BOMBS: Final[Mapping[str, Callable[[], File]]] = {
    "PDF of 200 pages of a megabyte": lambda: ("pages.pdf", make_pages(200, 1 << 20)),
    "PDF of 20,000 pages": lambda: ("many.pdf", make_pages(20_000, 100)),
    "PDF of a page of 300 megabytes": lambda: ("flate.pdf", make_pages(1, 300 << 20)),
    "PDF of forms in forms": lambda: ("forms.pdf", make_forms(7, 10)),
    "Parquet of two gigabytes": lambda: ("bomb.parquet", make_parquet(1_000, 2 << 20)),
    "text of UTF-16 with no end": lambda: ("half.txt", b"\xff\xfe" + b"a\x00" * 100_000 + b"a"),
}
"""Small files that would become hundreds of megabytes, or take minutes."""
