"""Gate checks that need no search: counts, ids and validity intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eagleray.contracts.documents import AttributeTypes
from indexes.evaluation.reports import GateCheck
from indexes.segments.attributes import merge_attribute_types
from indexes.segments.naming import number_names
from indexes.segments.view import SegmentView
from indexes.snapshots.opened import OpenSnapshot

MAX_ROWS: Final = 1_000_000
"""Rows whose intervals are compared at once."""


def check_counts(snapshot: OpenSnapshot, patches: Sequence[pa.Table]) -> GateCheck:
    """Compare the manifest's counts and types with the segments, and look for ids held twice.

    Args:
        snapshot: the opened snapshot.
        patches: its patches' tables; each row must name a row of the snapshot.
    """
    manifest, segments = snapshot.manifest, snapshot.segments
    ids = _concatenate([segment.chunk_ids for segment in segments])
    patched = _concatenate([patch["chunk_id"].to_numpy() for patch in patches])
    attributes: AttributeTypes = {}
    for segment in segments:
        attributes = merge_attribute_types(attributes, segment.attributes)
    figures: dict[str, int | float] = {
        "n_rows": snapshot.n_rows,
        "n_documents": snapshot.n_documents,
        "n_repeated_ids": len(ids) - len(np.unique(ids)),
        "n_unknown_patched": int(np.count_nonzero(~np.isin(patched, ids))),
    }
    faults = []
    for name, expected in (("n_rows", manifest.n_rows), ("n_documents", manifest.n_documents)):
        if figures[name] != expected:
            faults.append(f"{name} is {figures[name]}, the manifest says {expected}")
    if figures["n_repeated_ids"]:
        faults.append(f"{figures['n_repeated_ids']} rows repeat the chunk_id of another row")
    if figures["n_unknown_patched"]:
        faults.append(f"{figures['n_unknown_patched']} patched rows are in no segment")
    if attributes != dict(sorted(manifest.attributes.items())):
        faults.append("attribute types differ from those of the segments")
    detail = "; ".join(faults) or f"{snapshot.n_rows} rows, {snapshot.n_documents} open documents"
    return GateCheck(name="counts", passed=not faults, detail=detail, figures=figures)


def check_intervals(segments: Sequence[SegmentView]) -> GateCheck:
    """Check that at any T at most one version of a document is visible."""
    n_empty = sum(int(np.count_nonzero(segment.known_from >= segment.known_to)) for segment in segments)
    n_parts = -(-sum(segment.n_rows for segment in segments) // MAX_ROWS)
    n_versions = n_overlapping = 0
    for part in range(n_parts):
        spans = _list_spans(segments, part, n_parts)
        is_next = spans[1:, 0] == spans[:-1, 0]
        n_overlapping += int(np.count_nonzero(is_next & (spans[:-1, 2] > spans[1:, 1])))
        n_versions += len(spans)
    faults = []
    if n_empty:
        faults.append(f"{n_empty} rows are never visible: known_from >= known_to")
    if n_overlapping:
        faults.append(f"{n_overlapping} versions are visible while another version of their document is")
    figures: dict[str, int | float] = {"n_versions": n_versions, "n_overlapping": n_overlapping}
    detail = "; ".join(faults) or f"{n_versions} versions, none visible beside another of its document"
    return GateCheck(name="intervals", passed=not faults, detail=detail, figures=figures)


def _concatenate(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _list_spans(segments: Sequence[SegmentView], part: int, n_parts: int) -> npt.NDArray[np.int64]:
    """Return int64 [n, 4], sorted and distinct: document, known_from, known_to, version.

    Args:
        segments: opened segments.
        part: number of the part of all documents that is wanted; they are spread over `n_parts`.
        n_parts: at least 1.
    """
    found = [np.empty((0, 4), dtype=np.int64)]
    for segment in segments:
        mine = np.flatnonzero(segment.documents % n_parts == part)
        versions = number_names(segment.rows["version"].take(mine))
        columns = (segment.documents[mine], segment.known_from[mine], segment.known_to[mine], versions)
        found.append(np.unique(np.stack(columns, axis=1), axis=0))
    return np.unique(np.concatenate(found), axis=0)
