"""Runs that are kept in a SQLite file: checkpoints of the graph, the ledger of calls, and for how long.

One store a process and file; several processes may share a file. Nothing but plain JSON is written, and
nothing else is read back.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eagleray.errors import IntegrityError, MissingExtraError
from serve.agents.agentic.effects import EffectRecord, Result

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

_TABLES: Final = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
PRAGMA busy_timeout=10000;
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, scope TEXT NOT NULL, expires_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS effects (
    run_id TEXT NOT NULL, effect_id TEXT NOT NULL, n_begun INTEGER NOT NULL, result TEXT,
    PRIMARY KEY (run_id, effect_id)
);
"""
_EXPIRED: Final = "(SELECT run_id FROM runs WHERE expires_at <= ?)"


class StrictJsonSerializer:
    """Writes plain JSON and refuses everything else; of an error, its class alone is written."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return the kind and the bytes of a value.

        Raises:
            TypeError: it is not plain JSON, or has parts that are not.
        """
        if isinstance(obj, BaseException):
            return "error", json.dumps(type(obj).__name__).encode()
        _check(obj)
        return "json", json.dumps(obj, allow_nan=False).encode()

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return a value.

        Raises:
            IntegrityError: it was not written here.
        """
        kind, content = data
        try:
            if kind not in ("json", "error"):
                raise ValueError(kind)
            return json.loads(content)
        except ValueError as error:
            raise IntegrityError(path="a kept run", expected="JSON", found=str(kind)[:64]) from error


class RunStore:
    """Runs of one file."""

    def __init__(self, saver: AsyncSqliteSaver, *, retention_s: float, clock: Callable[[], float]) -> None:
        """Take the parts; `open_run_store` makes them."""
        self.saver, self._retention_s, self._clock = saver, retention_s, clock

    async def register(self, run_id: str, *, scope: str) -> None:
        """Keep a run from now on, and nothing any more of those whose time is over.

        Args:
            run_id: that no other run has.
            scope: digest of what it is held to.
        """
        await self.remove_expired()
        expires_at = self._clock() + self._retention_s
        await self._change("INSERT INTO runs VALUES (?, ?, ?)", run_id, scope, expires_at)

    async def is_kept(self, run_id: str, *, scope: str) -> bool:
        """Return whether a run of this scope is kept; its time may be over before it is removed."""
        rows = await self._read("SELECT scope, expires_at FROM runs WHERE run_id = ?", run_id)
        return [(kept, ends > self._clock()) for kept, ends in rows] == [(scope, True)]

    async def begin_effect(self, run_id: str, effect_id: str) -> EffectRecord:
        """Write down that a call is about to be made, unless it has a result."""
        await self._change(
            "INSERT INTO effects VALUES (?, ?, 1, NULL) ON CONFLICT DO UPDATE "
            "SET n_begun = n_begun + 1 WHERE result IS NULL",
            run_id,
            effect_id,
        )
        ((n_begun, result),) = await self._read(
            "SELECT n_begun, result FROM effects WHERE run_id = ? AND effect_id = ?", run_id, effect_id
        )
        return EffectRecord(n_begun=n_begun, result=None if result is None else json.loads(result))

    async def finish_effect(self, run_id: str, effect_id: str, result: Result) -> None:
        """Write down what came of a call.

        Raises:
            TypeError: the result is not plain JSON.
        """
        _check(result)
        await self._change(
            "UPDATE effects SET result = ? WHERE run_id = ? AND effect_id = ? AND result IS NULL",
            json.dumps(result, allow_nan=False),
            run_id,
            effect_id,
        )

    async def is_begun(self, run_id: str, effect_id: str) -> bool:
        """Return whether a call was ever about to be made."""
        query = "SELECT 1 FROM effects WHERE run_id = ? AND effect_id = ?"
        return bool(await self._read(query, run_id, effect_id))

    async def remove_expired(self) -> None:
        """Remove all that is kept of the runs whose time is over."""
        now = self._clock()
        for table, column in (("checkpoints", "thread_id"), ("writes", "thread_id"), ("effects", "run_id")):
            await self._change(f"DELETE FROM {table} WHERE {column} IN {_EXPIRED}", now)  # noqa: S608 - names above
        await self._change("DELETE FROM runs WHERE expires_at <= ?", now)

    async def _change(self, statement: str, *values: Any) -> None:
        async with self.saver.lock:
            await self.saver.conn.execute(statement, values)
            await self.saver.conn.commit()

    async def _read(self, query: str, *values: Any) -> list[Any]:
        async with self.saver.lock, self.saver.conn.execute(query, values) as cursor:
            return list(await cursor.fetchall())


class KeptLedger:
    """The ledger of one run in a store."""

    def __init__(self, store: RunStore, run_id: str) -> None:
        """Take the store and the run."""
        self._store, self._run_id = store, run_id

    async def begin(self, effect_id: str) -> EffectRecord:
        """See `EffectLedger`."""
        return await self._store.begin_effect(self._run_id, effect_id)

    async def finish(self, effect_id: str, result: Result) -> None:
        """See `EffectLedger`."""
        await self._store.finish_effect(self._run_id, effect_id, result)

    async def is_begun(self, effect_id: str) -> bool:
        """See `EffectLedger`."""
        return await self._store.is_begun(self._run_id, effect_id)


@asynccontextmanager
async def open_run_store(
    path: Path, *, retention_s: float, clock: Callable[[], float] = time.time
) -> AsyncIterator[RunStore]:
    """Give the store of a file, for one event loop; the end of the block closes it.

    Args:
        path: of the file, which only its owner may read.
        retention_s: seconds after which nothing is kept of a run.
        clock: seconds since the epoch.

    Raises:
        MissingExtraError: LangGraph's checkpoints are not installed.
    """
    try:
        import aiosqlite
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    except ImportError as error:
        raise MissingExtraError(part="the store of runs", extra="agents") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    async with aiosqlite.connect(path) as connection:
        await connection.executescript(_TABLES)
        saver = AsyncSqliteSaver(connection, serde=StrictJsonSerializer())
        await saver.setup()
        store = RunStore(saver, retention_s=retention_s, clock=clock)
        await store.remove_expired()
        yield store


def _check(value: Any) -> None:
    """Refuse what is not plain JSON: a subclass, too, would come back as something else."""
    if value is None or type(value) in (str, int, bool) or (type(value) is float and math.isfinite(value)):
        return
    if type(value) is list:
        for item in value:
            _check(item)
    elif type(value) is dict and all(type(key) is str for key in value):
        for item in value.values():
            _check(item)
    else:
        raise TypeError(f"a run keeps plain JSON; expected no {type(value).__name__}")
