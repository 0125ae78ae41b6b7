"""Dead letters, read back from the folders of the runs that set them aside."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.errors import NotPublishedError, ObjectNotFoundError
from indexes.runs.ended import read_ended_run
from indexes.runs.layout import DEAD_LETTERS, PLAN, is_run_name, locate_last_run, locate_run
from indexes.runs.unread import list_records

Letter = dict[str, Any]


def list_dead_letters(collection: Collection, *, run: str = "") -> list[Letter]:
    """Return what is still unread in the sources of a collection, or what one run set aside.

    Args:
        collection: where it lies.
        run: the run's id; empty takes what of each source could not be read when it was last tried,
            whichever run tried it.

    Returns:
        The dead letters, by source and position.

    Raises:
        NotPublishedError: there is no such run, nothing was ever read, or the only run failed before that.
        IntegrityError: what is recorded of a source is damaged.
    """
    records = [] if run else list_records(collection)
    if not records:
        found = run or read_last_run(collection)
        if not found:
            detail = (
                "nothing was ingested into this collection; are --store and --collection those of the run?"
            )
            raise NotPublishedError(name=collection.name, detail=detail)
        letters = sort_letters(_read_run(collection, found, name=found))
        if not run and not letters:
            _check_ended(collection)
        return letters
    wanted: dict[str, set[str]] = {}
    for record in records:
        for part, tried in record.unread.items():
            for run_id in tried.runs:
                wanted.setdefault(run_id, set()).add(f"{record.source}/{part}")
    return sort_letters(
        letter
        for run_id, sources in wanted.items()
        for letter in _read_run(collection, run_id, name=run_id)
        if letter["source"] in sources
    )


def read_last_run(collection: Collection) -> str:
    """Return the run that was the last to end, or `""`."""
    try:
        return str(json.loads(collection.store.read(locate_last_run(collection.name)))["run_id"])
    except ObjectNotFoundError:
        return ""


def _read_run(collection: Collection, run: str, *, name: str) -> list[Letter]:
    folder = locate_run(collection.name, run)
    if not is_run_name(run) or not collection.store.exists(f"{folder}/{PLAN}"):
        raise NotPublishedError(name=name, detail="no run of that name was recorded")
    letters: list[Letter] = []
    for item in collection.store.list(folder):
        if item.path.endswith(f".{DEAD_LETTERS}"):
            letters += [
                {"n": 1, **json.loads(line)} for line in collection.store.read(item.path).splitlines()
            ]
    return letters


def _check_ended(collection: Collection) -> None:
    """Refuse to call everything read where the last run failed, and none has recorded what it read."""
    ended = read_ended_run(collection)
    if ended is not None and ended.error:
        detail = f"nothing is known of what was read: the last run, {ended.run}, ended with {ended.error}"
        raise NotPublishedError(name=collection.name, detail=detail)


def sort_letters(letters: Iterable[Letter]) -> list[Letter]:
    """Return dead letters by source and position."""
    return sorted(letters, key=lambda letter: (letter["source"], len(letter["position"]), letter["position"]))
