"""Gate checks that need no search: counts, ids and validity intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from eagleray.contracts.documents import AttributeType
from indexes.evaluation.reports import GateCheck
from indexes.segments.attributes import merge_attribute_types
from indexes.segments.view import SegmentView
from indexes.snapshots.opened import OpenSnapshot


def check_counts(snapshot: OpenSnapshot, patches: Sequence[pa.Table]) -> GateCheck:
    """Compare the manifest's counts and types with the segments, and look for ids held twice.

    Args:
        snapshot: the opened snapshot.
        patches: its patches' tables; each row must name a row of the snapshot.
    """
    manifest, segments = snapshot.manifest, snapshot.segments
    ids = _concatenate([segment.chunk_ids for segment in segments])
    patched = _concatenate([patch["chunk_id"].to_numpy() for patch in patches])
    attributes: dict[str, AttributeType] = {}
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
    documents = _concatenate([segment.documents for segment in segments])
    known_from = _concatenate([segment.known_from for segment in segments])
    known_to = _concatenate([segment.known_to for segment in segments])
    versions = _number_versions(segments)
    n_empty = int(np.count_nonzero(known_from >= known_to))
    spans = np.unique(np.stack([documents, known_from, known_to, versions], axis=1), axis=0)
    is_next = spans[1:, 0] == spans[:-1, 0]
    n_overlapping = int(np.count_nonzero(is_next & (spans[:-1, 2] > spans[1:, 1])))
    faults = []
    if n_empty:
        faults.append(f"{n_empty} rows are never visible: known_from >= known_to")
    if n_overlapping:
        faults.append(f"{n_overlapping} versions are visible while another version of their document is")
    figures: dict[str, int | float] = {"n_versions": len(spans), "n_overlapping": n_overlapping}
    detail = "; ".join(faults) or f"{len(spans)} versions, none visible beside another of its document"
    return GateCheck(name="intervals", passed=not faults, detail=detail, figures=figures)


def _concatenate(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _number_versions(segments: Sequence[SegmentView]) -> np.ndarray:
    """Return int64 [n_rows]: equal for equal version names."""
    names = pa.chunked_array([chunk for segment in segments for chunk in segment.rows["version"].chunks])
    coded = names.combine_chunks().dictionary_encode()
    return np.asarray(coded.indices, dtype=np.int64)
