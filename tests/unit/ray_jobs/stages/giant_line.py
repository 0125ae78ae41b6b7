"""Ingest one file as a process of its own and print its dead letters and how its memory grew."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from eagleray.chunking.config import ChunkerConfig
from eagleray.documents.mapping import DEFAULT_MAPPING
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from eagleray.setting_groups.engine import JobSettings
from indexes.runs.dead_letters import list_dead_letters
from indexes.storage.local import LocalStore
from ray_jobs.ledger import Ledger
from ray_jobs.plans.partitions import plan_partitions
from ray_jobs.sources.files import list_files
from ray_jobs.stages.ingest import IngestTask, Reading


class CharacterCounter:
    """Counts every character as a token."""

    def find_offsets(self, text):
        return [(start, start + 1) for start in range(len(text))]


def read_peak_bytes():
    """Return the most memory this process ever held, as Linux counts it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024


def main(source, store):
    """Ingest every partition of the folder `source`, and see what those after the first one cost."""
    jobs, files = JobSettings(), list_files(LocalStore(source)).files
    reading = Reading(
        source="desk",
        parsers=ParserPool(ParseLimits()),
        mapping=DEFAULT_MAPPING,
        counter=CharacterCounter(),
        chunker=ChunkerConfig(max_tokens=256, target_tokens=230, overlap_tokens=40),
        chunker_digest="c",
        n_shards=1,
        max_record_bytes=jobs.max_record_bytes,
        max_file_bytes=jobs.worker_memory_bytes // 4,
    )
    ledger = Ledger(LocalStore(store), collection="notes", run_id="r")
    ledger.begin({})
    task = IngestTask(ledger, LocalStore(source), reading)
    before, n_documents = 0, 0
    for part in plan_partitions(files, partition_bytes=jobs.partition_bytes):
        n_documents += task(part).n_documents
        before = before or read_peak_bytes()
    shown = {
        "letters": list_dead_letters(ledger.store, "notes", run="r"),
        "n_documents": n_documents,
        "grown_bytes": read_peak_bytes() - before,
        "max_record_bytes": jobs.max_record_bytes,
    }
    sys.stdout.write(json.dumps(shown))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
