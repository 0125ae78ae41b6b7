"""Does anything that is served over HTTP show, count or score what its caller must not see, or differ?

    python -m benchmarks.http_leaks --n N --seed S

`eagleray serve` answers for small collections in many states, several of them at once. Callers with drawn
groups, zones, collections and roles ask it by keys and tokens, several at once, while aliases move on and
back and keys are revoked. Every request of `http_probes.PROBES` is judged by an oracle that looks at the
plain rows of the snapshot that answered. A *leak* is what a hidden row changes or shows, its own words
anywhere in an answer included, or what tells of a collection that its caller may not see; all else is a
*difference*. One of five requests goes to a server that is written to and takes files (`http_written`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.http_callers import HttpCaller, HttpCallers
from benchmarks.http_client import Answer, Connection, write_request
from benchmarks.http_probes import PROBES, judge_answer
from benchmarks.http_searches import read_missing
from benchmarks.http_verdicts import Scene, Verdict
from benchmarks.http_world import COLLECTION, HttpWorld, make_http_world
from benchmarks.http_written import check_written
from benchmarks.reporting import show_result
from benchmarks.serving_process import run_server
from eagleray.contracts.callers import ALLOWED, Action
from eagleray.contracts.collections import Collection
from eagleray.contracts.ports import Store
from indexes.snapshots.aliases import (
    AliasMove,
    alias_history,
    find_standing,
    move_alias,
    read_alias,
    rollback,
)
from indexes.storage import open_store

REQUESTS_PER_WORLD: Final = 5_000
WRITTEN_SHARE: Final = 5
"""One of so many requests goes to a collection that is written to."""

LEAST_FOR_WRITTEN: Final = 300
"""Requests to a world, of which a round of writes takes about half."""

_N_CLIENTS: Final = 3
"""Of each collection."""

_REQUESTS_PER_MOVE: Final = 60
_ALIAS: Final = "live"
_NAMES: Final = (COLLECTION, "annex")
_NOWHERE: Final = "nowhere"


def main() -> None:
    """Ask, count, and fail where anything leaked or differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000, help="requests")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    started = time.monotonic()
    figures = run(arguments.n, seed=arguments.seed)
    show_result({**figures, "seed": arguments.seed, "seconds": round(time.monotonic() - started, 1)})
    sys.exit(1 if figures["leaks"] or figures["differences"] else 0)


def run(n: int, *, seed: int) -> dict[str, Any]:
    """Return how many requests were made, of which kinds, and what went wrong with them."""
    total: Counter[str] = Counter()
    for number, start in enumerate(range(0, n, REQUESTS_PER_WORLD)):
        world_seed, left = seed * 1_000_003 + number, min(REQUESTS_PER_WORLD, n - start)
        if left >= LEAST_FOR_WRITTEN:
            written = check_written(world_seed, left // WRITTEN_SHARE)
            total.update(written)
            left -= written["requests"]
        total.update(check_world(world_seed, left))
        print(f"{total['requests']}/{n}: {dict(total)}", file=sys.stderr, flush=True)
    always = ("requests", "leaks", "differences", "publishes", "rollbacks", "revocations")
    return {name: total[name] for name in (*always, *sorted(name for name in total if " " in name))}


def check_world(seed: int, n: int) -> Counter[str]:
    """Serve collections and ask them `n` requests together."""
    with tempfile.TemporaryDirectory(prefix="eagleray-leaks-") as folder:
        worlds = [
            make_http_world(seed + number, Path(folder), name=name) for number, name in enumerate(_NAMES)
        ]
        settings = worlds[0].settings
        for world in worlds:
            _move(open_store(settings.store), world.settings.collection, next(iter(world.states)))
        drawn = random.Random(seed)  # noqa: S311 - no secrets
        callers = HttpCallers(settings, Path(folder), drawn, collections=_NAMES)
        env = callers.env | {"EAGLERAY_SERVE__COLLECTIONS": " ".join(_NAMES[1:])}
        with run_server(settings, options=(), env=env) as url:
            return asyncio.run(_ask_all(worlds, callers, url, seed=seed, n=n))


async def _ask_all(
    worlds: Sequence[HttpWorld], callers: HttpCallers, url: str, *, seed: int, n: int
) -> Counter[str]:
    """Return the counts of `n` requests, shared out over the collections of one server."""
    shares = [n // len(worlds) + (number < n % len(worlds)) for number in range(len(worlds))]
    runs = [_Run(world, callers, url, seed=seed + number) for number, world in enumerate(worlds)]
    counts = await asyncio.gather(*(run.ask(share) for run, share in zip(runs, shares, strict=True)))
    return sum(counts, Counter())


class _Run:
    """One collection's requests; the alias and the keys change meanwhile."""

    def __init__(self, world: HttpWorld, callers: HttpCallers, url: str, *, seed: int) -> None:
        self._world, self._callers, self._url, self._seed = world, callers, url, seed
        self._name = world.settings.collection
        self._scene = Scene(world=world)
        self._counts: Counter[str] = Counter()
        self._is_moving = False

    async def ask(self, n: int) -> Counter[str]:
        """Return the counts of `n` requests."""
        await self._learn_missing()
        self._note_standing()
        numbers = iter(range(n))
        changing = asyncio.create_task(self._change())
        await asyncio.gather(*(self._ask_on(numbers) for _ in range(_N_CLIENTS)))
        changing.cancel()
        await asyncio.gather(changing, return_exceptions=True)
        return self._counts

    async def _ask_on(self, numbers: Iterator[int]) -> None:
        connection = Connection(self._url)
        for number in numbers:
            await self._ask_one(connection, number)
        await connection.close()

    async def _ask_one(self, connection: Connection, number: int) -> None:
        drawn = random.Random(self._seed * 1_000_003 + number)  # noqa: S311 - draws questions, not secrets
        caller = drawn.choice(self._callers.known)
        self._scene.subjects.add(caller.principal.subject)
        (probe,) = drawn.choices(PROBES, [probe.share for probe in PROBES])
        asked = probe.draw(self._scene, caller, drawn)
        path = asked.path.replace(f"/collections/{COLLECTION}/", f"/collections/{self._name}/")
        is_named = path.startswith(f"/collections/{self._name}/") or asked.collection == self._name
        if is_named and not caller.may_see(self._name):
            await self._ask_unseen(connection, caller, path, asked.body)
            return
        began = time.monotonic()
        answer = await connection.ask(
            write_request(self._url, path, asked.body, caller.headers, method=asked.method)
        )
        allowed = {200}
        if asked.action is not None:
            allowed = caller.find_statuses(asked.action, asked_at=began, answered_at=time.monotonic())
        may_examine = any(Action.EXAMINE in ALLOWED[role] for role in caller.roles)
        if self._is_moving:
            self._note_standing()  # the server may have followed a move whose end is not known here yet
        verdict = judge_answer(self._scene, asked, answer, allowed, began=began, may_examine=may_examine)
        if asked.snapshot:
            self._counts["route named snapshot"] += 1
        self._counts.update(["requests", f"route {probe.name}", f"status {answer.status}"])
        if unseen := [name for name in _NAMES if not caller.may_see(name) and name in str(answer)]:
            verdict = Verdict(leak=f"{probe.name} names {unseen}")
        for name, told in (("leaks", verdict.leak), ("differences", verdict.difference)):
            if told:
                self._counts[name] += 1
                where = f"seed {self._seed}, request {number}, {probe.name}"
                print(f"{name.upper()} {where}: {told}: {asked.body} by {caller.principal}", file=sys.stderr)

    async def _ask_unseen(
        self, connection: Connection, caller: HttpCaller, path: str, body: Mapping[str, Any] | None
    ) -> None:
        """Ask a collection that is not there for who asks, and one that does not exist; compare."""
        asked_at = time.monotonic()
        named = json.dumps([path, body])
        questions = (named, re.sub(rf"\b{self._name}\b", _NOWHERE, named))
        answers = [
            await connection.ask(write_request(self._url, *json.loads(question), caller.headers))
            for question in questions
        ]
        self._counts.update(["requests", "route unseen collection", f"status {answers[0].status}"])
        may_change = caller.revoking_at != float("inf") and caller.revoked_at >= asked_at
        hidden, missing = (_strip(answer, {self._name, _NOWHERE}) for answer in answers)
        if hidden != missing and not may_change:
            self._counts["leaks"] += 1
            print(f"LEAK seed {self._seed}: {path} tells that it is there: {hidden}", file=sys.stderr)

    async def _change(self) -> None:
        """Move the alias on and back, and revoke keys, until cancelled."""
        drawn, store = random.Random(self._seed), open_store(self._world.settings.store)  # noqa: S311 - no secrets
        n_ahead = 0
        while True:
            next_at = self._counts["requests"] + _REQUESTS_PER_MOVE
            while self._counts["requests"] < next_at:
                await asyncio.sleep(0.01)
            is_back = n_ahead > 0 and drawn.random() < 0.4
            snapshot = drawn.choice(list(self._world.states))
            self._is_moving = True
            await asyncio.to_thread(_move, store, self._name, "" if is_back else snapshot)
            self._note_standing()
            self._is_moving = False
            n_ahead += -1 if is_back else 1
            self._counts["rollbacks" if is_back else "publishes"] += 1
            if drawn.random() < 0.5:
                await asyncio.to_thread(self._callers.replace_one)
                self._counts["revocations"] += 1

    def _note_standing(self) -> None:
        history = alias_history(Collection(open_store(self._world.settings.store), self._name), _ALIAS)
        self._scene.rulings.note(tuple(find_standing(history)))

    async def _learn_missing(self) -> None:
        """Learn the answer to a document that is nowhere, if anybody may see the collection."""
        able = [one for one in self._callers.known if one.may_see(self._name)]
        able = [
            one for one in able if one.find_statuses(Action.SEARCH, asked_at=0.0, answered_at=0.0) == {200}
        ]
        if not able:
            return
        connection, body = Connection(self._url), {"like": "doc99999", "explain": True}
        path = f"/collections/{self._name}/search"
        answer = await connection.ask(write_request(self._url, path, body, able[0].headers))
        self._scene.missing = read_missing(answer, "doc99999")
        await connection.close()


def _strip(answer: Answer, names: set[str]) -> tuple[int, str]:
    """Return an answer without the names of collections, and of its request."""
    body = re.sub(r'"request_id": ?"[^"]*"', "", answer.body.decode())
    return answer.status, re.sub("|".join(sorted(names)), "", body)


def _move(store: Store, collection: str, snapshot: str) -> None:
    """Move the alias to a snapshot, or back where none is named."""
    now = time.time_ns() // 1000
    if not snapshot:
        rollback(Collection(store, collection), _ALIAS, run="", now=now)
        return
    current = read_alias(Collection(store, collection), _ALIAS)
    move = AliasMove(
        expected=current.snapshot if current else None, snapshot=snapshot, reason="publish", now=now
    )
    move_alias(Collection(store, collection), _ALIAS, move=move)


if __name__ == "__main__":
    main()
