"""Does every file, however odd, end as documents or dead letters, and does none end the work or fill memory?

Odd files of every format that can be read (`benchmarks.odd_files`) are written into a folder and read by
the task that ingests a partition, in its parsers' processes. The first folder goes through a whole run, too,
from listing to alias, which must find as much. One line of JSON tells what became of them; the exit code is 1
where a file came to nothing, or something ended.

    python -m benchmarks.fuzz_ingest --n 5000 --seed 1
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.odd_files import make_files, read_seeds
from eagleray.chunking.config import ChunkerConfig
from eagleray.contracts.collections import Collection
from eagleray.documents.mapping import DEFAULT_MAPPING
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from indexes.storage.local import LocalStore
from indexes.writing.document_chunker import DocumentChunker
from ray_jobs.ledger import Ledger
from ray_jobs.sources.files.listing import list_files
from ray_jobs.sources.files.source import FileReading, FileSource, FileSplit, Piece
from ray_jobs.stages.ingest import DocumentRows, IngestTask
from ray_jobs.stages.shard_files import ShardSizes

SAMPLE: Final = Path(__file__).parents[1] / "examples" / "sample"
LIMITS: Final = ParseLimits(timeout_s=10.0)

_BATCH: Final = 50
_HANG_S: Final = 120.0
"""Seconds of one file that are too many; its parser may take ten of a processor."""

_MOST_MORE: Final = 512 << 20
"""Bytes of memory that this process may hold more than before."""

RunWhole = Callable[[Path, Path, ParseLimits], dict[str, Any]]
"""Takes a folder, one for what it makes and the limits; returns the report of a whole run."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzedIngest:
    """What came of a folder.

    Attributes:
        n_dead_letters: pieces that were set aside.
        neither: files that came to nothing.
        longest_s: seconds that the longest file took.
    """

    n_documents: int
    n_dead_letters: int
    neither: tuple[str, ...]
    longest_s: float


def ingest(folder: Path, scratch: Path, parsers: ParserPool) -> FuzzedIngest:
    """Ingest a folder, each file as one split."""
    ledger = Ledger(Collection(LocalStore(scratch), "fuzz"), run_id="r")
    ledger.begin({})
    reading = FileReading(parsers=parsers, mapping_digest="m", partition_bytes=1, max_record_bytes=32 << 20)
    source = FileSource(LocalStore(folder), reading, name="fuzz")
    config = ChunkerConfig(max_tokens=256, target_tokens=230, overlap_tokens=40)
    rows = DocumentRows(DEFAULT_MAPPING, DocumentChunker(WordCounter(), chunker=config, chunker_digest="c"))
    sizes = ShardSizes(n_shards=1, max_file_bytes=64 << 20)
    task = IngestTask(ledger, source, rows, sizes=sizes)
    outcomes, longest_s = {}, 0.0
    for number, file in enumerate(list_files(LocalStore(folder)).files):
        piece = Piece(file=file, start=0, end=file.size_bytes)
        begun = time.monotonic()
        outcomes[file.path] = task(FileSplit(key=str(number), size_bytes=file.size_bytes, pieces=(piece,)))
        longest_s = max(longest_s, time.monotonic() - begun)
    return FuzzedIngest(
        n_documents=sum(outcome.n_documents for outcome in outcomes.values()),
        n_dead_letters=sum(outcome.n_dead_letters for outcome in outcomes.values()),
        neither=tuple(
            path
            for path, outcome in outcomes.items()
            if not outcome.n_documents and not outcome.n_dead_letters
        ),
        longest_s=longest_s,
    )


def differs(report: dict[str, Any], found: FuzzedIngest) -> bool:
    """Return whether a whole run found other than its files do one by one; say what, if so.

    Versions that contradict each other are set aside after their files were read, and counted as conflicts.
    """
    whole = (report["documents_read"], report["dead_letters"] - report["conflicts"])
    if whole == (found.n_documents, found.n_dead_letters):
        return False
    sys.stderr.write(f"the whole run found {whole}, its files {found}\n")
    return True


def measure_memory() -> int:
    """Return the bytes of memory that this process holds now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:", 1)[1].split(None, 1)[0]) << 10


def fuzz(n: int, *, seed: int, corpus: Path, run_whole: RunWhole | None = None) -> dict[str, int]:
    """Return what became of `n` odd files; the first folder of them goes through `run_whole`, too."""
    rng, seeds = random.Random(seed), read_seeds(corpus)  # noqa: S311 - to be the same again
    parsers = ParserPool(LIMITS)
    counts = dict.fromkeys(
        ("files", "documents", "dead_letters", "neither", "ended_runs", "hangs", "over_memory"), 0
    )
    at_start = measure_memory()
    for first in range(0, n, _BATCH):
        size = min(_BATCH, n - first)
        counts["files"] += size
        with tempfile.TemporaryDirectory() as name:
            folder, scratch = Path(name) / "files", Path(name) / "scratch"
            folder.mkdir()
            make_files(folder, seeds, rng, n=size, has_bombs=first > 0)
            try:
                found = ingest(folder, scratch / "alone", parsers)
                if run_whole is not None and not first:
                    counts["neither"] += differs(run_whole(folder, scratch, LIMITS), found)
            except Exception as error:  # noqa: BLE001 - what ends a run is what is looked for
                sys.stderr.write(f"seed {seed}, files from {first}: {type(error).__name__}\n")
                counts["ended_runs"] += 1
                continue
            for path in found.neither:
                sys.stderr.write(f"seed {seed}, files from {first}: nothing came of {path!a}\n")
            counts["documents"] += found.n_documents
            counts["dead_letters"] += found.n_dead_letters
            counts["neither"] += len(found.neither)
            counts["hangs"] += found.longest_s > _HANG_S
            counts["over_memory"] += measure_memory() - at_start > _MOST_MORE
    parsers.close()
    return counts


def main() -> None:
    """Fuzz as the command line says, and print the counts."""
    from benchmarks.whole_runs import ingest_folder  # loads Ray

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=SAMPLE)
    options = parser.parse_args()
    counts = fuzz(options.n, seed=options.seed, corpus=options.corpus, run_whole=ingest_folder)
    sys.stdout.write(f"{json.dumps(counts)}\n")
    sys.exit(int(any(counts[name] for name in ("neither", "ended_runs", "hangs", "over_memory"))))


if __name__ == "__main__":
    main()
