"""What does a block of a shard file cost, against an Arrow stream of its own?

    python -m benchmarks.shard_blocks CORPUS_DIR [--limit N]

The corpus is cut into chunks by the product. Blocks of 3, 26 and 400 of these rows are written and read
back in both forms: a record batch without a schema, compressed as a whole, and an Arrow stream with its
schema and each column compressed apart. Both must give the same rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.corpora import copy_corpus
from benchmarks.reporting import show_result, show_stage
from eagleray.contracts.services import IngestRequest
from eagleray.parts import JOBS
from eagleray.settings import load_settings
from ray_jobs.stages.shard_files import decode_block, encode_block

SIZES = (3, 26, 400)
N_BLOCKS = 200


def main() -> None:
    """Write and read blocks of several sizes in both forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="passages; 0 takes all")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eagleray-blocks-") as name:
        rows = cut_corpus(arguments.corpus, Path(name), limit=arguments.limit)
    show_result(
        {"corpus": arguments.corpus.name, "rows": {n_rows: compare(rows, n_rows) for n_rows in SIZES}}
    )


def cut_corpus(corpus: Path, folder: Path, *, limit: int) -> pa.Table:
    """Return the chunk rows the product makes of a corpus."""
    settings = load_settings(store=f"{folder}/store", collection="corpus")
    settings = settings.model_copy(
        update={"embedder": settings.embedder.model_copy(update={"model": "hashing"})}
    )
    request = IngestRequest(source=str(copy_corpus(corpus, folder, limit=limit)), alias="")
    JOBS.load(settings).ingest(request, show_stage)
    files = sorted((folder / "store" / "corpus" / "chunks").iterdir())
    return pa.concat_tables(pq.read_table(path) for path in files).combine_chunks()


def compare(rows: pa.Table, n_rows: int) -> dict[str, dict[str, float]]:
    """Return form -> bytes, and milliseconds to write and to read, of one block of so many rows."""
    starts = range(0, rows.num_rows - n_rows + 1, n_rows)[:N_BLOCKS]
    blocks = [rows.slice(start, n_rows).combine_chunks() for start in starts]
    forms: dict[str, tuple[Callable[[pa.Table], bytes], Callable[[bytes], pa.Table]]] = {
        "block": (encode_block, lambda data: decode_block(data, rows.schema)),
        "stream": (write_stream, lambda data: pa.ipc.open_stream(data).read_all()),
    }
    found = {}
    for form, (write, read) in forms.items():
        started = time.perf_counter()
        written = [write(block) for block in blocks]
        between = time.perf_counter()
        back = [read(data) for data in written]
        ended = time.perf_counter()
        if not all(one.equals(other) for one, other in zip(back, blocks, strict=True)):
            sys.exit(f"the {form} of {n_rows} rows gives other rows back")
        found[form] = {
            "bytes": round(sum(map(len, written)) / len(blocks)),
            "write_ms": round((between - started) * 1000 / len(blocks), 3),
            "read_ms": round((ended - between) * 1000 / len(blocks), 3),
        }
    return found


def write_stream(rows: pa.Table) -> bytes:
    """Return rows as an Arrow stream of their own."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


if __name__ == "__main__":
    main()
