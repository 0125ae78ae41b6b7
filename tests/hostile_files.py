"""Small files that are much work, made on the spot."""

from __future__ import annotations

import io
import zlib

import pyarrow as pa
import pyarrow.parquet as pq


def make_pdf_of(*objects):
    """Return a PDF of these objects; the first is its catalogue."""
    data = b"%PDF-1.4\n"
    places = []
    for number, item in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(data))
    return data + head + table + end


def make_repeating_pdf(n_pages, *, page_bytes):
    """Return a PDF that names one page many times, whose content unpacks to so many bytes."""
    line = b"BT /F1 12 Tf 10 10 Td (coupon) Tj ET\n"
    packed = zlib.compress(line * (page_bytes // len(line)), 9)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
    return make_pdf_of(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (b" ".join([b"3 0 R"] * n_pages), n_pages),
        page + b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(packed), packed),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )


def make_repeating_parquet(n_rows, *, row_bytes):
    """Return a Parquet file of one text in every row, which is in the file once."""
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * n_rows, pa.int32()), ["a" * row_bytes])
    target = io.BytesIO()
    pq.write_table(pa.table({"text": rows}), target, compression="zstd", store_schema=False)
    return target.getvalue()
