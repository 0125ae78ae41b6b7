"""What every dense index can do; `tests/contract/dense` holds each kind to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from eagleray.contracts.indexes import IndexKind
from indexes.dense.neighbours import Neighbours
from indexes.dense.queries import DenseQuery
from indexes.selections import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard an approximate search tries.

    Attributes:
        n_probes: inverted lists that are scanned, the nearest first.
        n_candidates: rows whose codes look best, which are compared with the query again.
    """

    n_probes: int
    n_candidates: int

    def double(self) -> Effort:
        """Return an effort twice as great."""
        return Effort(n_probes=2 * self.n_probes, n_candidates=2 * self.n_candidates)


class DenseIndex(Protocol):
    """Finds the rows of one segment that are most similar to a query.

    Whatever the kind: only selected rows come back; their similarities are those of the stored
    vectors, to the bit; ties go to the lower chunk_id; and an effort that scans every list and
    compares every selected row finds the true neighbours.
    """

    @property
    def kind(self) -> IndexKind:
        """What it is."""
        ...

    @property
    def n_rows(self) -> int:
        """Rows of the segment."""
        ...

    def search(self, query: DenseQuery, *, k: int, selection: Selection, effort: Effort) -> Neighbours:
        """Return at most `k` rows of the selection, best first.

        Fewer come back only where the scanned lists hold fewer.

        Args:
            query: the query, checked.
            k: rows wanted, at least 1.
            selection: rows that may come back.
            effort: of an approximate search.

        Raises:
            QueryError: `k` is below 1, or the selection is that of another segment.
        """
        ...
