"""Ingest one file as a process of its own and print its dead letters and how its memory grew."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from eagleray.chunking.config import ChunkerConfig
from eagleray.contracts.collections import Collection
from eagleray.documents.mapping import DEFAULT_MAPPING
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from eagleray.setting_groups.engine import JobSettings
from indexes.runs.dead_letters import list_dead_letters
from indexes.storage.local import LocalStore
from indexes.writing.document_chunker import DocumentChunker
from ray_jobs.ledger import Ledger
from ray_jobs.sources.files.source import FileReading, FileSource
from ray_jobs.stages.ingest import DocumentRows, IngestTask
from ray_jobs.stages.shard_files import ShardSizes


class CharacterCounter:
    """Counts every character as a token."""

    def find_offsets(self, text):
        return [(start, start + 1) for start in range(len(text))]


def read_peak_bytes():
    """Return the most memory this process ever held, as Linux counts it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024


def main(source, store):
    """Ingest every split of the folder `source`, and see what those after the first one cost."""
    jobs = JobSettings()
    reading = FileReading(
        parsers=ParserPool(ParseLimits()),
        mapping_digest="m",
        partition_bytes=jobs.partition_bytes,
        max_record_bytes=jobs.max_record_bytes,
    )
    config = ChunkerConfig(max_tokens=256, target_tokens=230, overlap_tokens=40)
    rows = DocumentRows(
        DEFAULT_MAPPING, DocumentChunker(CharacterCounter(), chunker=config, chunker_digest="c")
    )
    ledger = Ledger(Collection(LocalStore(store), "notes"), run_id="r")
    ledger.begin({})
    files = FileSource(LocalStore(source), reading, name="desk")
    sizes = ShardSizes(n_shards=1, max_file_bytes=jobs.worker_memory_bytes // 4)
    task = IngestTask(ledger, files, rows, sizes=sizes)
    before, n_documents = 0, 0
    for split in files.plan({}).splits:
        n_documents += task(split).n_documents
        before = before or read_peak_bytes()
    shown = {
        "letters": list_dead_letters(Collection(ledger.store, "notes"), run="r"),
        "n_documents": n_documents,
        "grown_bytes": read_peak_bytes() - before,
        "max_record_bytes": jobs.max_record_bytes,
    }
    sys.stdout.write(json.dumps(shown))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
