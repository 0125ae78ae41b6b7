"""Markers of a run, read back: one small JSON object a finished shard.

Layout: `<collection>/runs/<run_id>/plan.json`, `end.json` and `<stage>/<shard>.json`.
A marker is written after the outputs it names, so what it says is done is done.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.digests import digest_json
from eagleray.errors import IntegrityError, ObjectNotFoundError
from indexes.runs.layout import END, PLAN, locate_run

Marker = dict[str, Any]


class Stage(StrEnum):
    """The stages of runs that leave markers; each enricher has one of its own beside them."""

    STATE = "state"
    INGEST = "ingest"
    CHUNK = "chunk"
    ARRANGE = "arrange"
    RELABEL = "relabel"
    EMBED = "embed"
    TRAIN = "train"
    BUILD = "build"
    REWRITE = "rewrite"
    PATCH = "patch"
    ANSWER = "answer"


class RunMarkers:
    """Markers of one run, as they stand."""

    def __init__(self, collection: Collection, *, run_id: str) -> None:
        self.store = collection.store
        self.collection = collection
        self.run_id = run_id

    @property
    def folder(self) -> str:
        """Folder of the run in the store."""
        return locate_run(self.collection.name, self.run_id)

    def locate(self, stage: str, key: str, suffix: str) -> str:
        """Return the name of a file that a shard of a stage leaves in the run's folder."""
        return f"{self.folder}/{stage}/{digest_json(key)[:24]}.{suffix}"

    def find(self, stage: str, key: str) -> Marker | None:
        """Return a shard's marker, or `None` where it is not finished.

        Raises:
            IntegrityError: the marker's bytes are not what was written.
        """
        return self._read(self.locate(stage, key, "json"))

    def read_plan(self) -> Marker | None:
        """Return the run's plan, or `None` for a run that never began."""
        return self._read(f"{self.folder}/{PLAN}")

    def read_end(self) -> Marker | None:
        """Return how the run ended, or `None` where no end was noted."""
        return self._read(f"{self.folder}/{END}")

    def _read(self, path: str) -> Marker | None:
        try:
            data = self.store.read(path)
        except ObjectNotFoundError:
            return None
        try:
            body = json.loads(data)
            marker: Marker = body["marker"]
            found, expected = digest_json(marker), body["sha256"]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(path=path, expected="a run marker", found="other bytes") from error
        if found != expected:
            raise IntegrityError(path=path, expected=expected, found=found)
        return marker
