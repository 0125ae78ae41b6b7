"""How much of the engine's throughput reaches callers over HTTP, and how fast are vectors served?

    python -m benchmarks.serving CORPUS_DIR [--seconds S] [--clients N] [--model MODEL] [--url URL]

The same distinct questions go to the engine in a process of its own, with a thread a core and each question
embedded, and to `eagleray serve` from a closed loop of clients in another process; the two take turns. The
clients' own processor time is in `client_cpu_share`. Then passages are embedded over HTTP: by eagleray, by
eagleray with one text a batch, and by infinity-emb from its own environment. `--url` measures a server that
runs already; the settings in the environment must name its store and collection.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.embedding_peers import run_peer
from benchmarks.engine_load import EngineProcess
from benchmarks.http_client import write_request
from benchmarks.load import Load, LoadProcess, TimedAnswer
from benchmarks.reporting import show_result
from benchmarks.served_corpus import ingest_corpus, read_passages, read_queries, write_searches
from benchmarks.serving_process import run_server
from eagleray.embedders import open_embedder
from eagleray.settings import Settings, load_settings

_ROUNDS: Final = 3
_PEERS: Final = Path(".peers/infinity")


def main() -> None:
    """Ingest, measure and compare; exit code 1 where a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each turn")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--limit", type=int, default=600, help="passages; 0 takes all")
    parser.add_argument("--url", default="", help="of a server that runs already")
    parser.add_argument("--peer", type=Path, default=_PEERS, help="environment of infinity-emb")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eagleray-serving-") as name, ExitStack() as stack:
        if arguments.url:
            settings, url = load_settings(), arguments.url
        else:
            settings, _ = ingest_corpus(
                arguments.corpus, Path(name), model=arguments.model, limit=arguments.limit
            )
            url = ""
        process = stack.enter_context(LoadProcess())
        figures = _measure(arguments, settings, url, process)
    show_result({"clients": arguments.clients, **figures, "corpus": arguments.corpus.name})
    sys.exit(1 if figures["errors"] else 0)


def _measure(
    arguments: argparse.Namespace, settings: Settings, url: str, process: LoadProcess
) -> dict[str, Any]:
    measured = MeasuredServer(process, seconds=arguments.seconds, n_clients=arguments.clients)
    texts = read_passages(arguments.corpus, limit=400)
    model = open_embedder(settings.embedder).identity.name
    with ExitStack() as stack:
        served = url or stack.enter_context(run_server(settings))
        figures = compare_searches(measured, settings, served, read_queries(arguments.corpus))
        batched = measured.embed(served, "/v1/embeddings", model, texts)
    unbatched = peer_rate = peer_name = None
    if not url:
        program = ("-m", "benchmarks.unbatched")
        with run_server(settings, options=(), program=program) as alone:
            unbatched = measured.embed(alone, "/v1/embeddings", model, texts)
    try:
        with run_peer(settings, arguments.peer) as peer:
            peer_name = peer.name
            peer_rate = measured.embed(peer.url, peer.path, peer.model, texts)
    except RuntimeError as error:
        print(f"no peer: {error}", file=sys.stderr)
    return {
        **figures,
        "embeddings_per_s": round(batched, 1),
        "embed_ratio_to_peer": round(batched / peer_rate, 3) if peer_rate else None,
        "peer": peer_name,
        "batching_gain": round(batched / unbatched, 3) if unbatched else None,
        "errors": measured.n_failed,
    }


class MeasuredServer:
    """Runs loads and counts what failed."""

    def __init__(self, process: LoadProcess, *, seconds: float, n_clients: int) -> None:
        self.seconds, self.n_failed = seconds, 0
        self._process, self._n_clients = process, n_clients

    def ask(self, url: str, requests: Sequence[bytes]) -> tuple[list[TimedAnswer], float, float]:
        """Return the requests of one turn, its seconds, and the clients' processor seconds."""
        load = Load(
            url=url,
            requests=requests,
            n_clients=self._n_clients,
            seconds=self.seconds,
            keeps_bodies=False,
        )
        done = self._process.begin(load).result()
        self.n_failed += done.n_failed
        return [item for item in done.asked if item.status == 200], done.seconds, done.cpu_s

    def embed(self, url: str, path: str, model: str, texts: Sequence[str]) -> float:
        """Return the texts a second that callers get vectors of, one text a request."""
        requests = [write_request(url, path, {"model": model, "input": [text]}) for text in texts]
        self.ask(url, requests)  # the model is loaded
        asked, seconds, _ = self.ask(url, requests)
        return len(asked) / seconds


def compare_searches(
    measured: MeasuredServer, settings: Settings, url: str, queries: Sequence[str]
) -> dict[str, Any]:
    """Let engine and server take turns over distinct questions, and return their figures."""
    questions = iterate_distinct(queries)
    latencies: list[float] = []
    n_served, served_s, client_cpu_s, n_engine, engine_s = 0, 0.0, 0.0, 0, 0.0
    n_turn = round(measured.seconds * 2_000)
    with EngineProcess(settings) as engine:
        for number in range(_ROUNDS + 1):
            n, spent = engine.ask(list(islice(questions, n_turn)), seconds=measured.seconds)
            bodies = [{"query": text} for text in islice(questions, n_turn)]
            requests = write_searches(url, settings.collection, bodies)
            asked, seconds, cpu_s = measured.ask(url, requests)
            print(
                f"turn {number}: engine {n / spent:.1f}, served {len(asked) / seconds:.1f}", file=sys.stderr
            )
            if number == 0:
                continue  # warms both
            n_engine, engine_s = n_engine + n, engine_s + spent
            n_served, served_s, client_cpu_s = n_served + len(asked), served_s + seconds, client_cpu_s + cpu_s
            latencies += [1000.0 * (item.ended - item.began) for item in asked]
    p50, p95, p99 = np.percentile(latencies or [0.0], [50, 95, 99])
    return {
        "engine_qps": round(n_engine / engine_s, 1),
        "served_qps": round(n_served / served_s, 1),
        "p50_ms": round(float(p50), 1),
        "p95_ms": round(float(p95), 1),
        "p99_ms": round(float(p99), 1),
        "client_cpu_share": round(client_cpu_s / served_s, 3),
    }


def iterate_distinct(queries: Sequence[str]) -> Iterator[str]:
    """Yield questions that all differ: the queries, then each with a word of another, and so on."""
    yield from queries
    for step in range(1, len(queries)):
        for place, query in enumerate(queries):
            yield f"{query} {queries[(place + step) % len(queries)].split()[-1]} {step}"


if __name__ == "__main__":
    main()
