"""How far the sources of a snapshot were read, such as path -> mark, so that a later run reads what changed.

Positions only save work. They say nothing the snapshot depends on, so they are no part of its
id: the same documents in files of another order or age give the same snapshot. Beside them stands by which
mapping each source was last read, so that a run with another one is told from a source that changed.
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


Mappings = dict[str, str]
"""Source name -> digest of what made documents of its records when it was last read."""


def read_positions(collection: Collection, snapshot: str | None) -> Positions:
    """Return the positions kept with a snapshot; none where there is no such record.

    Raises:
        IntegrityError: the record is damaged.
    """
    return _read(collection, snapshot)[0]


def read_mappings(collection: Collection, snapshot: str | None) -> Mappings:
    """Return the mappings kept with a snapshot; none where there is no such record, or an old one.

    Raises:
        IntegrityError: the record is damaged.
    """
    return _read(collection, snapshot)[1]


def write_positions(
    collection: Collection, snapshot: str, *, positions: Positions, mappings: Mappings | None = None
) -> None:
    """Keep positions, and the mappings that sources were read by, with a snapshot."""
    body: dict[str, object] = {"positions": positions}
    if mappings:
        body["mappings"] = mappings
    body["sha256"] = _seal(positions, mappings or {})
    collection.store.write(_locate(collection.name, snapshot), canonical_json(body))


def forget_parts(position: Mapping[str, str], parts: Container[str]) -> dict[str, str]:
    """Return a position from which these parts are read again."""
    return {part: "" if part in parts else mark for part, mark in position.items()}


def copy_positions(collection: Collection, snapshot: str, other: str) -> None:
    """Keep with another snapshot of the same documents what is kept with this one."""
    positions, mappings = _read(collection, snapshot)
    write_positions(collection, other, positions=positions, mappings=mappings)


def _read(collection: Collection, snapshot: str | None) -> tuple[Positions, Mappings]:
    if snapshot is None:
        return {}, {}
    path = _locate(collection.name, snapshot)
    try:
        body = json.loads(collection.store.read(path))
        positions: Positions = body["positions"]
        mappings: Mappings = body.get("mappings", {})
        found, expected = _seal(positions, mappings), body["sha256"]
    except ObjectNotFoundError:
        return {}, {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(path=path, expected="positions", found="other bytes") from error
    if found != expected:
        raise IntegrityError(path=path, expected=expected, found=found)
    return positions, mappings


def _seal(positions: Positions, mappings: Mappings) -> str:
    return digest_json([positions, mappings]) if mappings else digest_json(positions)


def _locate(collection: str, snapshot: str) -> str:
    return f"{collection}/{RUNS}/{POSITIONS}/{snapshot}.json"
