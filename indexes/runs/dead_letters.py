"""Dead letters of a run, read back from its folder."""

from __future__ import annotations

import json
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.errors import NotPublishedError, ObjectNotFoundError
from indexes.runs.layout import DEAD_LETTERS, PLAN, is_run_name, locate_last_run, locate_run

Letter = dict[str, Any]


def list_dead_letters(collection: Collection, *, run: str = "") -> list[Letter]:
    """Return what a run set aside, by source and position.

    Args:
        collection: where it lies.
        run: the run's id; empty takes the collection's last run.

    Raises:
        NotPublishedError: there is no such run.
    """
    run_id = run or read_last_run(collection)
    folder = locate_run(collection.name, run_id)
    if not is_run_name(run_id) or not collection.store.exists(f"{folder}/{PLAN}"):
        raise NotPublishedError(name=run or collection.name, detail="no run of that name was recorded")
    letters: list[Letter] = []
    for item in collection.store.list(folder):
        if item.path.endswith(f".{DEAD_LETTERS}"):
            letters += [
                {"n": 1, **json.loads(line)} for line in collection.store.read(item.path).splitlines()
            ]
    return sorted(letters, key=lambda letter: (letter["source"], len(letter["position"]), letter["position"]))


def read_last_run(collection: Collection) -> str:
    """Return the run that was the last to end, or `""`."""
    try:
        return str(json.loads(collection.store.read(locate_last_run(collection.name)))["run_id"])
    except ObjectNotFoundError:
        return ""
