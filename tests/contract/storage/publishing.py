"""Programs that the crash and race tests start as processes of their own."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path

from eagleray.contracts.collections import Collection
from eagleray.errors import ConflictError
from indexes.snapshots.aliases import AliasMove, move_alias
from tests.small_collections import SPEC, write_small_snapshot


class DyingStore:
    """Passes everything on to a store and kills the process instead of write number `n_writes`."""

    def __init__(self, inner, n_writes):
        self._inner, self._left = inner, n_writes

    def __getattr__(self, name):
        if name in {"write", "create", "upload"}:
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1
        return getattr(self._inner, name)


def publish(store, *, seed, expected):
    """Build another snapshot and move the alias to it."""
    snapshot = write_small_snapshot(store, seed=seed)
    move = AliasMove(expected=expected, snapshot=snapshot, reason="publish run", now=seed)
    return move_alias(Collection(store, SPEC.name), "live", move=move)


def race(store, *, snapshot, expected, start):
    """Wait for the file `start`, then try to move the alias; return whether it moved."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not start.exists():
        pass
    move = AliasMove(expected=expected, snapshot=snapshot, reason="publish run", now=1)
    try:
        move_alias(Collection(store, SPEC.name), "live", move=move)
    except ConflictError:
        return False
    return True


def main():
    """Do what the pickled arguments on standard input say."""
    store, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the test
    if "n_writes" in arguments:
        publish(DyingStore(store, arguments.pop("n_writes")), **arguments)
    else:
        arguments["start"] = Path(arguments["start"])
        sys.stdout.write("won\n" if race(store, **arguments) else "lost\n")


if __name__ == "__main__":
    main()
