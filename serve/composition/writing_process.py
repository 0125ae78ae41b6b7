"""Writes documents in a process of its own, so that cutting and embedding them holds up no question.

Threads would not do: cutting a long text holds the interpreter's lock, and a batch of passages the model. The
process has a lower priority than those that answer, and starts with the first write. It has the model once,
for all collections.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

from eagleray.errors import UnavailableError
from eagleray.logs import configure_logs, get_logger
from eagleray.settings import Settings
from indexes.writing.committing import commit
from indexes.writing.requests import Write
from serve.composition.document_writer import open_writable
from serve.composition.models import Models
from serve.composition.stored_collections import find_collections
from serve.engine.group_writing import Commit

_RETRY_S: Final = 1.0
"""Seconds after which a caller may try again: about what a new process takes to start."""

_GRACE_S: Final = 5.0
"""Seconds a process gets to end after it was told to."""

_log = get_logger()


class WritingProcess:
    """Carries out rounds of writes; one call at a time, from any thread."""

    def __init__(self, open_commit: Callable[[str], Commit], *, niceness: int) -> None:
        """Take the parts; nothing is started yet.

        Args:
            open_commit: called in the process, once for each collection that is written to; returns what
                carries out a round. It is sent, so it must survive pickling.
            niceness: by how much the process's priority is lower than that of this one, 0 to 19.
        """
        self._open_commit, self._niceness = open_commit, niceness
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def commit(self, collection: str, writes: Sequence[Write]) -> dict[str, str]:
        """Carry out a round in a collection, as `indexes.writing.committing.commit` does.

        Raises:
            UnavailableError: the process died; the next call starts another one.
            Exception: what carrying it out raised.
        """
        connection = self._connection or self._start()
        try:
            connection.send((collection, list(writes)))
            found = connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            _log.warning("writing_process_lost", error=type(error).__name__)
            raise UnavailableError(part="writer", retry_after_s=_RETRY_S) from error
        if isinstance(found, Exception):
            raise found
        snapshots: dict[str, str] = found
        return snapshots

    def forget(self, collection: str) -> None:
        """Have the process open a collection anew when it is next written to; no call may be at work."""
        if self._connection is not None:
            with suppress(OSError):  # the process is gone, and all that it had opened
                self._connection.send((collection, None))

    def close(self) -> None:
        """End the process, if there is one; no call may be at work."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            atexit.unregister(connection.close)
            connection.close()  # which tells it to end
        if process is not None:
            process.join(_GRACE_S)
            if process.is_alive():
                process.kill()
            process.join()
            process.close()

    def _start(self) -> Connection:
        spawning = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
        ours, theirs = spawning.Pipe()
        process = spawning.Process(
            target=_work,
            args=(theirs, self._open_commit, self._niceness),
            name="eagleray-writing",
            daemon=True,
        )
        process.start()
        theirs.close()
        self._process, self._connection = process, ours
        atexit.register(
            ours.close
        )  # it takes no signals: an interpreter that ends would wait for it for ever
        return ours


def make_writing_process(settings: Settings, *, alias: str) -> WritingProcess:
    """Return what writes to collections of the settings' store and moves an alias of theirs."""
    opening = partial(_open_commit, settings, alias)
    return WritingProcess(opening, niceness=settings.serve.write_niceness)


def _open_commit(settings: Settings, alias: str, collection: str) -> Commit:
    configure_logs(settings.log)
    started = time.monotonic()
    place = find_collections(settings, alias=alias).locate(collection)
    target = open_writable(place, alias=alias, models=Models(settings), cache=settings.cache_folder)
    elapsed_s = round(time.monotonic() - started, 3)
    _log.info("collection_opened_for_writing", collection=collection, elapsed_s=elapsed_s)
    return partial(commit, target)


def _work(connection: Connection, open_commit: Callable[[str], Commit], niceness: int) -> None:
    """Carry out rounds until the process that asks for them is gone; runs in the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # sent to the whole group: the serving process ends first
    os.nice(niceness)
    opened: dict[str, Commit] = {}
    while True:
        try:
            collection, writes = connection.recv()
        except (EOFError, OSError):
            return
        if writes is None:
            opened.pop(collection, None)
            continue
        try:
            if collection not in opened:
                opened[collection] = open_commit(collection)
            found: object = dict(opened[collection](writes))
        except Exception as error:  # noqa: BLE001 - told to the process that asked
            found = _make_sendable(error)
        try:
            connection.send(found)
        except OSError:
            return


def _make_sendable(error: Exception) -> Exception:
    """Return an error as it can be sent, or one that names its class."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
    except Exception:  # noqa: BLE001 - whatever keeps an error of some library from being copied
        return RuntimeError(f"a write failed with {type(error).__name__}")
    return error
