"""Does every file, however odd, end as documents or dead letters, and does none end the work or fill memory?

Files of every format that can be read are mutated, written into a folder and read by the task that ingests
a partition, in its parsers' processes. One line of JSON tells what became of them; the exit code is 1 where a
file came to nothing, or something ended.

    python -m benchmarks.fuzz_ingest --n 5000 --seed 1
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from eagleray.chunking.config import ChunkerConfig
from eagleray.documents.formats.registry import SUFFIXES
from eagleray.documents.mapping import DEFAULT_MAPPING
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from indexes.runs.dead_letters import list_dead_letters
from indexes.storage.local import LocalStore
from ray_jobs.ledger import Ledger
from ray_jobs.sources.files import list_files
from ray_jobs.stages.ingest import IngestTask, Reading

SAMPLE: Final = Path(__file__).parents[1] / "examples" / "sample"

_BATCH: Final = 50
_MOST_BYTES: Final = 200_000
_HANG_S: Final = 120.0
_MOST_MORE: Final = 512 << 20
"""Bytes of memory that this process may hold more than before."""

_NAMES: Final = (
    "{n}",
    "with space {n}",
    "d\u00e9j\u00e0 {n}",
    "a\tb {n}",
    "\U0001f4c8{n}",
    "-{n}",
    "{n}.part",
)

Mutation = Callable[[random.Random, bytes], bytes]


class WordCounter:
    """Counts every word as a token."""

    def find_offsets(self, text: str) -> list[tuple[int, int]]:
        """Return the place of each word."""
        found, start = [], 0
        for word in text.split():
            start = text.index(word, start)
            found.append((start, start + len(word)))
            start += len(word)
        return found


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
    odd = rng.choice(
        (
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
            b"*_" * 4_000,
            b"x" * 60_000,
            b"\n" * 9_000,
            b"\r",
            "\u202e\u0000\u2028".encode(),
        )
    )
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


MUTATIONS: Final[tuple[Mutation, ...]] = (
    flip_bits,
    cut_off,
    repeat_block,
    put_in,
    put_in,
    encode_otherwise,
    pack,
    lambda _, data: data,
)


def read_seeds(folder: Path) -> list[tuple[str, bytes]]:
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
    target = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), target)
    return [*found, (".jsonl", lines), (".parquet", target.getvalue().to_pybytes())]


def make_files(folder: Path, seeds: Sequence[tuple[str, bytes]], rng: random.Random, *, n: int) -> None:
    """Write mutated files into a folder."""
    for number in range(n):
        suffix, data = rng.choice(seeds)
        for _ in range(rng.randint(1, 3)):
            data = rng.choice(MUTATIONS)(rng, data) or b"x"
        if rng.random() < 0.1:
            suffix = rng.choice((*SUFFIXES, ".docx", ""))
        name = rng.choice(_NAMES).format(n=number)
        (folder / f"{name}{suffix}").write_bytes(data)


def ingest(folder: Path, scratch: Path, parsers: ParserPool) -> tuple[int, set[str], int]:
    """Ingest a folder as one partition; return its documents, the files with dead letters, and how many."""
    ledger = Ledger(LocalStore(scratch), collection="fuzz", run_id="r")
    ledger.begin({})
    reading = Reading(
        source="fuzz",
        parsers=parsers,
        mapping=DEFAULT_MAPPING,
        counter=WordCounter(),
        chunker=ChunkerConfig(max_tokens=256, target_tokens=230, overlap_tokens=40),
        chunker_digest="c",
        n_shards=1,
        max_record_bytes=32 << 20,
        max_file_bytes=64 << 20,
    )
    source = LocalStore(folder)
    task, n_documents = IngestTask(ledger, source, reading), 0
    faulty: set[str] = set()
    for number, file in enumerate(list_files(source).files):
        piece = {"path": file.path, "size": file.size_bytes, "modified": file.modified}
        whole = {**piece, "start": 0, "end": file.size_bytes}
        outcome = task({"key": str(number), "pieces": [whole]})
        if not outcome["n_documents"] and not outcome["n_dead_letters"]:
            faulty.add(file.path)
        n_documents += outcome["n_documents"]
    return n_documents, faulty, len(list_dead_letters(ledger.store, "fuzz", run="r"))


def measure_memory() -> int:
    """Return the bytes of memory that this process holds now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:", 1)[1].split(None, 1)[0]) << 10


def fuzz(n: int, *, seed: int, corpus: Path) -> dict[str, int]:
    """Return what became of `n` mutated files."""
    rng, seeds = random.Random(seed), read_seeds(corpus)  # noqa: S311 - to be the same again
    parsers = ParserPool(ParseLimits(timeout_s=10.0))
    counts = dict.fromkeys(
        ("files", "documents", "dead_letters", "neither", "ended_runs", "hangs", "over_memory"), 0
    )
    at_start = measure_memory()
    for first in range(0, n, _BATCH):
        size = min(_BATCH, n - first)
        counts["files"] += size
        with tempfile.TemporaryDirectory() as name:
            folder, scratch = Path(name) / "files", Path(name) / "store"
            folder.mkdir()
            make_files(folder, seeds, rng, n=size)
            begun = time.monotonic()
            try:
                n_documents, neither, n_letters = ingest(folder, scratch, parsers)
            except Exception as error:  # noqa: BLE001 - what ends a run is what is looked for
                sys.stderr.write(f"seed {seed}, files from {first}: {type(error).__name__}\n")
                counts["ended_runs"] += 1
                continue
            counts["documents"] += n_documents
            counts["dead_letters"] += n_letters
            counts["neither"] += len(neither)
            counts["hangs"] += time.monotonic() - begun > _HANG_S * size
            counts["over_memory"] += measure_memory() - at_start > _MOST_MORE
    parsers.close()
    return counts


def main() -> None:
    """Fuzz as the command line says, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=SAMPLE)
    options = parser.parse_args()
    counts = fuzz(options.n, seed=options.seed, corpus=options.corpus)
    sys.stdout.write(f"{json.dumps(counts)}\n")
    sys.exit(int(any(counts[name] for name in ("neither", "ended_runs", "hangs", "over_memory"))))


if __name__ == "__main__":
    main()
