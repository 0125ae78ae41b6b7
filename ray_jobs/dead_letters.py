"""Dead letters of a run, read back from its ledger."""

from __future__ import annotations

import json
from typing import Any

from eagleray.contracts.ports import Store
from eagleray.digests import canonical_json
from eagleray.errors import NotPublishedError, ObjectNotFoundError

Letter = dict[str, Any]


def list_dead_letters(store: Store, collection: str, *, run: str = "") -> list[Letter]:
    """Return what a run set aside, by source and position.

    Args:
        store: where the collection lies.
        collection: its name.
        run: the run's id; empty takes the collection's last run.

    Raises:
        NotPublishedError: there is no such run.
    """
    run_id = run or read_last_run(store, collection)
    folder = f"{collection}/runs/{run_id}"
    if not run_id or not store.exists(f"{folder}/plan.json"):
        raise NotPublishedError(name=run or collection, detail="no run of that name was recorded")
    letters: list[Letter] = []
    for item in store.list(folder):
        if item.path.endswith(".dead.jsonl"):
            letters += [json.loads(line) for line in store.read(item.path).splitlines()]
    return sorted(letters, key=lambda letter: (letter["source"], len(letter["position"]), letter["position"]))


def find_faulty_paths(letters: list[Letter], *, source: str) -> frozenset[str]:
    """Return the paths, below the source's root, of files with dead letters."""
    prefix = f"{source}/"
    return frozenset(
        letter["source"].removeprefix(prefix) for letter in letters if letter["source"].startswith(prefix)
    )


def write_last_run(store: Store, collection: str, run_id: str) -> None:
    """Note which run was the last to end."""
    store.write(f"{collection}/runs/last.json", canonical_json({"run_id": run_id}))


def read_last_run(store: Store, collection: str) -> str:
    """Return the run that was the last to end, or `""`."""
    try:
        return str(json.loads(store.read(f"{collection}/runs/last.json"))["run_id"])
    except ObjectNotFoundError:
        return ""
