"""Compact: small segments of a zone in, one published segment out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eagleray.contracts.ports import Store
from indexes.segments.codebooks import load_codebook
from indexes.segments.compacting import compact_segments


class CompactTask:
    """Joins segments; doing it again gives the same segment."""

    def __init__(self, store: Store, collection: str, *, device: str, cache: Path) -> None:
        self._store, self._collection, self._device, self._cache = store, collection, device, cache

    def __call__(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Join the segments `payload["digests"]`, with lists where `payload["codebook"]` names a codebook."""
        name = payload["codebook"]
        digest = compact_segments(
            self._store,
            self._collection,
            payload["digests"],
            codebook=load_codebook(self._store, self._collection, name) if name else None,
            device=self._device,
            cache=self._cache,
        )
        return {"key": payload["key"], "segment": digest}
