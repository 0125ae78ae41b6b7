"""Does publishing or rolling back under load fail a request, or mix two snapshots in an answer?

    python -m benchmarks.publishing CORPUS_DIR --publishes N

A corpus is ingested twice, some passages changed. While 16 clients ask `eagleray serve`, the alias moves to
one snapshot and back. An answer is *mixed* where the whole of it is not what the engine in this process
answers from the snapshot it names. A move takes from the alias's change to the first answer from the other
snapshot, and to the end of the last one from the snapshot before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.load import Load, LoadProcess, TimedAnswer
from benchmarks.reporting import show_result
from benchmarks.served_corpus import ingest_corpus, read_queries, write_searches
from benchmarks.serving_process import run_server
from eagleray.contracts.answers import show_response
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import parse_instant
from eagleray.settings import Settings
from indexes.service import LocalIndexService

_PAUSE_S: Final = 1.5
"""Seconds between two moves."""

_MOVE_S: Final = 0.5
"""Seconds that the gate and a move may take: the load goes on for as long."""

_N_QUESTIONS: Final = 40
_K: Final = 10

Move = tuple[str, str, float]
"""`publish` or `rollback`, the snapshot it leads to, and seconds since the epoch when it began."""


def main() -> None:
    """Ingest, move the alias under load, and compare; exit code 1 where a request failed or was mixed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--publishes", type=int, default=20, help="moves on; there are as many back")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--limit", type=int, default=400, help="passages; 0 takes all")
    parser.add_argument("--model", default="hashing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eagleray-publishing-") as name:
        settings, snapshots = ingest_corpus(
            arguments.corpus, Path(name), model=arguments.model, limit=arguments.limit, n_changed=40
        )
        texts = read_queries(arguments.corpus)[:_N_QUESTIONS]
        figures = measure(settings, snapshots, texts, n=arguments.publishes, n_clients=arguments.clients)
    show_result({**figures, "corpus": arguments.corpus.name, "model": arguments.model})
    sys.exit(1 if figures["failed"] or figures["mixed"] else 0)


def measure(
    settings: Settings, snapshots: Sequence[str], texts: Sequence[str], *, n: int, n_clients: int
) -> dict[str, Any]:
    """Move the alias `n` times on and back under load, and return what came of it."""
    wanted = [answer_all(settings, snapshot, texts) for snapshot in snapshots]
    seconds = 2.0 * n * (_PAUSE_S + _MOVE_S) + 2.0
    with run_server(settings) as url, LoadProcess() as process:
        requests = write_searches(url, settings.collection, [{"query": text, "k": _K} for text in texts])
        load = Load(url=url, requests=requests, n_clients=n_clients, seconds=seconds, keeps_bodies=True)
        begun = process.begin(load)
        moves = move_alias(settings, snapshots, n=n)
        asked: list[TimedAnswer] = begun.result().asked
    known = dict(zip(snapshots, wanted, strict=True))
    named = [_read_snapshot(item) for item in asked]
    took = find_times(moves, asked, named)
    answered = [item for item in asked if item.status == 200]
    return {
        "publishes": n,
        "requests": len(asked),
        "failed": len(asked) - len(answered),
        "mixed": count_mixed(answered, known),
        "max_publish_ms": max((ms for kind, ms in took if kind == "publish"), default=None),
        "max_rollback_ms": max((ms for kind, ms in took if kind == "rollback"), default=None),
        "moves_seen": len(took),
    }


def answer_all(settings: Settings, snapshot: str, texts: Sequence[str]) -> list[Any]:
    """Return what the engine in this process answers, as it stands in an answer over HTTP."""
    engine = LocalIndexService(settings).open_engine(snapshot=snapshot)
    nobody = Principal(subject="development")
    shown = []
    for text in texts:
        answer = show_response(
            engine.search(SearchRequest(query=text, k=_K, principal=nobody)), is_explained=False
        )
        for hit in answer["hits"]:
            hit["chunk_id"] = str(hit["chunk_id"])
        shown.append(json.loads(json.dumps(answer)))
    return shown


def move_alias(settings: Settings, snapshots: Sequence[str], *, n: int) -> list[Move]:
    """Go back to the first snapshot and on to the last, `n` times."""
    service, moves = LocalIndexService(settings), list[Move]()
    time.sleep(_PAUSE_S)
    for _ in range(n):
        before = time.time()
        service.rollback(alias="live")
        moves.append(("rollback", snapshots[0], before))
        time.sleep(_PAUSE_S)
        told = service.publish(snapshot=snapshots[-1], alias="live")
        moves.append(("publish", snapshots[-1], _read_moment(told)))
        time.sleep(_PAUSE_S)
    return moves


def find_times(
    moves: Sequence[Move], asked: Sequence[TimedAnswer], named: Sequence[str]
) -> list[tuple[str, float]]:
    """Return kind and milliseconds of each move that an answer shows."""
    took = []
    ends = [began for _, _, began in moves[1:]] + [float("inf")]
    for (kind, snapshot, began), end in zip(moves, ends, strict=True):
        span = [
            (item.ended, name) for item, name in zip(asked, named, strict=True) if began < item.ended < end
        ]
        new = [ended for ended, name in span if name == snapshot]
        old = [ended for ended, name in span if name and name != snapshot]
        if new:
            took.append((kind, round(1000.0 * (max([min(new), *old]) - began), 1)))
    return took


def count_mixed(answered: Sequence[TimedAnswer], known: dict[str, list[Any]]) -> int:
    """Return how many answers are not what their snapshot answers; equal bytes are compared once."""
    judged: dict[tuple[int, bytes], bool] = {}
    for item in answered:
        key = (item.question, item.body)
        if key not in judged:
            told = json.loads(item.body)
            wanted = known.get(told["snapshot"])
            judged[key] = wanted is None or told != wanted[item.question]
    return sum(judged[item.question, item.body] for item in answered)


def _read_snapshot(item: TimedAnswer) -> str:
    return str(json.loads(item.body)["snapshot"]) if item.status == 200 else ""


def _read_moment(told: dict[str, Any]) -> float:
    """Return when an alias was moved, seconds since the epoch."""
    return parse_instant(told["moved_at"]) / 1e6


if __name__ == "__main__":
    main()
