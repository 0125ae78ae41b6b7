"""Postings: for each term the rows that hold it, in row order, which is time order.

Rows of a segment ascend by `known_from`, so "known at T" is a prefix of every posting list. Scores
over postings live in `bm25`; the rules that make terms live in `analysis`.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

from eagleray.digests import canonical_json
from eagleray.errors import IntegrityError
from indexes.lexical.analysis import ANALYZER, ENGLISH
from indexes.lexical.vocabulary import Vocabulary, build_vocabulary

FORMAT_VERSION: Final = 1

IntVector = npt.NDArray[np.int64]

_HEADER: Final = "postings.json"
_MAX_FOUND: Final = 100_000
_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "terms": np.dtype("uint8"),
    "term_offsets": np.dtype("int64"),
    "offsets": np.dtype("int64"),
    "rows": np.dtype("int32"),
    "frequencies": np.dtype("int32"),
    "lengths": np.dtype("int32"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postings:
    """Compressed sparse rows by term: posting `p` of term `t` lies at `offsets[t] <= p < offsets[t + 1]`.

    Attributes:
        vocabulary: the terms, sorted by their UTF-8 bytes; a term's place is its number.
        offsets: int64 [n_terms + 1].
        rows: int32 [n_postings], ascending within a term.
        frequencies: int32 [n_postings], occurrences of the term in the row, at least 1.
        lengths: int32 [n_rows], terms of each row, repeats included.
        found: terms that were looked up, with where their postings lie.
    """

    vocabulary: Vocabulary
    offsets: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    frequencies: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    found: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def n_rows(self) -> int:
        """Rows that were indexed."""
        return len(self.lengths)

    @property
    def n_terms(self) -> int:
        """Distinct terms."""
        return len(self.offsets) - 1

    def find_range(self, term: str) -> tuple[int, int]:
        """Return where the term's postings begin and end; (0, 0) for a term no row holds."""
        found = self.found.get(term)
        if found is None:
            number = self.vocabulary.find(term)
            found = (0, 0) if number is None else (int(self.offsets[number]), int(self.offsets[number + 1]))
            if len(self.found) >= _MAX_FOUND:
                self.found.clear()
            self.found[term] = found
        return found

    def find_ranges(self, terms: Sequence[str], *, n_prefix: int) -> tuple[IntVector, IntVector]:
        """Return where each term's postings below row `n_prefix` begin and end: int64 [n_terms] twice."""
        ranges = np.array([self.find_range(term) for term in terms], dtype=np.int64).reshape(-1, 2)
        starts, ends = np.ascontiguousarray(ranges[:, 0]), np.ascontiguousarray(ranges[:, 1])
        if n_prefix < self.n_rows:
            _cut(self.rows, starts, ends, n_prefix)
        return starts, ends

    def save(self, folder: Path) -> None:
        """Write the postings into `folder`, made if it is not there; the same bytes for the same rows."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in self._arrays().items():
            np.save(folder / f"{name}.npy", np.ascontiguousarray(values), allow_pickle=False)
        (folder / _HEADER).write_bytes(
            canonical_json({"format_version": FORMAT_VERSION, "analyzer": ANALYZER, "n_rows": self.n_rows})
        )

    @classmethod
    def open(cls, folder: Path) -> Postings:
        """Map the postings of `folder` into memory, after checking that no number points outside.

        Raises:
            IntegrityError: a file is missing or malformed, or was written under other rules.
        """
        n_rows = _read_header(folder / _HEADER)
        arrays = {name: _map_array(folder / f"{name}.npy", dtype) for name, dtype in _DTYPES.items()}
        postings = cls(
            vocabulary=Vocabulary(terms=arrays["terms"], offsets=arrays["term_offsets"]),
            offsets=arrays["offsets"],
            rows=arrays["rows"],
            frequencies=arrays["frequencies"],
            lengths=arrays["lengths"],
        )
        fault = _find_fault(postings, n_rows)
        if fault:
            raise IntegrityError(path=str(folder), expected="consistent postings", found=fault)
        return postings

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "terms": self.vocabulary.terms,
            "term_offsets": self.vocabulary.offsets,
            "offsets": self.offsets,
            "rows": self.rows,
            "frequencies": self.frequencies,
            "lengths": self.lengths,
        }


def build_postings(texts: Iterable[str]) -> Postings:
    """Return the postings of `texts`; row `i` is the `i`-th of them.

    Holds about 20 bytes a posting while it works.

    Args:
        texts: heading, newline and text of each row, in row order; read once, one at a time.
    """
    numbers: dict[str, int] = {}
    terms, frequencies, spans, lengths = array("i"), array("i"), array("i"), array("i")
    for text in texts:
        counts = Counter(ENGLISH.find_terms(text))
        lengths.append(counts.total())
        terms.extend([numbers.setdefault(term, len(numbers)) for term in counts])
        frequencies.extend(counts.values())
        spans.append(len(counts))
    vocabulary, order = build_vocabulary(list(numbers))
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    by_row = places[np.frombuffer(terms, dtype=np.int32)]
    offsets = np.zeros(len(order) + 1, dtype=np.int64)
    np.cumsum(np.bincount(by_row, minlength=len(order)), out=offsets[1:])
    counted = np.frombuffer(frequencies, dtype=np.int32)
    rows, sorted_frequencies = _sort_by_term(by_row, counted, np.frombuffer(spans, dtype=np.int32), offsets)
    return Postings(
        vocabulary=vocabulary,
        offsets=offsets,
        rows=rows,
        frequencies=sorted_frequencies,
        lengths=np.array(lengths, dtype=np.int32),
    )


@numba.njit(cache=True, nogil=True)
def _sort_by_term(
    terms: npt.NDArray[np.int32],
    frequencies: npt.NDArray[np.int32],
    spans: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return rows and frequencies by term from postings by row: a counting sort, so rows ascend."""
    rows = np.empty(len(terms), dtype=np.int32)
    ordered = np.empty(len(terms), dtype=np.int32)
    free = offsets[:-1].copy()
    source = 0
    for row in range(len(spans)):
        for _ in range(spans[row]):
            target = free[terms[source]]
            free[terms[source]] += 1
            rows[target] = row
            ordered[target] = frequencies[source]
            source += 1
    return rows, ordered


def _read_header(path: Path) -> int:
    try:
        header = json.loads(path.read_bytes())
        found = (header["format_version"], header["analyzer"])
        n_rows = int(header["n_rows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(path=str(path), expected="a postings header", found=str(error)) from error
    if found != (FORMAT_VERSION, ANALYZER):
        raise IntegrityError(path=str(path), expected=f"{FORMAT_VERSION} {ANALYZER}", found=str(found))
    return n_rows


def _map_array(path: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise IntegrityError(path=str(path), expected="a numpy array", found=str(error)) from error
    if not isinstance(values, np.ndarray) or values.dtype != dtype or values.ndim != 1:
        found = f"{getattr(values, 'dtype', type(values))} {getattr(values, 'shape', '')}"
        raise IntegrityError(path=str(path), expected=f"{dtype} [n]", found=found)
    return values.view(np.ndarray)


def _find_fault(postings: Postings, n_rows: int) -> str:
    """Return what is wrong with the arrays, or nothing."""
    if postings.n_rows != n_rows:
        return f"{postings.n_rows} lengths for {n_rows} rows"
    if len(postings.rows) != len(postings.frequencies):
        return "rows and frequencies of different number"
    if len(postings.offsets) != len(postings.vocabulary.offsets):
        return "another number of posting lists than of terms"
    for name, offsets, end in (
        ("posting", postings.offsets, len(postings.rows)),
        ("term", postings.vocabulary.offsets, len(postings.vocabulary.terms)),
    ):
        if not len(offsets) or offsets[0] != 0 or offsets[-1] != end or np.any(np.diff(offsets) < 0):
            return f"{name} offsets that do not ascend from 0 to {end}"
    if not _are_rows_sound(postings.offsets, postings.rows, postings.frequencies, n_rows):
        return "posting lists whose rows do not ascend within the segment"
    return ""


@numba.njit(cache=True, nogil=True)
def _are_rows_sound(
    offsets: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int32],
    frequencies: npt.NDArray[np.int32],
    n_rows: int,
) -> bool:
    for term in range(len(offsets) - 1):
        previous = -1
        for place in range(offsets[term], offsets[term + 1]):
            if rows[place] <= previous or rows[place] >= n_rows or frequencies[place] < 1:
                return False
            previous = rows[place]
    return True


@numba.njit(cache=True, nogil=True)
def _cut(rows: npt.NDArray[np.int32], starts: IntVector, ends: IntVector, n_prefix: int) -> None:
    """Bring each range's end down to its first row that is not below `n_prefix`."""
    for term in range(len(starts)):
        low, high = starts[term], ends[term]
        while low < high:
            middle = (low + high) >> 1
            if rows[middle] < n_prefix:
                low = middle + 1
            else:
                high = middle
        ends[term] = low
