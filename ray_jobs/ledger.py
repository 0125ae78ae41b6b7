"""The run ledger: one small JSON object a finished shard, so that a relaunch does only the rest.

Where markers lie and how they are read is in `indexes.runs`.
"""

from __future__ import annotations

from typing import Any

from eagleray.digests import canonical_json, digest_json
from indexes.runs.layout import END, PLAN
from indexes.runs.markers import RunMarkers, Stage


class Ledger(RunMarkers):
    """Markers of one run, for whoever carries it out."""

    def record(self, stage: Stage, key: str, outcome: dict[str, Any]) -> dict[str, Any]:
        """Write a shard's marker and return its content, as any reader will see it."""
        marker = {**outcome, "key": key}
        self.store.write(self.locate(stage, key, "json"), _seal(marker))
        return marker

    def begin(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Write the run's plan unless it has one; return the plan that stands. The run has no end again."""
        self.store.create(f"{self.folder}/{PLAN}", _seal(plan))
        self.store.delete(f"{self.folder}/{END}")
        standing = self.read_plan()
        return plan if standing is None else standing

    def end(self, *, error: str, now: int) -> None:
        """Note that the run has ended.

        Args:
            error: type of the error that ended it, or empty.
            now: microseconds.
        """
        self.store.write(f"{self.folder}/{END}", _seal({"error": error, "ended_at": now}))

    def clear(self) -> None:
        """Forget what an earlier try of the run finished."""
        for item in list(self.store.list(self.folder)):
            self.store.delete(item.path)


def _seal(marker: dict[str, Any]) -> bytes:
    return canonical_json({"marker": marker, "sha256": digest_json(marker)})
