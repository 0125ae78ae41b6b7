"""The run ledger: one small JSON object a finished shard, so that a relaunch does only the rest.

Where markers lie and how they are read is in `indexes.runs`. A stage's outcome is a frozen dataclass; a
marker holds its fields, without those that have their default, and the shard's key.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

from eagleray.digests import canonical_json, digest_json
from indexes.runs.layout import END, PLAN
from indexes.runs.markers import Marker, RunMarkers

O = TypeVar("O")  # noqa: E741 - an outcome
_adapters: dict[type[Any], TypeAdapter[Any]] = {}


class Ledger(RunMarkers):
    """Markers of one run, written and read by the process that runs it."""

    def record(self, stage: str, key: str, outcome: object) -> Marker:
        """Write the marker of a shard's outcome and return its content."""
        marker = {
            **_adapt(type(outcome)).dump_python(outcome, mode="json", exclude_defaults=True),
            "key": key,
        }
        self.store.write(self.locate(stage, key, "json"), _seal(marker))
        return marker

    def find_outcome(self, stage: str, key: str, kind: type[O]) -> O | None:
        """Return a shard's recorded outcome, or `None` where it is not finished.

        Raises:
            IntegrityError: the marker's bytes are not what was written.
        """
        marker = self.find(stage, key)
        return None if marker is None else _adapt(kind).validate_python(marker)

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


def _adapt(kind: type[O]) -> TypeAdapter[O]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def _seal(marker: dict[str, Any]) -> bytes:
    return canonical_json({"marker": marker, "sha256": digest_json(marker)})
