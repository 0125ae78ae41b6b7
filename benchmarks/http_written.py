"""Does what is written through the API or uploaded show itself to others than those it is for?

Rounds: a feed writes and removes documents while authors upload, attach and take away files, and somebody
asks meanwhile; then all is quiet, the server has followed, and everybody asks for words that they may find
and for words that they may not. A word of a document that is not for them is a *leak*, and so is an answer
that tells hidden from missing; a word that is not found by those it is for is a *difference*. `http_leaks`
runs it.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

from benchmarks.http_world import COLLECTION, HttpWorld, make_http_world
from benchmarks.serving_process import run_server
from benchmarks.written_changes import Wire, change_all
from benchmarks.written_desk import Desk
from benchmarks.written_questions import Questions
from eagleray.contracts.collections import Collection
from eagleray.contracts.ports import Store
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from indexes.storage import open_store

_ALIAS: Final = "live"
_N_CLIENTS: Final = 6
_QUESTIONS_A_ROUND: Final = 60
_FOLLOWING_S: Final = 30.0
_MEANWHILE_A_ROUND: Final = 60
_PAUSE_S: Final = 0.05


def check_written(seed: int, n: int) -> Counter[str]:
    """Serve a collection, write to it and ask it, `n` requests and at most a round more."""
    with tempfile.TemporaryDirectory(prefix="eagleray-written-") as name:
        world = make_http_world(seed, Path(name), n_states=1)
        desk = Desk(world.settings, random.Random(seed))  # noqa: S311 - no secrets
        move = AliasMove(expected=None, snapshot=next(iter(world.states)), reason="publish", now=1)
        move_alias(Collection(open_store(world.settings.store), COLLECTION), _ALIAS, move=move)
        with run_server(world.settings, options=(), env={"EAGLERAY_AUTH__API_KEYS": "true"}) as url:
            return asyncio.run(ask_rounds(world, desk, url, seed=seed, n=n))


async def ask_rounds(world: HttpWorld, desk: Desk, url: str, *, seed: int, n: int) -> Counter[str]:
    """Return the counts of rounds at a server, and print what is wrong."""
    async with httpx.AsyncClient(base_url=url, timeout=60.0) as http:
        wire, drawn = Wire(http), random.Random(seed)  # noqa: S311 - no secrets
        questions, store = Questions(world, desk, wire, drawn), open_store(world.settings.store)
        while wire.counts["requests"] < n:
            await _run_round(desk, wire, questions, drawn)
            await _follow(http, store, desk.feed.key)
            numbers = iter(range(_QUESTIONS_A_ROUND))
            await asyncio.gather(*(_ask_on(questions, numbers) for _ in range(_N_CLIENTS)))
        for told in wire.told:
            print(f"{told}; written, seed {seed}", file=sys.stderr)
        return wire.counts


async def _run_round(desk: Desk, wire: Wire, questions: Questions, drawn: random.Random) -> None:
    """Change things, with questions meanwhile."""
    changing = asyncio.create_task(change_all(desk, wire, drawn))
    asked = []
    while not changing.done() and len(asked) < _MEANWHILE_A_ROUND:
        asked.append(await questions.ask_meanwhile())
        await asyncio.sleep(_PAUSE_S)
    await changing
    for person, found in asked:
        questions.judge_meanwhile(person, found)


async def _ask_on(questions: Questions, numbers: Iterator[int]) -> None:
    for _ in numbers:
        await questions.ask_any()


async def _follow(http: httpx.AsyncClient, store: Store, key: str) -> None:
    """Wait until the server answers from what was published last.

    Raises:
        TimeoutError: it does not.
    """
    entry, shown = read_alias(Collection(store, COLLECTION), _ALIAS), {"Authorization": f"Bearer {key}"}
    async with asyncio.timeout(_FOLLOWING_S):
        while (
            entry
            and (await http.get("/health/ready", headers=shown)).json().get("snapshot") != entry.snapshot
        ):
            await asyncio.sleep(0.05)
