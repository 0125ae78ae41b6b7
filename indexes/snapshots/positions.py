"""Which files a snapshot was built from: path -> mark, so that a later run reads what changed.

Positions only save work. They say nothing the snapshot depends on, so they are no part of its
id: the same documents in files of another order or age give the same snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from eagleray.contracts.ports import Store
from eagleray.digests import canonical_json, digest_json
from eagleray.errors import IntegrityError, ObjectNotFoundError

Positions = dict[str, dict[str, str]]
"""Source name -> path -> mark (`ray_jobs.plans.runs.mark_file`)."""


def read_positions(store: Store, collection: str, snapshot: str | None) -> Positions:
    """Return the positions kept with a snapshot; none where there is no such record.

    Raises:
        IntegrityError: the record is damaged.
    """
    if snapshot is None:
        return {}
    path = _locate(collection, snapshot)
    try:
        body = json.loads(store.read(path))
        positions: Positions = body["positions"]
        found = digest_json(positions)
        expected = body["sha256"]
    except ObjectNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(path=path, expected="positions", found="other bytes") from error
    if found != expected:
        raise IntegrityError(path=path, expected=expected, found=found)
    return positions


def write_positions(
    store: Store,
    collection: str,
    snapshot: str,
    *,
    before: Positions,
    read: tuple[str, Mapping[str, str]],
) -> None:
    """Keep with a snapshot what its parent knew, and the marks of the files of the source read now."""
    source, marks = read
    positions = {**before, source: dict(marks)}
    body = {"positions": positions, "sha256": digest_json(positions)}
    store.write(_locate(collection, snapshot), canonical_json(body))


def copy_positions(store: Store, collection: str, snapshot: str, other: str) -> None:
    """Keep with another snapshot of the same documents what is kept with this one."""
    positions = read_positions(store, collection, snapshot)
    body = {"positions": positions, "sha256": digest_json(positions)}
    store.write(_locate(collection, other), canonical_json(body))


def _locate(collection: str, snapshot: str) -> str:
    return f"{collection}/runs/positions/{snapshot}.json"
