"""Headings of chunks: title, path of headings and a table's header rows, within a token budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eagleray.chunking.atoms import Atom
from eagleray.contracts.ports import TokenCounter

_SEPARATOR: Final = " > "
_MAX_TITLE: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading and its length in tokens."""

    text: str
    n_tokens: int


class HeadingWriter:
    """Writes the headings of one document's chunks."""

    def __init__(self, title: str, *, counter: TokenCounter, max_tokens: int) -> None:
        self._title = " ".join(title[:_MAX_TITLE].split())
        self._counter = counter
        self._max_tokens = max_tokens
        self._written: dict[tuple[tuple[str, ...], str], Heading] = {}

    def write(self, atom: Atom) -> Heading:
        """Return the heading of a chunk that begins with `atom`."""
        key = (atom.path, atom.table_header)
        found = self._written.get(key)
        if found is None:
            found = self._written[key] = self._compose(atom.path, atom.table_header)
        return found

    def shorten(self, heading: Heading, *, max_tokens: int) -> Heading:
        """Return the heading, its end cut off where it has more than `max_tokens`."""
        if heading.n_tokens <= max_tokens:
            return heading
        offsets = self._counter.find_offsets(heading.text)[: max(max_tokens, 0)]
        text = heading.text[: offsets[-1][1]].rstrip(" >|") if offsets else ""
        return Heading(text=text, n_tokens=len(self._counter.find_offsets(text)))

    def _compose(self, path: tuple[str, ...], table_header: str) -> Heading:
        """Keep the title and the innermost headings: what lies between goes first, then the ends."""
        parts = [part for part in path if part.casefold() != self._title.casefold()]
        header = [table_header] if table_header else []
        while True:
            heading = self._join([*parts, *header])
            if heading.n_tokens <= self._max_tokens:
                return heading
            if header and len(parts) <= 1:
                header = []
            elif parts:
                parts.pop(0)
            else:
                return self.shorten(heading, max_tokens=self._max_tokens)

    def _join(self, parts: list[str]) -> Heading:
        text = _SEPARATOR.join(part for part in (self._title, *parts) if part)
        return Heading(text=text, n_tokens=len(self._counter.find_offsets(text)))
