"""Do questions wait for writes? Searches alone, and beside long documents and files that are written.

    python -m benchmarks.write_pressure CORPUS_DIR --seconds 120

32 clients ask hybrid searches in a closed loop, each question for the first time: first alone, then while one
caller writes documents of a megabyte, one after another, and another one uploads PDF files of 30 pages and
attaches them. `ratio_p99` is beside over alone. What is being written when the time is up is not waited for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from benchmarks.hostile_files import join_objects
from benchmarks.http_client import write_request
from benchmarks.load import Done, Load, LoadProcess
from benchmarks.reporting import show_result
from benchmarks.served_corpus import ingest_corpus, read_passages, read_queries
from benchmarks.serving_process import run_server
from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest
from eagleray.parts import KEYS
from eagleray.settings import Settings

_PAGES: Final = 30
_LINES: Final = 36
_LINE: Final = 90
"""Characters of a line; 36 lines are a page."""

_N_QUESTIONS: Final = 50_000
"""More than are asked, so that no vector is remembered."""

_TIMEOUT_S: Final = 900.0


@dataclass(slots=True)
class WriteCounts:
    """What callers wrote: how many, and the answers that were no success."""

    counts: dict[str, int] = field(default_factory=lambda: {"documents": 0, "files": 0})
    failures: list[str] = field(default_factory=list)


def main() -> None:
    """Ingest, ask alone and beside writes; exit code 1 where a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seconds", type=float, default=120.0, help="of each of the two loads")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--kb", type=int, default=1_000, help="of a document that is written")
    parser.add_argument("--limit", type=int, default=400, help="passages; 0 takes all")
    parser.add_argument("--model", default="minilm")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eagleray-pressure-") as name:
        settings, _ = ingest_corpus(chosen.corpus, Path(name), model=chosen.model, limit=chosen.limit)
        prose = " ".join(read_passages(chosen.corpus, limit=2_000))
        queries = read_queries(chosen.corpus)
        figures = measure(
            settings, queries, prose, kb=chosen.kb, n_clients=chosen.clients, seconds=chosen.seconds
        )
    show_result({**figures, "corpus": chosen.corpus.name, "model": chosen.model, "kb": chosen.kb})
    sys.exit(1 if figures["failed"] else 0)


def measure(
    settings: Settings, queries: Sequence[str], prose: str, *, kb: int, n_clients: int, seconds: float
) -> dict[str, Any]:
    """Ask alone and beside writes, and return the figures of both."""
    made = KEYS.load(settings).create(
        KeyRequest(subject="desk", roles=frozenset({Role.READER, Role.WRITER}), zones=None)
    )
    headers = {"authorization": f"Bearer {made['key']}"}
    texts = [f"{query} {number}" for number, query in zip(range(_N_QUESTIONS), cycle(queries), strict=False)]
    path = f"/collections/{settings.collection}/search"
    with (
        run_server(settings, options=(), env={"EAGLERAY_AUTH__API_KEYS": "true"}) as url,
        LoadProcess() as process,
    ):
        requests = [write_request(url, path, {"query": text, "k": 10}, headers) for text in texts]

        def ask(first: int, length_s: float) -> Done:
            load = Load(
                url=url,
                requests=requests[first:],
                n_clients=n_clients,
                seconds=length_s,
                keeps_bodies=False,
            )
            done = process.begin(load).result()
            print(_rank(done), file=sys.stderr, flush=True)
            return done

        ask(0, min(5.0, seconds))  # warms the server
        alone = ask(_N_QUESTIONS // 3, seconds)
        with writing(url, headers, settings.collection, prose, kb=kb) as written:
            beside = ask(2 * _N_QUESTIONS // 3, seconds)
            counts = dict(written.counts)
    return tell(alone, beside, counts, written.failures)


def tell(alone: Done, beside: Done, counts: Mapping[str, int], failures: Sequence[str]) -> dict[str, Any]:
    """Return the figures of a load alone, one beside writes, and what was written meanwhile."""
    before, after = _rank(alone), _rank(beside)
    return {
        "alone": before,
        "beside": after,
        "ratio_p50": round(after["p50_ms"] / before["p50_ms"], 2),
        "ratio_p99": round(after["p99_ms"] / before["p99_ms"], 2),
        "written": dict(counts),
        "failed": alone.n_failed + beside.n_failed + len(failures),
        "failed_writes": list(failures),
    }


def _rank(done: Done) -> dict[str, float]:
    took_ms = [1000.0 * (item.ended - item.began) for item in done.asked]
    p50, p99 = np.percentile(took_ms, [50, 99])
    return {
        "searches": len(done.asked),
        "per_s": round(len(done.asked) / done.seconds, 1),
        "p50_ms": round(float(p50), 1),
        "p99_ms": round(float(p99), 1),
        "max_ms": round(max(took_ms), 1),
    }


@contextmanager
def writing(
    url: str, headers: Mapping[str, str], collection: str, prose: str, *, kb: int
) -> Iterator[WriteCounts]:
    """Write documents and attach files for the length of a block; the first of each before it begins."""
    written, is_over = WriteCounts(), threading.Event()
    with httpx.Client(base_url=url, headers=dict(headers), timeout=_TIMEOUT_S) as client:
        store = client.post("/v1/vector_stores", json={"name": "desk"}).raise_for_status().json()["id"]

        def write_document(number: int) -> None:
            text = _cut(prose, number, kb * 1_000) if number else "Swap."
            body = {"documents": [{"doc_id": f"long-{number}", "text": text}]}
            client.post(f"/collections/{collection}/documents", json=body).raise_for_status()
            written.counts["documents"] += bool(number)

        def attach_file(number: int) -> None:
            data = make_pdf(_cut(prose, number, _PAGES * _LINES * _LINE))
            part = {"file": (f"{number}.pdf", data)}
            file = client.post("/v1/files", files=part, data={"purpose": "assistants"}).raise_for_status()
            attaching = client.post(f"/v1/vector_stores/{store}/files", json={"file_id": file.json()["id"]})
            status = attaching.raise_for_status().json()["status"]
            if status == "failed":
                raise ValueError(attaching.text)
            written.counts["files"] += 1

        write_document(0)
        threads = [
            threading.Thread(target=_go_on, args=(work, is_over, written), daemon=True)
            for work in (write_document, attach_file)
        ]
        for thread in threads:
            thread.start()
        try:
            yield written
        finally:
            is_over.set()


def _go_on(work: Callable[[int], None], is_over: threading.Event, written: WriteCounts) -> None:
    for number in count(1):
        if is_over.is_set():
            return
        try:
            work(number)
        except (httpx.HTTPError, ValueError, RuntimeError) as error:
            if is_over.is_set():
                return  # the client was closed
            told = error.response.text if isinstance(error, httpx.HTTPStatusError) else str(error)
            written.failures.append(f"{type(error).__name__}: {told[:300]}")
            is_over.wait(1.0)


def _cut(prose: str, number: int, n_characters: int) -> str:
    """Return some characters of a text, from another place each time, and from its begin after its end."""
    first = number * 7_919 % len(prose)
    return f"Note {number}. " + "".join(islice(cycle(prose[first:] + prose[:first]), n_characters))


def make_pdf(text: str) -> bytes:
    """Return a PDF file of a text, 36 lines a page."""
    plain = "".join(char if " " <= char <= "~" and char not in "()\\" else " " for char in text)
    lines = [plain[start : start + _LINE] for start in range(0, len(plain), _LINE)]
    pages = [lines[start : start + _LINES] for start in range(0, len(lines), _LINES)]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, page in enumerate(pages):
        stream = "BT /F1 10 Tf 40 750 Td 14 TL\n" + "\n".join(f"({line}) Tj T*" for line in page) + "\nET"
        objects += [
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>"
            f"/Contents {5 + 2 * number} 0 R>>",
            f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
        ]
    return join_objects([item.encode("ascii") for item in objects])


if __name__ == "__main__":
    main()
