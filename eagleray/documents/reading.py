"""Lines of a byte range: each line belongs to the range it begins in, whatever the ranges are."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Final

ReadRange = Callable[[int, int], bytes]
"""Returns bytes `start` to `end` (exclusive) of a file; fewer only where the file ends before."""

_BLOCK_BYTES: Final = 1 << 20


def read_jsonl_range(
    read_range: ReadRange, *, start: int, end: int, size: int, max_record_bytes: int
) -> Iterator[tuple[int, bytes | None]]:
    """Yield (byte offset, line) of each line that begins in `start` to `end` (exclusive).

    Memory is bounded by `max_record_bytes` and one block, however long a line is.

    Args:
        read_range: reads the file.
        start: first byte of the range.
        end: one past the last byte of the range.
        size: bytes of the whole file.
        max_record_bytes: a longer line comes as `None`.

    Yields:
        The offset of the line's first byte, and the line without its line feed.
    """
    # A line begins at `start` only if the byte before is a line feed.
    position = max(start - 1, 0)
    line = None if start > 0 else _Line(position, max_record_bytes)
    while position < size and (line is not None or position < end):
        block = read_range(position, min(position + _BLOCK_BYTES, size))
        if not block:
            break
        cut = 0
        while (feed := block.find(b"\n", cut)) >= 0:
            if line is not None:
                line.extend(block[cut:feed])
                yield line.offset, line.content
            cut = feed + 1
            line = _Line(position + cut, max_record_bytes)
            if line.offset >= end:
                return
        if line is not None:
            line.extend(block[cut:])
            if line.is_too_long and position + len(block) >= end:
                break
        position += len(block)
    if line is not None and line.n_bytes:
        yield line.offset, line.content


def is_blank(read_range: ReadRange, *, start: int, end: int) -> bool:
    """Return whether a range holds nothing but white space; reads as far as that is so."""
    while start < end:
        block = read_range(start, min(start + _BLOCK_BYTES, end))
        if block.strip():
            return False
        if not block:
            break
        start += len(block)
    return True


class _Line:
    """A line while it is read: holds its bytes until they are too many."""

    def __init__(self, offset: int, max_bytes: int) -> None:
        self.offset = offset
        self.n_bytes = 0
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []

    def extend(self, piece: bytes) -> None:
        self.n_bytes += len(piece)
        if self.is_too_long:
            self._pieces.clear()
        else:
            self._pieces.append(piece)

    @property
    def is_too_long(self) -> bool:
        return self.n_bytes > self._max_bytes

    @property
    def content(self) -> bytes | None:
        return None if self.is_too_long else b"".join(self._pieces)


class RangeFile(io.RawIOBase):
    """A file to seek and read in, over `ReadRange`; for formats that read from their end."""

    def __init__(self, read_range: ReadRange, *, size: int) -> None:
        super().__init__()
        self._read_range = read_range
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position, bytes from the file's begin."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to `offset` bytes from the begin, the position or the end, and return the new position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes from the position on; all that are left where it is negative."""
        left = max(self._size - self._position, 0)
        n_bytes = left if size is None or size < 0 else min(size, left)
        data = self._read_range(self._position, self._position + n_bytes) if n_bytes else b""
        self._position += len(data)
        return data
