"""How far the sources of a snapshot were read, such as path -> mark, so that a later run reads what changed.

Positions only save work. They say nothing the snapshot depends on, so they are no part of its
id: the same documents in files of another order or age give the same snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping

from eagleray.contracts.collections import Collection
from eagleray.digests import canonical_json, digest_json
from eagleray.errors import IntegrityError, ObjectNotFoundError
from indexes.runs.layout import POSITIONS, RUNS

Positions = dict[str, dict[str, str]]
"""Source name -> its position: part -> mark, such as the path of a file and what changes with its content."""


def read_positions(collection: Collection, snapshot: str | None) -> Positions:
    """Return the positions kept with a snapshot; none where there is no such record.

    Raises:
        IntegrityError: the record is damaged.
    """
    if snapshot is None:
        return {}
    path = _locate(collection.name, snapshot)
    try:
        body = json.loads(collection.store.read(path))
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


def write_positions(collection: Collection, snapshot: str, *, positions: Positions) -> None:
    """Keep positions with a snapshot."""
    body = {"positions": positions, "sha256": digest_json(positions)}
    collection.store.write(_locate(collection.name, snapshot), canonical_json(body))


def forget_parts(position: Mapping[str, str], parts: Container[str]) -> dict[str, str]:
    """Return a position from which these parts are read again."""
    return {part: "" if part in parts else mark for part, mark in position.items()}


def copy_positions(collection: Collection, snapshot: str, other: str) -> None:
    """Keep with another snapshot of the same documents what is kept with this one."""
    write_positions(collection, other, positions=read_positions(collection, snapshot))


def _locate(collection: str, snapshot: str) -> str:
    return f"{collection}/{RUNS}/{POSITIONS}/{snapshot}.json"
