"""The caller's side of a parser's process: starts it, answers its reads, checks what it says, ends it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.parsing.frames import HEADER, FrameKind, make_frame
from eagleray.documents.parsing.items import decode_items
from eagleray.documents.parsing.limits import SHARE_BYTES, ParseLimits, count_shares
from eagleray.documents.reading import ReadRange
from eagleray.documents.records import InputFile
from eagleray.errors import MissingExtraError, ParserError

_START_S: Final = 60.0
_WALL_FACTOR: Final = 20.0
"""Seconds that may pass for one of processor time, and for nothing: other processes want the cores, too.

Behind searches that keep every core busy, a parser of uploads gets about a tenth of one.
"""

_MAX_WAIT_MS: Final = 2**31 - 1
"""The longest wait that `poll` takes."""

_EXIT_S: Final = 5.0
"""Seconds between a process's last word and its end."""

_BLOCK_BYTES: Final = 1 << 20
_CONTROL_BYTES: Final = 4 << 10
_MEMORY_ERRORS: Final = frozenset({"MemoryError", "ArrowMemoryError"})
_PROGRAM: Final = (
    "import json, sys; start = json.loads(sys.argv[1]); sys.path[:] = start['path']; "
    "from eagleray.documents.parsing.child import run; run(start)"
)
_ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""All that a parser's process knows of its surroundings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsePiece:
    """What is to be parsed of a file; see `parse_partition`."""

    file: InputFile
    start: int
    end: int
    size: int
    max_record_bytes: int

    @property
    def n_shares(self) -> int:
        """How many times it may take what the limits say."""
        return count_shares(min(self.end, self.size) - self.start)


class EndedError(Exception):
    """Nothing more comes of a file from this process.

    Attributes:
        reason: class of the fault.
        detail: what happened; holds nothing of the file.
    """

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class ParserProcess:
    """A process that parses files one after another, for one caller at a time.

    Args:
        limits: of each file.
        niceness: how far it stands back behind other processes, 0 to 19.

    Raises:
        ParserError: it cannot be started.
    """

    def __init__(self, limits: ParseLimits, *, niceness: int) -> None:
        self._limits = limits
        self._process = _start(limits, niceness=niceness)
        self._end = weakref.finalize(self, _end, self._process)
        self._incoming, self._outgoing = _find_pipes(self._process)
        self._left_s = _START_S
        self._n_files = 0
        self.is_usable = True
        try:
            kind, _ = self._receive(0)
        except (EndedError, ValueError) as error:
            self.end()
            raise ParserError(detail=str(error)) from error
        if kind is not FrameKind.READY:
            self.end()
            raise ParserError(detail="its process says something else than that it is ready")

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended by itself, or by the system."""
        return self._process.poll() is None

    def parse(self, read_range: ReadRange, piece: ParsePiece) -> Iterator[RawRecord | DeadLetter]:
        """Yield what a parser finds; where it comes to an end before the file does, that is the last item.

        Raises:
            MissingExtraError: the format's library is not installed.
        """
        n_left = self._limits.max_records * piece.n_shares
        position = ""
        try:
            with closing(self.ask(read_range, piece)) as frames:
                for data in frames:
                    for item in decode_items(data, piece.file):
                        n_left -= 1
                        if n_left < 0:
                            raise _exceed(f"more than {self._limits.max_records} records come out of it")
                        position = item.position
                        yield item
        except ValueError as error:
            detail = f"its parser says what no parser says ({error}); it was ended"
            yield _reject(piece.file, EndedError(DeadLetterReason.PARSER_FAILED, detail), position)
        except EndedError as error:
            yield _reject(piece.file, error, position)

    def ask(
        self, read_range: ReadRange, piece: ParsePiece, *, table: dict[str, Any] | None = None
    ) -> Generator[bytes, None, None]:
        """Yield the frames that come of a file, of items or a table; a process that cannot go on is ended.

        Args:
            read_range: reads the file.
            piece: what of it is parsed.
            table: what of it is read as a table; see `table_frames`.

        Raises:
            EndedError: nothing more comes of it.
            MissingExtraError: the format's library is not installed.
            ValueError: the process says what no parser says.
        """
        self.is_usable = False
        self._n_files += 1
        try:
            self._request(piece, table)
            yield from self._receive_frames(read_range, piece)
        finally:
            if not self.is_usable or self._n_files >= self._limits.recycle_files:
                self.end()

    def end(self) -> None:
        """End the process now."""
        self.is_usable = False
        self._end()

    def _request(self, piece: ParsePiece, table: dict[str, Any] | None) -> None:
        timeout_s = self._limits.timeout_s * piece.n_shares
        self._left_s = _WALL_FACTOR * (timeout_s + 1.0)
        request = {
            "source": piece.file.source,
            "modified": piece.file.modified,
            "max_pages": self._limits.max_pages,
            "timeout_s": timeout_s,
            "table": table,
            "range": {
                "start": piece.start,
                "end": piece.end,
                "size": piece.size,
                "max_record_bytes": piece.max_record_bytes,
            },
        }
        self._send(FrameKind.PARSE, json.dumps(request).encode())

    def _receive_frames(self, read_range: ReadRange, piece: ParsePiece) -> Iterator[bytes]:
        left_bytes = self._limits.max_text_bytes * piece.n_shares
        while True:
            kind, data = self._receive(left_bytes)
            if kind is FrameKind.READ:
                self._answer_read(read_range, data, size=piece.size)
            elif kind is FrameKind.ITEMS:
                left_bytes -= len(data)
                yield data
            elif kind is FrameKind.DONE:
                self.is_usable = data == b"false"
                return
            elif kind is FrameKind.MISSING_EXTRA:
                part, extra = json.loads(data)
                raise MissingExtraError(part=str(part), extra=str(extra))
            elif kind is FrameKind.FAULT:
                self.is_usable = data.decode("ascii", "replace") not in _MEMORY_ERRORS
                raise _describe_fault(data)
            else:
                raise ValueError("a frame that only callers send")

    def _answer_read(self, read_range: ReadRange, data: bytes, *, size: int) -> None:
        start, end = json.loads(data)
        if not (type(start) is int and type(end) is int and 0 <= start <= end <= size):
            raise ValueError("it reads outside its file")
        try:
            found = read_range(start, end)
        except Exception:
            self._pass_over()
            raise
        self._send(FrameKind.DATA, found)

    def _pass_over(self) -> None:
        """Bring the process to the end of a file that cannot be read, whatever it makes of that."""
        with suppress(EndedError, ValueError):
            self._send(FrameKind.READ_FAILED, b"")
            kind = FrameKind.ITEMS
            while kind is FrameKind.ITEMS:
                kind, _ = self._receive(_BLOCK_BYTES)
            self.is_usable = kind in (FrameKind.DONE, FrameKind.FAULT)

    def _send(self, kind: FrameKind, payload: bytes) -> None:
        left = memoryview(make_frame(kind, payload))
        while left:
            self._wait(self._outgoing, select.POLLOUT)
            try:
                left = left[os.write(self._outgoing, left) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._describe_end() from None

    def _receive(self, max_bytes: int) -> tuple[FrameKind, bytes]:
        """Return the next frame, whose items may have so many bytes."""
        number, length = HEADER.unpack(self._read(HEADER.size))
        kind = FrameKind(number)
        if kind is FrameKind.ITEMS and length > max_bytes:
            raise _exceed(f"more than {self._limits.max_text_bytes >> 20} MiB come out of it")
        if kind is not FrameKind.ITEMS and length > _CONTROL_BYTES:
            raise ValueError("a frame that is too long")
        return kind, self._read(length)

    def _read(self, n_bytes: int) -> bytes:
        found = bytearray()
        while len(found) < n_bytes:
            self._wait(self._incoming, select.POLLIN)
            block = os.read(self._incoming, min(n_bytes - len(found), _BLOCK_BYTES))
            if not block:
                raise self._describe_end()
            found += block
        return bytes(found)

    def _wait(self, descriptor: int, event: int) -> None:
        """Wait until a pipe is ready; time that the caller takes is not counted."""
        poll = select.poll()
        poll.register(descriptor, event)
        begun = time.monotonic()
        is_ready = poll.poll(min(max(self._left_s, 0.0) * 1000, _MAX_WAIT_MS))
        self._left_s -= time.monotonic() - begun
        if not is_ready:
            raise EndedError(DeadLetterReason.LIMIT_EXCEEDED, "its parser does not come to an end")

    def _describe_end(self) -> EndedError:
        """Return why the process is no more."""
        try:
            code = self._process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            detail = "its parser says no more and does not end; it was ended"
            return EndedError(DeadLetterReason.PARSER_FAILED, detail)
        if code == -signal.SIGPROF:
            return _exceed(f"parsing it takes more than {self._limits.timeout_s:g} s of a processor")
        if code == -signal.SIGKILL:
            detail = "its parser was ended by the system, as for want of memory"
            return EndedError(DeadLetterReason.LIMIT_EXCEEDED, detail)
        name = signal.Signals(-code).name if code < 0 else f"code {code}"
        return EndedError(DeadLetterReason.PARSER_FAILED, f"its parser crashed ({name})")


def _exceed(what: str) -> EndedError:
    shown = f"{what} for each {SHARE_BYTES >> 20} MiB that are parsed; split it or raise the limit"
    return EndedError(DeadLetterReason.LIMIT_EXCEEDED, shown)


def _reject(file: InputFile, error: EndedError, position: str) -> DeadLetter:
    return file.reject(error.reason, error.detail, position=f"after {position}" if position else "")


def _describe_fault(data: bytes) -> EndedError:
    """Return what a parser that raised comes to: the class alone, as the text may be a document's."""
    name = data.decode("ascii", "replace")[:100]
    if not name.isidentifier():
        raise ValueError("its fault has no name")
    if name in _MEMORY_ERRORS:
        detail = f"parsing it takes more memory than allowed ({name}); split it or raise the limit"
        return EndedError(DeadLetterReason.LIMIT_EXCEEDED, detail)
    return EndedError(DeadLetterReason.PARSER_FAILED, f"its parser failed ({name})")


def _start(limits: ParseLimits, *, niceness: int) -> subprocess.Popen[bytes]:
    start: Mapping[str, object] = {
        "path": [str(Path(entry).absolute()) for entry in sys.path],
        "memory_bytes": limits.memory_bytes,
        "niceness": niceness,
    }
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, with a program of ours
            [sys.executable, "-I", "-B", "-c", _PROGRAM, json.dumps(start)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise ParserError(detail=f"its process cannot be started: {error.strerror}") from error


def _find_pipes(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    if process.stdin is None or process.stdout is None:
        raise ParserError(detail="its process has no pipes")
    incoming, outgoing = process.stdout.fileno(), process.stdin.fileno()
    os.set_blocking(outgoing, False)
    return incoming, outgoing


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
