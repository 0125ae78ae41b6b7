"""A document cut into chunks that an embedder reads whole."""

from __future__ import annotations

from eagleray.chunking.atoms import Atom, cut_atoms
from eagleray.chunking.config import SPECIAL_TOKENS, ChunkerConfig
from eagleray.chunking.headings import Heading, HeadingWriter
from eagleray.chunking.tokens import TokenizedText
from eagleray.chunking.windows import AtomIndex, Budget
from eagleray.contracts.chunks import Chunk
from eagleray.contracts.documents import Document
from eagleray.contracts.ports import TokenCounter

_MARGIN = 6
"""Tokens a cut between words may add, in tokenizers that join a word with the space before it.

A window that comes closer to the limit, or is cut inside a word, is counted again as it will be embedded.
"""


def chunk_document(document: Document, *, counter: TokenCounter, config: ChunkerConfig) -> list[Chunk]:
    """Return the chunks of a document in order; every character that is no space lies in one of them.

    `text[start:end] == chunk.text` holds for each, and `embedded_text` with its special tokens has
    never more than `config.max_tokens` tokens.

    Args:
        document: what is cut.
        counter: the embedder's tokens.
        config: how long chunks are.
    """
    return _Chunker(document, counter, config=config).cut() if document.text.strip() else []


class _Chunker:
    """One document on its way to chunks."""

    def __init__(self, document: Document, counter: TokenCounter, *, config: ChunkerConfig) -> None:
        self._text = document.text
        self._counter = counter
        self._config = config
        self._tokens = TokenizedText(document.text, counter)
        self._atoms = cut_atoms(document)
        self._index = AtomIndex(self._atoms, self._tokens)
        self._headings = HeadingWriter(document.title, counter=counter, max_tokens=config.max_heading_tokens)
        self._chunks: list[Chunk] = []

    def cut(self) -> list[Chunk]:
        if self._tokens.n_tokens <= self._config.target_tokens and self._cut_whole():
            return self._chunks
        begin = position = 0
        while position < self._tokens.n_tokens:
            begin, stop, heading = self._choose(begin, position)
            self._add(begin, stop, heading=heading)
            begin, position = self._index.find_overlap(begin, stop, overlap=self._config.overlap_tokens), stop
        return self._chunks

    def _cut_whole(self) -> bool:
        """Keep a document in one chunk, with as much of its title as there is room for, if it fits.

        Without the white space round it, its first word may be more tokens than it was counted as.
        """
        heading = self._headings.write(self._atoms[0])
        room = self._config.max_tokens - SPECIAL_TOKENS - self._tokens.n_tokens
        heading = self._headings.shorten(heading, max_tokens=room)
        while self._is_doubtful(0, self._tokens.n_tokens, heading=heading):
            if self._count(self._text.strip(), heading) <= self._config.max_tokens:
                break
            if not heading.text:
                return False
            heading = self._headings.shorten(heading, max_tokens=heading.n_tokens - 1)
        self._add(0, self._tokens.n_tokens, heading=heading)
        return True

    def _choose(self, begin: int, position: int) -> tuple[int, int, Heading]:
        """Return begin, stop and heading of the window that passes `position`; it fits the limit."""
        while True:
            heading = self._headings.write(self._find_atom(begin))
            limit = self._config.max_tokens - SPECIAL_TOKENS - heading.n_tokens
            target = min(self._config.target_tokens, limit - _MARGIN)
            stop = self._index.find_stop(begin, position, budget=Budget(target=target, limit=limit))
            if stop > position:
                stop, heading = self._shrink(begin, position, stop=stop, heading=heading)
            if stop > position:
                return begin, stop, heading
            begin = position

    def _shrink(self, begin: int, position: int, *, stop: int, heading: Heading) -> tuple[int, Heading]:
        """Move `stop` back until the embedded text fits; `position` where the overlap must go first."""
        limit = self._config.max_tokens
        while self._is_doubtful(begin, stop, heading=heading):
            excess = self._count(self._slice(begin, stop)[1], heading) - limit
            if excess <= 0:
                break
            shorter = self._tokens.find_cut(position, max(stop - excess, position + 1))
            if shorter < stop:
                stop = shorter
            elif begin < position:
                return position, heading
            elif heading.text:
                heading = self._headings.shorten(heading, max_tokens=heading.n_tokens - excess)
            else:
                break  # one character that is more than the limit: nothing is left to cut
        return stop, heading

    def _is_doubtful(self, begin: int, stop: int, *, heading: Heading) -> bool:
        expected = stop - begin + heading.n_tokens + SPECIAL_TOKENS
        is_between_words = self._tokens.rate_cut(begin) > 1 and self._tokens.rate_cut(stop) > 1
        return expected > self._config.max_tokens - _MARGIN or not is_between_words

    def _count(self, text: str, heading: Heading) -> int:
        embedded = f"{heading.text}\n{text}" if heading.text else text
        return len(self._counter.find_offsets(embedded)) + SPECIAL_TOKENS

    def _find_atom(self, token: int) -> Atom:
        return self._index.atoms[self._index.find_atom(token)]

    def _slice(self, begin: int, stop: int) -> tuple[int, str]:
        """Return the first character and the text of a window, without white space round it."""
        first = self._index.find_character(begin) if self._tokens.n_tokens else 0
        last = self._index.find_character(stop)
        piece = self._text[first:last]
        return first + len(piece) - len(piece.lstrip()), piece.strip()

    def _add(self, begin: int, stop: int, *, heading: Heading) -> None:
        start, text = self._slice(begin, stop)
        if not text:
            return
        atom = self._find_atom(begin) if self._tokens.n_tokens else self._atoms[0]
        self._chunks.append(
            Chunk(
                ordinal=len(self._chunks),
                start=start,
                end=start + len(text),
                text=text,
                heading=heading.text,
                page=atom.page,
            )
        )
