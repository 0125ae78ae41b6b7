"""The sorted terms of an index, searched where they lie, so that opening reads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
        wanted = term.encode("utf-8", "surrogatepass")
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._read(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self._read(low) == wanted else None

    def _read(self, number: int) -> bytes:
        return self.terms[self.offsets[number] : self.offsets[number + 1]].tobytes()


def build_vocabulary(terms: Sequence[str]) -> tuple[Vocabulary, npt.NDArray[np.int64]]:
    """Return the vocabulary of distinct terms and int64 [n_terms]: which of `terms` stands at each place."""
    encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
    order = sorted(range(len(encoded)), key=encoded.__getitem__)
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(encoded[place]) for place in order], out=offsets[1:])
    joined = np.frombuffer(b"".join(encoded[place] for place in order), dtype=np.uint8)
    return Vocabulary(terms=joined, offsets=offsets), np.array(order, dtype=np.int64)
