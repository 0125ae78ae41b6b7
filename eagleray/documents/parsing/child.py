"""The program of a parser's process: parses one file after another, and has nothing that is worth taking.

It reads its caller's frames on standard input, asks there for the bytes it needs, and writes what it finds to
standard output. It ends when its caller does: there is nothing more to read then.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final

from eagleray.contracts.documents import DeadLetter, DeadLetterReason
from eagleray.contracts.sources import RawRecord
from eagleray.documents.dead_letters import bound_dead_letters
from eagleray.documents.formats.registry import LIBRARIES, find_suffix
from eagleray.documents.parsing.frames import HEADER, FrameKind, make_frame
from eagleray.documents.parsing.items import MAX_DEPTH, encode_item
from eagleray.documents.partitions import parse_partition
from eagleray.documents.records import InputFile
from eagleray.errors import MissingExtraError

_BATCH_BYTES: Final = 256 << 10
_BATCH_ITEMS: Final = 256
_LIBRARY_BYTES: Final = 512 << 20
"""Memory that the libraries of all parsers stay below."""


class _ReadFailedError(Exception):
    """The caller could not read the file; what comes of it is passed over there."""


class _WithoutPandas:
    """Says that pandas is not installed: Arrow would load it for times with a zone, which takes a second."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002 - the protocol
        """Return `None`: other finders look for other modules.

        Raises:
            ModuleNotFoundError: the module is pandas, or part of it.
        """
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(name)


class _Pipes:
    """The two pipes to the caller."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def send(self, kind: FrameKind, payload: bytes = b"") -> None:
        self._outgoing.write(make_frame(kind, payload))
        self._outgoing.flush()

    def receive(self) -> tuple[FrameKind, bytes]:
        """Return the next frame; end the process where its caller has gone."""
        header = self._incoming.read(HEADER.size)
        if len(header) < HEADER.size:
            sys.exit(0)
        kind, length = HEADER.unpack(header)
        return FrameKind(kind), self._incoming.read(length)

    def read_range(self, start: int, end: int) -> bytes:
        """Return bytes of the file that is parsed; see `ReadRange`."""
        self.send(FrameKind.READ, json.dumps([start, end]).encode())
        kind, data = self.receive()
        if kind is not FrameKind.DATA:
            raise _ReadFailedError
        return data


def run(start: dict[str, Any]) -> None:
    """Parse files until the caller has gone.

    Args:
        start: `memory_bytes` of the limits, and `niceness` of the process.
    """
    pipes = _take_pipes()
    sys.meta_path.insert(0, _WithoutPandas())
    _give_up_rights(start["memory_bytes"], niceness=start["niceness"])
    pipes.send(FrameKind.READY)
    while True:
        _, request = pipes.receive()
        _parse(pipes, json.loads(request), memory_bytes=start["memory_bytes"])


def _take_pipes() -> _Pipes:
    """Return the pipes; what libraries print from here on goes nowhere."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    return _Pipes(incoming, outgoing)


def _give_up_rights(memory_bytes: int, *, niceness: int) -> None:
    os.nice(niceness)
    with contextlib.suppress(OSError):  # systems without it end processes by rules of their own
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        most = _measure_memory() + memory_bytes + _LIBRARY_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _parse(pipes: _Pipes, request: dict[str, Any], *, memory_bytes: int) -> None:
    file = InputFile(source=request["source"], modified=request["modified"], max_pages=request["max_pages"])
    try:
        _load_library(find_suffix(file.source))
        with _bounded(memory_bytes, timeout_s=request["timeout_s"]) as is_worn:
            for frame in _make_frames(pipes, request, file):
                pipes.send(FrameKind.ITEMS, frame)
            worn = is_worn()
        pipes.send(FrameKind.DONE, json.dumps(worn).encode())
    except MissingExtraError as error:
        pipes.send(FrameKind.MISSING_EXTRA, json.dumps([error.part, error.extra]).encode())
    except Exception as error:  # noqa: BLE001 - a parser may raise anything, and the file is told of by its kind
        pipes.send(FrameKind.FAULT, type(error).__name__.encode())


def _make_frames(pipes: _Pipes, request: dict[str, Any], file: InputFile) -> Iterator[bytes]:
    if request["table"] is None:
        found = bound_dead_letters(parse_partition(pipes.read_range, file, **request["range"]))
        return _encode_batches(found, file)
    from eagleray.documents.parsing.table_frames import encode_table  # loads Arrow

    return encode_table(pipes.read_range, request["range"]["size"], request["table"])


def _load_library(suffix: str) -> None:
    """Load what a parser needs before memory is counted; one that is missing is told of by the parser."""
    if suffix in LIBRARIES:
        with contextlib.suppress(ImportError):
            import_module(LIBRARIES[suffix])


@contextlib.contextmanager
def _bounded(memory_bytes: int, *, timeout_s: float) -> Iterator[Callable[[], bool]]:
    """Bound what is done within; the process is ended where it takes longer.

    Yields:
        Returns whether so much memory was kept that the process should be replaced.
    """
    before, most = (_measure_memory() if sys.platform == "linux" else 0), 0
    if before:
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (min(before + memory_bytes, most), most))
    signal.setitimer(signal.ITIMER_PROF, timeout_s)
    try:
        # What is kept of each file must leave the next one its memory.
        yield (
            lambda: bool(before) and _measure_memory() > min(before + memory_bytes // 4, most - memory_bytes)
        )
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _measure_memory() -> int:
    """Return the bytes of data that the process has mapped, as RLIMIT_DATA counts them."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmData:", 1)[1].split(None, 1)[0]) << 10


def _encode_batches(found: Iterator[RawRecord | DeadLetter], file: InputFile) -> Iterator[bytes]:
    """Yield arrays of items; what was found before a parser failed comes before its failure."""
    batch: list[bytes] = []
    n_bytes = 0
    failure: Exception | None = None
    while True:
        try:
            item = next(found, None)
            data = _encode(item, file) if item is not None else b""
        except Exception as error:  # noqa: BLE001 - raised again below
            failure, data = error, b""
        if batch and (not data or n_bytes + len(data) > _BATCH_BYTES or len(batch) == _BATCH_ITEMS):
            yield b"[" + b",".join(batch) + b"]"
            batch, n_bytes = [], 0
        if not data:
            break
        batch.append(data)
        n_bytes += len(data)
    if failure is not None:
        raise failure


def _encode(item: RawRecord | DeadLetter, file: InputFile) -> bytes:
    try:
        return encode_item(item)
    except RecursionError:
        detail = f"its values are nested deeper than {MAX_DEPTH} levels; expected flat records"
        return encode_item(file.reject(DeadLetterReason.LIMIT_EXCEEDED, detail, position=item.position))
