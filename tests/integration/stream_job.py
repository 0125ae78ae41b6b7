"""A log that grows, as a source, and a job that ingests it; as a program, it is a process to be killed."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from eagleray.contracts.services import IngestRequest
from eagleray.contracts.sources import Origin, RawRecord, SourcePlan, Split, Tombstone
from tests.integration.cut_runs import make_settings

NAME, PARTS, SPLIT_MESSAGES = "log", ("0", "1"), 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSplit(Split):
    """Messages `first` to `end` of a part of the log."""

    part: str
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlan(SourcePlan[LogSplit]):
    """Splits, and the next offset of each part after them."""

    ends: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """Messages in files of lines, one a part: `{"_id", "text"}`, or `{"_id"}` of what is withdrawn."""

    folder: Path
    name = NAME
    is_stream = True

    @property
    def uri(self) -> str:
        """Where the log lies."""
        return f"log://{self.folder}"

    def plan(self, position) -> LogPlan:
        """Return what was appended since."""
        ranges = {part: (int(position.get(part) or 0), len(self._read(part))) for part in PARTS}
        splits = tuple(
            LogSplit(key=f"{part}@{at}", size_bytes=1, part=part, first=at, end=min(at + SPLIT_MESSAGES, end))
            for part, (first, end) in ranges.items()
            for at in range(first, end, SPLIT_MESSAGES)
        )
        ends = {part: str(end) for part, (_, end) in ranges.items()}
        return LogPlan(splits=splits, size_bytes=4_096 * len(splits), identity={"log": ranges}, ends=ends)

    def read(self, split: LogSplit) -> Generator[RawRecord | Tombstone, None, None]:
        """Yield messages."""
        for offset, line in enumerate(self._read(split.part)[split.first : split.end], start=split.first):
            message, origin = json.loads(line), Origin(uri=f"{NAME}/{split.part}", position=str(offset))
            if "text" in message:
                yield RawRecord(origin=origin, modified=1_000_000 + offset, fields=message)
            else:
                yield Tombstone(origin=origin, doc_id=message["_id"], known_to=2_000_000 + offset)

    def position_after(self, plan: LogPlan) -> dict[str, str]:
        """Return the next offset of each part."""
        return plan.ends

    def _read(self, part: str) -> list[str]:
        file = self.folder / f"{part}.jsonl"
        return file.read_text().splitlines() if file.exists() else []


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFactory:
    """Opens the log."""

    folder: Path

    def __call__(self, settings) -> LogSource:
        """Return it; it needs no credentials."""
        return LogSource(folder=self.folder)


def make_log_factory(request) -> LogFactory:
    """Return what opens the log that a URI `log:///folder` names."""
    return LogFactory(folder=Path(request.uri.removeprefix("log://")))


def ingest_log(folder, on_progress=lambda *step: None, *, address=""):
    """Ingest what is new of the log below a folder, and return the report."""
    from ray_jobs.service import RayJobService

    settings = make_settings(
        folder, shard_bytes=16_384, sources=f"{NAME}=tests.integration.stream_job:make_log_factory"
    )
    request = IngestRequest(source=f"log://{folder / 'log'}", address=address)
    return RayJobService(settings).ingest(request, on_progress)


if __name__ == "__main__":
    ingest_log(Path(sys.argv[1]), address=sys.argv[2])
