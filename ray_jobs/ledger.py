"""The run ledger: one small JSON object a finished shard, so that a relaunch does only the rest.

Layout: `<collection>/runs/<run_id>/plan.json` and `<collection>/runs/<run_id>/<stage>/<shard>.json`.
A marker is written after the outputs it names, so what it says is done is done.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from eagleray.contracts.ports import Store
from eagleray.digests import canonical_json, digest_json
from eagleray.errors import IntegrityError, ObjectNotFoundError


class Stage(StrEnum):
    """The steps of a run that leave markers."""

    STATE = "state"
    INGEST = "ingest"
    ARRANGE = "arrange"
    EMBED = "embed"
    TRAIN = "train"
    BUILD = "build"
    PATCH = "patch"
    ANSWER = "answer"


class Ledger:
    """Markers of one run."""

    def __init__(self, store: Store, *, collection: str, run_id: str) -> None:
        self.store = store
        self.collection = collection
        self.run_id = run_id

    @property
    def folder(self) -> str:
        """Folder of the run in the store."""
        return f"{self.collection}/runs/{self.run_id}"

    def locate(self, stage: Stage, key: str, suffix: str) -> str:
        """Return the name of a file that a shard of a stage leaves in the run's folder."""
        return f"{self.folder}/{stage}/{digest_json(key)[:24]}.{suffix}"

    def record(self, stage: Stage, key: str, outcome: dict[str, Any]) -> dict[str, Any]:
        """Write a shard's marker and return its content, as any reader will see it."""
        marker = {**outcome, "key": key}
        body = {"marker": marker, "sha256": digest_json(marker)}
        self.store.write(self.locate(stage, key, "json"), canonical_json(body))
        return marker

    def find(self, stage: Stage, key: str) -> dict[str, Any] | None:
        """Return a shard's marker, or `None` where it is not finished.

        Raises:
            IntegrityError: the marker's bytes are not what was written.
        """
        return self._read(self.locate(stage, key, "json"))

    def begin(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Write the run's plan unless it has one; return the plan that stands."""
        path = f"{self.folder}/plan.json"
        self.store.create(path, canonical_json({"marker": plan, "sha256": digest_json(plan)}))
        standing = self._read(path)
        return plan if standing is None else standing

    def read_plan(self) -> dict[str, Any] | None:
        """Return the run's plan, or `None` for a run that never began."""
        return self._read(f"{self.folder}/plan.json")

    def _read(self, path: str) -> dict[str, Any] | None:
        try:
            data = self.store.read(path)
        except ObjectNotFoundError:
            return None
        try:
            body = json.loads(data)
            marker: dict[str, Any] = body["marker"]
            found, expected = digest_json(marker), body["sha256"]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(path=path, expected="a run marker", found="other bytes") from error
        if found != expected:
            raise IntegrityError(path=path, expected=expected, found=found)
        return marker

    def clear(self) -> None:
        """Forget what an earlier try of the run finished."""
        for item in list(self.store.list(self.folder)):
            self.store.delete(item.path)
