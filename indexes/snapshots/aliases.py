"""Aliases: names that point to snapshots, each a log of numbered moves.

A move is the object `aliases/<name>/<sequence>.json`, created only where there is none, so of two
publishers exactly one gets the number (docs/decisions/0001). The highest number is current, and
the log is the history that `rollback` goes back along.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import AliasEntry
from eagleray.errors import ConflictError, InputError, IntegrityError, NotPublishedError
from eagleray.logs import get_logger
from indexes.snapshots.layout import ALIASES, name_alias_entry, name_snapshot
from indexes.snapshots.manifests import decode_alias_entry, encode_alias_entry

ROLLBACK: Final = "rollback"
"""First word of the reason of every move back."""

ENTRY_FILE: Final = re.compile(r"[0-9]{12}\.json")
"""Name of a move within its alias's folder."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LOOKS_LIKE_ID: Final = re.compile(r"[0-9a-f]{8,}")

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMove:
    """A move somebody wants.

    Attributes:
        expected: snapshot the alias must point to now; `None` where it must not exist yet.
        snapshot: where it shall point.
        reason: `publish` or `rollback`, with the run or request that does it.
        now: microseconds.
    """

    expected: str | None
    snapshot: str
    reason: str
    now: int


def move_alias(collection: Collection, name: str, *, move: AliasMove) -> AliasEntry:
    """Point the alias elsewhere if it still points where the caller believes, and log that it moved.

    Returns:
        The entry that is current from here on.

    Raises:
        InputError: `name` is no alias name.
        NotPublishedError: the collection has no such snapshot.
        ConflictError: the alias points elsewhere, or somebody else moved it at this moment.
        IntegrityError: the log is damaged.
    """
    check_alias_name(name)
    if not collection.store.exists(f"{collection.name}/{name_snapshot(move.snapshot)}"):
        detail = f"collection {collection.name} has no such snapshot, so alias {name!r} cannot point to it"
        raise NotPublishedError(name=move.snapshot, detail=detail)
    current = read_alias(collection, name)
    held = current.snapshot if current else None
    if held != move.expected:
        raise ConflictError(alias=name, expected=move.expected, found=held)
    entry = AliasEntry(
        sequence=current.sequence + 1 if current else 1,
        snapshot=move.snapshot,
        previous=held,
        moved_at=move.now,
        reason=move.reason,
    )
    below = name_alias_entry(name, entry.sequence)
    data = encode_alias_entry(entry, writer=uuid.uuid4().hex, name=below)
    path = f"{collection.name}/{below}"
    # A service may make the object and lose the answer; the retry is then refused by our own bytes.
    if not collection.store.create(path, data) and collection.store.read(path) != data:
        winner = read_alias(collection, name)
        raise ConflictError(alias=name, expected=move.expected, found=winner.snapshot if winner else None)
    _log.info(
        "alias_moved",
        collection=collection.name,
        alias=name,
        snapshot=entry.snapshot,
        previous=entry.previous,
        sequence=entry.sequence,
        reason=entry.reason,
    )
    return entry


def read_alias(collection: Collection, name: str) -> AliasEntry | None:
    """Return the alias's current entry, or `None` where it never moved.

    Raises:
        IntegrityError: the newest entry is damaged.
    """
    sequences = _list_sequences(collection, name)
    return _read_entry(collection, name, sequences[-1]) if sequences else None


def alias_history(collection: Collection, name: str) -> tuple[AliasEntry, ...]:
    """Return every move of the alias, first to last.

    Raises:
        IntegrityError: an entry is damaged or missing, or does not follow on the one before.
    """
    sequences = _list_sequences(collection, name)
    entries = tuple(_read_entry(collection, name, sequence) for sequence in sequences)
    previous: AliasEntry | None = None
    for place, entry in enumerate(entries, start=1):
        path = f"{collection.name}/{name_alias_entry(name, place)}"
        if entry.sequence != place:
            raise IntegrityError(path=path, expected=f"move {place}", found=f"move {entry.sequence}")
        before = previous.snapshot if previous else None
        if entry.previous != before:
            raise IntegrityError(path=path, expected=f"a move away from {before}", found=str(entry.previous))
        previous = entry
    return entries


def list_moves(collection: Collection, name: str, *, after: int, until: int) -> list[AliasEntry]:
    """Return the alias's moves with numbers above `after`, up to `until`, first to last.

    Raises:
        IntegrityError: an entry is damaged.
    """
    return [_read_entry(collection, name, sequence) for sequence in range(after + 1, until + 1)]


def list_aliases(collection: Collection) -> tuple[str, ...]:
    """Return the names of the collection's aliases, sorted."""
    folder = f"{collection.name}/{ALIASES}/"
    names = (item.path.removeprefix(folder).split("/") for item in collection.store.list(folder.rstrip("/")))
    return tuple(sorted({parts[0] for parts in names if len(parts) > 1}))


def rollback(
    collection: Collection, name: str, *, run: str, now: int, expected: str | None = None
) -> AliasEntry:
    """Point the alias back to the snapshot that was published before the current one.

    Rolling back twice goes back twice: moves back are undone publications, not new ones.

    Args:
        collection: where it lies.
        name: the alias.
        run: who rolls back, for the history.
        now: microseconds.
        expected: snapshot the alias must point to now; `None` goes back from wherever it points.

    Raises:
        NotPublishedError: there is nothing to go back to.
        ConflictError: the alias points elsewhere, or somebody else moved it at this moment.
    """
    standing = find_standing(alias_history(collection, name))
    if expected is not None and standing[-1:] != [expected]:
        raise ConflictError(alias=name, expected=expected, found=standing[-1] if standing else None)
    if len(standing) < 2:
        detail = f"alias of collection {collection.name} has no earlier snapshot to go back to"
        raise NotPublishedError(name=name, detail=detail)
    move = AliasMove(
        expected=standing[-1], snapshot=standing[-2], reason=f"{ROLLBACK} {run}".strip(), now=now
    )
    return move_alias(collection, name, move=move)


def find_standing(history: Sequence[AliasEntry]) -> list[str]:
    """Return the publications that were not rolled back, oldest first; the last is current."""
    return follow_moves((), history)


def follow_moves(standing: Sequence[str], moves: Sequence[AliasEntry]) -> list[str]:
    """Return the publications that stand after further moves.

    Args:
        standing: those that stood before, oldest first.
        moves: that came then, first to last.
    """
    standing = list(standing)
    for entry in moves:
        is_back = entry.reason.split(" ", 1)[0] == ROLLBACK and entry.snapshot in standing
        if not is_back:
            standing.append(entry.snapshot)
            continue
        standing.pop()
        while standing and standing[-1] != entry.snapshot:
            standing.pop()
    return standing


def is_alias_name(name: str) -> bool:
    """Return whether an alias may have that name: nothing that could begin a snapshot's id."""
    return _NAME.fullmatch(name) is not None and _LOOKS_LIKE_ID.fullmatch(name) is None


def check_alias_name(name: str) -> None:
    """Refuse what is no alias name.

    Raises:
        InputError: the name has other characters, or could be the beginning of a snapshot's id.
    """
    if not is_alias_name(name):
        detail = (
            f"alias {name!r}: expected 1 to 63 lower-case letters, digits, `.`, `_` or `-`, "
            "beginning with a letter or digit, and nothing that reads like a snapshot's id"
        )
        raise InputError(detail=detail)


def _list_sequences(collection: Collection, name: str) -> list[int]:
    check_alias_name(name)
    names = (
        item.path.rsplit("/", 1)[-1] for item in collection.store.list(f"{collection.name}/{ALIASES}/{name}")
    )
    return sorted(int(file.removesuffix(".json")) for file in names if ENTRY_FILE.fullmatch(file))


def _read_entry(collection: Collection, name: str, sequence: int) -> AliasEntry:
    below = name_alias_entry(name, sequence)
    path = f"{collection.name}/{below}"
    entry = decode_alias_entry(collection.store.read(path), name=below, path=path)
    if entry.sequence != sequence:
        raise IntegrityError(path=path, expected=f"move {sequence}", found=f"move {entry.sequence}")
    return entry
