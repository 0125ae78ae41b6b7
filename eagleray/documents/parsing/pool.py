"""A few parsers' processes that many callers share: each file has one to itself while it is parsed."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.sources import RawRecord
from eagleray.documents.formats.registry import SUFFIXES, find_suffix, reject_format
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.process import ParsePiece, ParserProcess
from eagleray.documents.reading import ReadRange
from eagleray.documents.records import InputFile
from eagleray.setting_groups.parsing import ParsingSettings


def choose_limits(settings: ParsingSettings) -> ParseLimits:
    """Return the limits of files that their owners ingest."""
    return ParseLimits(
        memory_bytes=settings.memory_bytes,
        timeout_s=settings.timeout_s,
        max_records=settings.max_records,
        max_text_bytes=settings.max_text_bytes,
        max_pages=settings.max_pages,
        recycle_files=settings.recycle_files,
    )


def choose_upload_limits(settings: ParsingSettings) -> ParseLimits:
    """Return the limits of files that callers upload."""
    return replace(
        choose_limits(settings),
        timeout_s=settings.upload_timeout_s,
        max_text_bytes=settings.upload_text_bytes,
    )


class ParserPool:
    """Parses files in processes that are started when they are needed, kept, and replaced.

    May be asked by several threads; who finds no process free waits.

    Args:
        limits: of each file.
        n_processes: at most.
        niceness: how far they stand back behind other processes, 0 to 19.

    Attributes:
        limits: of each file.
    """

    def __init__(self, limits: ParseLimits, *, n_processes: int = 1, niceness: int = 0) -> None:
        self.limits = limits
        self._niceness = niceness
        self._free = threading.BoundedSemaphore(n_processes)
        self._idle: list[ParserProcess] = []
        self._lock = threading.Lock()

    def parse_partition(
        self,
        read_range: ReadRange,
        file: InputFile,
        *,
        start: int,
        end: int,
        size: int,
        max_record_bytes: int,
    ) -> Generator[RawRecord | DeadLetter, None, None]:
        """Yield the records of a partition; whatever its parser does, that is a dead letter.

        Args:
            read_range: reads the file; its errors pass through, because they are the store's.
            file: where it is; its suffix chooses the parser.
            start: first byte; only formats of lines are cut, so all others begin at 0.
            end: one past the last byte.
            size: bytes of the whole file.
            max_record_bytes: longest line, or longest file that is one document.

        Raises:
            MissingExtraError: the format's library is not installed.
            ParserError: no process can be started.
        """
        if find_suffix(file.source) not in SUFFIXES:
            yield reject_format(file)
            return
        piece = ParsePiece(file=file, start=start, end=end, size=size, max_record_bytes=max_record_bytes)
        with self.process() as process:
            yield from process.parse(read_range, piece)

    def parse_bytes(
        self, data: bytes, file: InputFile, *, max_record_bytes: int = 32 << 20
    ) -> Generator[RawRecord | DeadLetter, None, None]:
        """Yield the records of a whole file that is already in memory; see `parse_partition`."""
        return self.parse_partition(
            lambda start, end: data[start:end],
            file,
            start=0,
            end=len(data),
            size=len(data),
            max_record_bytes=max_record_bytes,
        )

    @contextmanager
    def process(self) -> Iterator[ParserProcess]:
        """Lend a process for the length of a block, once one is free.

        Raises:
            ParserError: none can be started.
        """
        with self._free:
            process = self._take()
            try:
                yield process
            finally:
                self._give_back(process)

    def close(self) -> None:
        """End the processes that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    def _take(self) -> ParserProcess:
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None:
                break
            if process.is_alive:
                return process
            process.end()  # the system may end processes that wait, for want of memory
        return ParserProcess(self.limits, niceness=self._niceness)

    def _give_back(self, process: ParserProcess) -> None:
        if process.is_usable:
            with self._lock:
                self._idle.append(process)
