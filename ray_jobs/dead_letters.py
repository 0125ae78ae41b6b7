"""What the next run must know of the last one's dead letters: which run that was, and their files."""

from __future__ import annotations

from collections.abc import Iterable

from eagleray.contracts.ports import Store
from eagleray.digests import canonical_json
from indexes.runs.dead_letters import Letter
from indexes.runs.layout import locate_last_run


def find_faulty_paths(letters: Iterable[Letter], *, source: str) -> frozenset[str]:
    """Return the paths, below the source's root, of files with dead letters."""
    prefix = f"{source}/"
    return frozenset(
        letter["source"].removeprefix(prefix) for letter in letters if letter["source"].startswith(prefix)
    )


def write_last_run(store: Store, collection: str, run_id: str) -> None:
    """Note which run was the last to end."""
    store.write(locate_last_run(collection), canonical_json({"run_id": run_id}))
