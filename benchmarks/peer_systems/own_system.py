"""This project: inverted lists, masks and plans as a searcher uses them, in one thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.peer_systems.contracts import Below, Columns
from eagleray.contracts.hits import PlanKind
from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from indexes.dense.codebooks import train_codebook
from indexes.dense.devices import make_matcher
from indexes.dense.flat import FlatIndex
from indexes.dense.ivf import open_ivf
from indexes.dense.kmeans import Training, pass_over
from indexes.dense.queries import DenseQuery
from indexes.planning.efforts import learn_efforts
from indexes.planning.plans import plan_search
from indexes.selections import Selection, select_all, select_mask

_BLOCK = 16_384


class OwnSystem:
    """One segment of `ivf_pq`; the setting is the recall that efforts are learnt for.

    Efforts are learnt from probes that are never asked. The mask of a filter is made once and kept,
    as a searcher keeps it; the peers may keep theirs.
    """

    name = "eagleray"
    settings: tuple[Any, ...] = (0.95, 0.99)

    def __init__(self, probes: FloatMatrix) -> None:
        """Take the probes: float32 [n, dim]."""
        self._probes = probes

    def build(self, vectors: FloatMatrix, columns: Columns, folder: Path) -> None:
        """Train, assign, encode, write, open and learn, in one thread."""
        rng = np.random.default_rng(1)
        n_lists = 2 ** round(0.5 * np.log2(len(vectors)))
        sample = vectors[np.sort(rng.permutation(len(vectors))[: n_lists * 128])]
        blocks = [sample[start : start + _BLOCK] for start in range(0, len(sample), _BLOCK)]
        matcher = make_matcher()
        run = pass_over(blocks, matcher=matcher)
        training = Training(n_lists=n_lists, balance=0.5)
        with threadpool_limits(1):
            codebook = train_codebook(
                blocks, run, kind=IndexKind.IVF_PQ, training=training, probes=self._probes
            )
            match = codebook.assign(vectors, matcher=matcher)
            (folder / "dense.faiss").write_bytes(codebook.encode(vectors, match.labels))
        np.save(folder / "vectors.npy", vectors)
        mapped = np.load(folder / "vectors.npy", mmap_mode="r").view(np.ndarray)
        ids = np.arange(len(vectors), dtype=np.int64)
        self._index = open_ivf(folder / "dense.faiss", codebook=codebook, vectors=mapped, ids=ids)
        self._flat = FlatIndex(mapped, ids)
        self._columns, self._n_rows = columns, len(vectors)
        self._learnt = {
            target: learn_efforts(self._index, mapped, ids, self._probes, target=target)
            for target in self.settings
        }
        self._masks: dict[Below | None, Selection] = {None: select_all(len(vectors))}

    def choose(self, setting: Any) -> None:
        """Take the efforts learnt for this recall."""
        self._efforts = self._learnt[setting]

    def search(self, query: npt.NDArray[np.float32], k: int, below: Below | None) -> list[int]:
        """Plan and search."""
        selection = self._masks.get(below)
        if selection is None:
            selection = self._masks[below] = self._mask(below)
        plan = plan_search(selection, k=k, index=self._index, efforts=self._efforts)
        index = self._index if plan.kind is PlanKind.APPROXIMATE else self._flat
        asked = DenseQuery(query, dim=len(query))
        rows: list[int] = index.search(asked, k=k, selection=selection, effort=plan.effort).rows.tolist()
        return rows

    def supports_filters(self) -> bool:
        """Yes."""
        return True

    def _mask(self, below: Below | None) -> Selection:
        if below is None:
            return select_all(self._n_rows)
        return select_mask(self._columns[below.column] < below.value)
