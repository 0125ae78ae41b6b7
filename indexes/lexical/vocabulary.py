"""The sorted terms of an index, searched where they lie, so that opening reads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Terms in the order of their UTF-8 bytes.

    Attributes:
        terms: uint8 [n_bytes], the terms one after the other.
        offsets: int64 [n_terms + 1]; term `t` is `terms[offsets[t]:offsets[t + 1]]`.
    """

    terms: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.offsets) - 1

    def find(self, term: str) -> int | None:
        """Return the term's number, or `None` where no row holds it."""
        wanted = np.frombuffer(term.encode("utf-8", "surrogatepass"), dtype=np.uint8)
        number = int(_find(self.terms, self.offsets, wanted))
        return None if number < 0 else number

    def find_beginning(self, beginning: str) -> tuple[int, int]:
        """Return the numbers, from first to one past the last, of the terms that begin so."""
        wanted = np.frombuffer(beginning.encode("utf-8", "surrogatepass"), dtype=np.uint8)
        first, last = _find_beginning(self.terms, self.offsets, wanted)
        return int(first), int(last)


def build_vocabulary(terms: Sequence[str]) -> tuple[Vocabulary, npt.NDArray[np.int64]]:
    """Return the vocabulary of distinct terms and int64 [n_terms]: which of `terms` stands at each place."""
    encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
    order = sorted(range(len(encoded)), key=encoded.__getitem__)
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(encoded[place]) for place in order], out=offsets[1:])
    joined = np.frombuffer(b"".join(encoded[place] for place in order), dtype=np.uint8)
    return Vocabulary(terms=joined, offsets=offsets), np.array(order, dtype=np.int64)


@numba.njit(cache=True, nogil=True)
def _find_beginning(
    terms: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], wanted: npt.NDArray[np.uint8]
) -> tuple[int, int]:
    """Return the first term not before the wanted bytes, and the first after it that begins otherwise."""
    low, high = 0, len(offsets) - 1
    while low < high:
        middle = (low + high) >> 1
        if _compare(terms, offsets[middle], offsets[middle + 1], wanted) < 0:
            low = middle + 1
        else:
            high = middle
    first, high = low, len(offsets) - 1
    while low < high:
        middle = (low + high) >> 1
        end = min(offsets[middle + 1], offsets[middle] + len(wanted))
        if _compare(terms, offsets[middle], end, wanted) <= 0:
            low = middle + 1
        else:
            high = middle
    return first, low


@numba.njit(cache=True, nogil=True)
def _find(terms: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], wanted: npt.NDArray[np.uint8]) -> int:
    """Return the number of a term, or -1."""
    low, high = 0, len(offsets) - 1
    while low < high:
        middle = (low + high) >> 1
        if _compare(terms, offsets[middle], offsets[middle + 1], wanted) < 0:
            low = middle + 1
        else:
            high = middle
    is_there = low < len(offsets) - 1 and _compare(terms, offsets[low], offsets[low + 1], wanted) == 0
    return low if is_there else -1


@numba.njit(cache=True, nogil=True)
def _compare(terms: npt.NDArray[np.uint8], start: int, end: int, wanted: npt.NDArray[np.uint8]) -> int:
    """Return -1, 0 or 1: how the bytes of a term stand to the wanted ones."""
    n = min(end - start, len(wanted))
    for place in range(n):
        if terms[start + place] != wanted[place]:
            return -1 if terms[start + place] < wanted[place] else 1
    left = end - start - len(wanted)
    return 0 if left == 0 else -1 if left < 0 else 1
