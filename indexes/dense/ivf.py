"""An inverted-list index: codes find candidates, the stored vectors decide.

Lists ascend by row, and rows by time, so what was known at T is a prefix of every list.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from indexes.dense.codebooks import Codebook
from indexes.dense.codes import open_lists, read_labels
from indexes.dense.comparing import freeze
from indexes.dense.contracts import Effort
from indexes.dense.flat import rescore
from indexes.dense.neighbours import IntVector, Neighbours
from indexes.dense.queries import DenseQuery
from indexes.dense.vectors import FloatVector
from indexes.selections import Selection, check_selection

_THIN: Final = 0.25
"""Share of the rows; above it nearly every list holds a selected row, unless they are all alike."""


class IvfIndex:
    """Candidates out of the nearest lists, compared once more with the stored vectors."""

    def __init__(self, index: Any, *, codebook: Codebook, vectors: FloatMatrix, ids: IntVector) -> None:
        """Take an index that `open_ivf` opened, and the rows it was built from.

        Args:
            index: FAISS's.
            codebook: the one its codes were made with.
            vectors: float32 [n_rows, dim], C-contiguous, unit L2 norm, memory-mapped or not.
            ids: int64 [n_rows], chunk_ids, by which ties are broken.
        """
        self.codebook = codebook
        self._index, self._vectors, self._ids = index, freeze(vectors), freeze(ids)
        self._labels = read_labels(index, n_rows=len(vectors))
        self._parameters: tuple[Selection | None, int, tuple[Any, Any]] = (None, 0, (None, None))
        self._counted: tuple[Selection | None, npt.NDArray[np.bool_]] = (None, np.empty(0, np.bool_))

    @property
    def kind(self) -> IndexKind:
        """What its codes are."""
        return self.codebook.kind

    @property
    def n_rows(self) -> int:
        """Rows of the segment."""
        return len(self._vectors)

    @property
    def n_lists(self) -> int:
        """Inverted lists."""
        return self.codebook.n_lists

    def search(self, query: DenseQuery, *, k: int, selection: Selection, effort: Effort) -> Neighbours:
        """Return the best rows of the selection among the candidates; see `DenseIndex`."""
        check_selection(selection, n_rows=self.n_rows)
        rows = self.find_candidates(query, selection=selection, effort=effort)
        return rescore(self._vectors, self._ids, rows, query=query, k=k)

    def find_candidates(self, query: DenseQuery, *, selection: Selection, effort: Effort) -> IntVector:
        """Return the selected rows of the nearest lists whose codes look best: int64 [<= n_candidates]."""
        if not selection.n_selected:
            return np.empty(0, dtype=np.int64)
        n_candidates = max(1, min(effort.n_candidates, selection.n_selected))
        numbers, similarities = self._rank_lists(query, selection, n=effort.n_probes)
        found = np.empty(n_candidates, dtype=np.int64)
        scores = np.empty(n_candidates, dtype=np.float32)
        self._index.search_preassigned_c(
            1,
            faiss.swig_ptr(query.vector),
            n_candidates,
            faiss.swig_ptr(numbers),
            faiss.swig_ptr(similarities),
            faiss.swig_ptr(scores),
            faiss.swig_ptr(found),
            False,
            self._find_parameters(selection, len(numbers)),
        )
        return found if found[-1] >= 0 else found[found >= 0]

    def count_lists(self, selection: Selection) -> int:
        """Return how many lists a search with this selection chooses from."""
        return int(self._mark_lists(selection).sum()) if _is_thin(selection) else self.n_lists

    def place_rows(self, query: DenseQuery, selection: Selection, rows: IntVector) -> npt.NDArray[np.float64]:
        """Return after which share of the lists to choose from each row is found: float64 [len(rows)]."""
        numbers, _ = self._rank_lists(query, selection, n=self.n_lists)
        places = np.zeros(self.n_lists)
        places[numbers] = np.arange(1, len(numbers) + 1) / len(numbers)
        placed: npt.NDArray[np.float64] = places[self._labels[rows]]
        return placed

    def _rank_lists(
        self, query: DenseQuery, selection: Selection, *, n: int
    ) -> tuple[IntVector, FloatVector]:
        """Return the `n` nearest lists to choose from, at least one, best first, and their similarities."""
        similarities = query.compare_lists(self.codebook.centroids)
        numbers = np.flatnonzero(self._mark_lists(selection)) if _is_thin(selection) else None
        if numbers is not None:
            similarities = similarities[numbers]
        n = max(1, min(n, len(similarities)))
        apart = -similarities
        nearest = np.argpartition(apart, n - 1)[:n] if n < len(apart) else np.arange(n)
        nearest = nearest[np.argsort(apart[nearest], kind="stable")]
        return nearest if numbers is None else numbers[nearest], similarities[nearest]

    def _mark_lists(self, selection: Selection) -> npt.NDArray[np.bool_]:
        """Return whether each list holds a selected row; kept for the next query with this selection."""
        known, held = self._counted
        if known is not selection:
            held = np.zeros(self.n_lists, dtype=np.bool_)
            for rows in selection.iterate_rows(1 << 16):
                held[self._labels[rows]] = True
            self._counted = (selection, held)
        return held

    def _find_parameters(self, selection: Selection, n_probes: int) -> Any:
        """Return FAISS's parameters of a search; those made last are kept, for queries that share them."""
        known, known_probes, made = self._parameters
        if known is not selection or known_probes != n_probes:
            made = _make_parameters(self.kind, selection, n_probes)
            self._parameters = (selection, n_probes, made)
        return made[0]


def open_ivf(path: Path, *, codebook: Codebook, vectors: FloatMatrix, ids: IntVector) -> IvfIndex:
    """Open an index file.

    Raises:
        IntegrityError: the file holds no index of these rows made with this codebook.
    """
    index = open_lists(path, codebook.lists, n_rows=len(vectors))
    return IvfIndex(index, codebook=codebook, vectors=vectors, ids=ids)


def _is_thin(selection: Selection) -> bool:
    """Return whether so few rows are selected that it pays to find out which lists hold any."""
    return selection.bits is not None and selection.n_selected < _THIN * selection.n_rows


def _make_parameters(kind: IndexKind, selection: Selection, n_probes: int) -> tuple[Any, Any]:
    """Return FAISS's parameters, and the selector that must live as long as they do."""
    make: Any = faiss.SearchParametersIVF
    if kind in (IndexKind.IVF_RABITQ1, IndexKind.IVF_RABITQ4):
        make = faiss.IVFRaBitQSearchParameters
    selector = _make_selector(selection)
    made = make(nprobe=n_probes) if selector is None else make(nprobe=n_probes, sel=selector)
    return made, selector


def _make_selector(selection: Selection) -> Any:
    if selection.bits is not None:
        return faiss.IDSelectorBitmap(selection.n_rows, faiss.swig_ptr(selection.bits))
    if selection.n_prefix < selection.n_rows:
        return faiss.IDSelectorRange(0, selection.n_prefix, True)
    return None
