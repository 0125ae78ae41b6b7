"""Odd files of every format that can be read: real ones mutated, and made ones with odd values.

`benchmarks.fuzz_ingest` ingests them; small files that grow or take long are in `benchmarks.hostile_files`.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.hostile_files import BOMBS
from eagleray.documents.formats.registry import SUFFIXES

Seed = tuple[str, bytes]
"""A suffix, and what a file with it holds."""

_MOST_BYTES: Final = 200_000
_OTHER_SUFFIXES: Final = (".docx", ".xlsx", ".epub", ".zip", "")
_NAMES: Final = (
    "{n}",
    "with space {n}",
    "d\u00e9j\u00e0 {n}",
    "a\tb {n}",
    "\U0001f4c8{n}",
    "-{n}",
    "{n}.part",
    "latin \udce9 {n}",
    "\udcff\udcfe{n}",
    "line\n{n}",
)
"""Of files; bytes that are no UTF-8 stand as halves of characters, as the file system has them in Python."""

_ODD_BYTES: Final = (
    b"\x00" * 9,
    b"\xed\xa0\x80",
    b"\xff\xfe",
    b'"\\ud800"',
    b"9" * 5_000,
    b"1e400",
    b"-" * 9_000,
    b"[" * 3_000,
    b'{"a":' * 3_000,
    b"<div>" * 3_000,
    b"<table><tr><td colspan=9999>" * 200,
    b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;"><!ENTITY d "&c;&c;">]>&d;',
    b"*_" * 4_000,
    b"x" * 60_000,
    b"\n" * 9_000,
    b"\r",
    "\u202e\u0000\u2028".encode(),
)
_ODD_JSON: Final = (
    "null",
    "true",
    "1e400",
    "-0.0",
    "9" * 400,
    "18446744073709551616",
    '"\\ud800"',
    '"\\u0000"',
    '""',
    '" "',
    "[]",
    "{}",
    "[[[[]]]]",
    '{"a": {"b": [1, "c"]}}',
    '["a", 1, null]',
    '"0001-01-01T00:00:00+23:59"',
    '"9999-12-31T23:59:59-23:59"',
    '"infinity"',
    '"2020-02-30"',
    "NaN",
)
_KEYS: Final = (
    "_id",
    "title",
    "text",
    "known_from",
    "known_to",
    "event_time",
    "groups",
    "zone",
    "metadata",
    "doc_id",
    "\u0000",
)
_ODD_COLUMNS: Final[tuple[pa.Array, ...]] = (
    pa.nulls(3),
    pa.array([Decimal("1.50"), Decimal("-0.00"), None], pa.decimal128(20, 2)),
    pa.array([Decimal(10) ** 70, None, Decimal(1)], pa.decimal256(76, 0)),
    pa.array([2**64 - 1, 0, None], pa.uint64()),
    pa.array([float("nan"), float("inf"), -0.0]),
    pa.array([b"\xff\x00", b"", None]),
    pa.array(["a", "a", ""]).dictionary_encode(),
    pa.array([[["a"], []], None, []], pa.list_(pa.list_(pa.string()))),
    pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
    pa.array([{"a": {"b": 1}}, None, {"a": None}]),
    pa.array([-(2**63), 2**63 - 1, 0], pa.int64()).cast(pa.timestamp("us", "UTC")),
    pa.array([-(2**63), 2**63 - 1, 0], pa.int64()).cast(pa.timestamp("ns")),
    pa.array([2**31 - 1, -(2**31), 0], pa.int32()).cast(pa.date32()),
    pa.array([timedelta(days=1), None, timedelta(0)]),
    pa.array([time(23, 59, 59), None, time(0)]),
    pa.array([date(1, 1, 1), date(9999, 12, 31), None]),
    pa.array([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), None]),
    pa.array(["x" * 50_000, "\x00", "\u202e"]),
)


def flip_bits(rng: random.Random, data: bytes) -> bytes:
    """Return the data with some bits the other way round."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 30)):
        place = rng.randrange(len(changed))
        changed[place] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut_off(rng: random.Random, data: bytes) -> bytes:
    """Return some bytes from the begin or from the end."""
    place = rng.randrange(len(data))
    return data[:place] if rng.random() < 0.7 else data[place:]


def repeat_block(rng: random.Random, data: bytes) -> bytes:
    """Return the data with a block of it many times."""
    start = rng.randrange(len(data))
    block = data[start : start + rng.randint(1, 400)]
    return data[:start] + block * rng.choice((2, 50, 500)) + data[start:]


def put_in(rng: random.Random, data: bytes) -> bytes:
    """Return the data with something odd in the middle."""
    odd = rng.choice(_ODD_BYTES)
    place = rng.randrange(len(data))
    return data[:place] + odd + data[place + rng.choice((0, len(odd))) :]


def encode_otherwise(rng: random.Random, data: bytes) -> bytes:
    """Return the text in another encoding."""
    name = rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-7", "cp037", "shift_jis", "latin-1"))
    return data.decode("utf-8", "replace").encode(name, "replace")


def pack(rng: random.Random, data: bytes) -> bytes:
    """Return a PDF whose only page unpacks to some megabytes, or that names it many times."""
    line = b"BT /F1 9 Tf 9 9 Td (" + data[:20].hex().encode() + b") Tj ET\n"
    packed = zlib.compress(line * rng.choice((10, 10_000)), 9)
    kids = b"3 0 R " * rng.choice((1, 40))
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, kids.count(b"R")),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(packed), packed),
    )
    body = b"".join(
        b"%d 0 obj\n%b\nendobj\n" % (number, item) for number, item in enumerate(objects, start=1)
    )
    return b"%PDF-1.4\n" + body + b"trailer << /Root 1 0 R >>"


MUTATIONS: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    flip_bits,
    cut_off,
    repeat_block,
    put_in,
    put_in,
    encode_otherwise,
    pack,
    lambda _, data: data,
)


def make_lines(rng: random.Random) -> bytes:
    """Return JSON Lines of records with odd values, some of them without an object."""
    lines = []
    for _ in range(rng.randint(1, 40)):
        fields = {key: rng.choice(_ODD_JSON) for key in rng.sample(_KEYS, rng.randint(0, len(_KEYS)))}
        if rng.random() < 0.7:
            fields |= {"_id": f'"o{rng.randrange(50)}"', "text": '"coupon"'}
        pairs = ", ".join(f"{json.dumps(key)}: {value}" for key, value in fields.items())
        lines.append(f"{{{pairs}}}" if rng.random() < 0.95 else rng.choice(_ODD_JSON))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def make_table(rng: random.Random) -> bytes:
    """Return a Parquet table with columns of odd types, names and values."""
    columns = {rng.choice(_KEYS): rng.choice(_ODD_COLUMNS) for _ in range(rng.randint(0, 6))}
    if rng.random() < 0.7:
        columns |= {"_id": pa.array(["p1", "p2", "p3"]), "text": pa.array(["bond", None, "coupon"])}
    table = pa.table(columns)
    return write_parquet(table.slice(0, rng.choice((0, 3, 3))), row_group_size=rng.choice((1, 3)))


def make_blank(rng: random.Random) -> bytes:
    """Return nothing, or what cannot be seen."""
    return rng.choice((b"", b"\xef\xbb\xbf", b" ", b"\n\r\n\t", b"\xff\xfe")) * rng.choice((1, 1, 5_000))


@cache
def make_archives() -> tuple[bytes, ...]:
    """Return archives that unpack to far more than they are: flat, deep, and of entities in entities."""
    flat, deep = _zip({f"xl/sheet{n}.xml": b"0" * (8 << 20) for n in range(4)}), b"0" * (8 << 20)
    for _ in range(12):
        deep = _zip({"a.zip": deep})
    names = "abcdefghij"
    entities = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(names))
    text = f'<!DOCTYPE w [<!ENTITY a "coupon ">{entities}]><w>&{names[-1]};</w>'
    return flat, deep, _zip({"word/document.xml": text.encode()}), text.encode()


@cache
def make_bombs() -> tuple[Seed, ...]:
    """Return the small files that become hundreds of megabytes, or take minutes."""
    made = [make() for make in BOMBS.values()]
    return tuple((Path(name).suffix, data) for name, data in made)


def write_parquet(table: pa.Table, *, row_group_size: int | None = None) -> bytes:
    """Return a table as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=row_group_size)
    return sink.getvalue()


def read_seeds(folder: Path) -> list[Seed]:
    """Return suffix and first bytes of each readable file, with made JSON Lines and Parquet beside them."""
    found = [
        (path.suffix.lower(), path.read_bytes()[:_MOST_BYTES])
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.stat().st_size
    ]
    rows: list[dict[str, Any]] = [
        {"_id": f"d{n}", "text": f"coupon {n}", "metadata": {"n": n, "at": "2020-01-01T00:00:00Z"}}
        for n in range(20)
    ]
    lines = "\n".join(map(json.dumps, rows)).encode()
    return [*found, (".jsonl", lines), (".parquet", write_parquet(pa.Table.from_pylist(rows)))]


def make_files(folder: Path, seeds: Sequence[Seed], rng: random.Random, *, n: int, has_bombs: bool) -> None:
    """Write odd files into a folder; one in 200 is a bomb where there may be any."""
    for number in range(n):
        is_bomb = rng.random() < 0.005 and has_bombs
        suffix, data = rng.choice(make_bombs()) if is_bomb else _draw(seeds, rng)
        if rng.random() < 0.1:
            suffix = rng.choice((*SUFFIXES, *_OTHER_SUFFIXES))
        name = rng.choice(_NAMES).format(n=number)
        (folder / f"{name}{suffix}").write_bytes(data)


def _draw(seeds: Sequence[Seed], rng: random.Random) -> Seed:
    """Return an odd file: one in seven is made, the others are mutated."""
    kind = rng.random()
    if kind < 0.03:
        return rng.choice(_OTHER_SUFFIXES), rng.choice(make_archives())
    if kind < 0.08:
        return ".jsonl", make_lines(rng)
    if kind < 0.13:
        return ".parquet", make_table(rng)
    if kind < 0.15:
        return rng.choice(SUFFIXES), make_blank(rng)
    suffix, data = rng.choice(seeds)
    for _ in range(rng.randint(1, 3)):
        data = rng.choice(MUTATIONS)(rng, data) or b"x"
    return suffix, data


def _zip(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=zipfile.ZIP_DEFLATED)
    return sink.getvalue()
