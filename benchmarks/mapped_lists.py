"""What does it save to map the files of inverted lists, and what does it cost a search?

    python -m benchmarks.mapped_lists [--vectors N] [--rounds N] [--kinds KIND ...]

Vectors of real passages and made ones, real questions. For each kind one index file is written and opened
in three ways: `bytes` (the file's bytes are read, and FAISS makes an index of them), `file` (FAISS reads the
file) and `mapped` (FAISS maps the lists, where the kind can be mapped). Each time two processes open the
same file and scan every list once, so that all of it has been touched; memory is what each then has more
than before it opened the file, and its proportional share counts a page of both as half a page (some of it
are pages of the vectors, which are mapped always). Then one of them answers questions from a sixteenth of
the lists. The ways take turns, round by round; figures are medians over the rounds. Found rows are
compared between the ways.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from benchmarks.real_vectors import load_passages, load_questions, make_vectors
from benchmarks.reporting import show_result
from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from eagleray.digests import digest_bytes
from indexes.dense.codebook_files import decode_codebook, encode_codebook
from indexes.dense.codebooks import Codebook, train_codebook
from indexes.dense.contracts import Effort
from indexes.dense.devices import make_matcher
from indexes.dense.flat import rescore
from indexes.dense.ivf import IvfIndex
from indexes.dense.kmeans import Training, pass_over
from indexes.dense.queries import DenseQuery
from indexes.selections import select_all

MB: Final = 1 << 20
WAYS: Final = ("bytes", "file", "mapped")
FIGURES: Final = ("open_ms", "peak_mb", "anonymous_mb", "uss_mb", "pss_mb", "median_ms", "p95_ms")
N_QUESTIONS: Final = 300


def main() -> None:
    """Measure each kind."""
    kinds = [kind for kind in IndexKind if kind is not IndexKind.FLAT]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=250_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", type=IndexKind, default=kinds)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eagleray-mapped-") as name:
        folder = Path(name)
        vectors = make_vectors(load_passages(), arguments.vectors, seed=1)
        np.save(folder / "vectors.npy", vectors)
        np.save(folder / "questions.npy", load_questions()[:N_QUESTIONS])
        figures = {}
        for kind in arguments.kinds:
            write_index(folder, vectors, kind)
            figures[kind.value] = measure(folder, rounds=arguments.rounds)
            print(kind.value, figures[kind.value], flush=True)
    show_result({"vectors": arguments.vectors, "rounds": arguments.rounds, "kinds": figures})


def write_index(folder: Path, vectors: FloatMatrix, kind: IndexKind) -> None:
    """Write a codebook and an index with about as many lists as the root of the number of vectors."""
    n_lists = 2 ** round(0.5 * np.log2(len(vectors)))
    sample, matcher = vectors[: n_lists * 64], make_matcher()
    codebook = train_codebook(
        [sample],
        pass_over([sample], matcher=matcher),
        kind=kind,
        training=Training(n_lists=n_lists, balance=0.5),
        probes=sample[:1],
    )
    (folder / "codebook").write_bytes(encode_codebook(codebook))
    labels = codebook.assign(vectors, matcher=matcher).labels
    (folder / "dense.faiss").write_bytes(codebook.encode(vectors, labels))


def measure(folder: Path, *, rounds: int) -> dict[str, Any]:
    """Return the medians of each way, over rounds in which the ways take turns."""
    seen: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            seen[way].append(measure_pair(folder, way))
    found = {round_["found"] for of_way in seen.values() for round_ in of_way}
    medians = {
        way: {name: round(float(np.median([one[name] for one in of_way])), 2) for name in FIGURES}
        for way, of_way in seen.items()
    }
    file_mb = round((folder / "dense.faiss").stat().st_size / MB, 1)
    return {"file_mb": file_mb, "same_rows": len(found) == 1, **medians}


def measure_pair(folder: Path, way: str) -> dict[str, Any]:
    """Return the figures of the first of two processes that open the same file."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(start_reader(folder, way)) for _ in range(2))
        figures = ask(first, "open")
        ask(second, "open")
        return figures | ask(first, "memory") | ask(first, "search")


@contextmanager
def start_reader(folder: Path, way: str) -> Iterator[Connection]:
    """Start a process that opens the index; it ends with the block."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=read, args=(theirs, folder, way))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.send("end")
        process.join()


def ask(reader: Connection, what: str) -> dict[str, Any]:
    """Return what a process answers."""
    reader.send(what)
    answer: dict[str, Any] = reader.recv()
    return answer


def read(connection: Connection, folder: Path, way: str) -> None:
    """Open the index, and answer until told to end; in a process of its own."""
    vectors = np.load(folder / "vectors.npy", mmap_mode="r").view(np.ndarray)
    questions = [DenseQuery(row, dim=vectors.shape[1]) for row in np.load(folder / "questions.npy")]
    data = (folder / "codebook").read_bytes()
    codebook = decode_codebook(data, digest=digest_bytes(data), path="codebook")
    lists = codebook.lists  # made here: no part of opening
    rescore(vectors, np.arange(len(vectors)), np.arange(10), query=questions[0], k=1)  # compiles, once
    before, index = read_memory(), None
    with threadpool_limits(1):
        while (asked := connection.recv()) != "end":
            if asked == "open":
                started = time.perf_counter()
                found = open_index(folder / "dense.faiss", lists, way)
                index = wrap(found, codebook, vectors)
                spent_ms = (time.perf_counter() - started) * 1e3
                peak_mb = read_status("VmHWM:") - before["rss_mb"]
                search(index, questions[:1], n_probes=index.n_lists)
                connection.send({"open_ms": spent_ms, "peak_mb": peak_mb})
            elif asked == "memory":
                now = read_memory()
                connection.send({name: now[name] - before[name] for name in before})
            elif index is not None:
                connection.send(search(index, questions, n_probes=index.n_lists // 16))


def open_index(path: Path, lists: Any, way: str) -> Any:
    """Return FAISS's index, opened in one of three ways."""
    if way == "bytes":
        index: Any = faiss.deserialize_index(np.frombuffer(path.read_bytes(), dtype=np.uint8))
    else:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP if way == "mapped" else 0)
    index.own_fields = False
    index.quantizer = lists
    if isinstance(index, faiss.IndexIVFPQFastScan):
        index.implem = 10  # as `indexes/dense/codes.py` has it
    return index


def wrap(index: Any, codebook: Codebook, vectors: FloatMatrix) -> IvfIndex:
    """Return the product's index over FAISS's."""
    return IvfIndex(index, codebook=codebook, vectors=vectors, ids=np.arange(len(vectors)))


def search(index: IvfIndex, questions: Sequence[DenseQuery], *, n_probes: int) -> dict[str, Any]:
    """Return milliseconds of a search for ten rows of a hundred candidates, and a digest of those found."""
    selection, spent, found = select_all(index.n_rows), [], []
    for query in questions:
        started = time.perf_counter()
        effort = Effort(n_probes=n_probes, n_candidates=100)
        neighbours = index.search(query, k=10, selection=selection, effort=effort)
        spent.append((time.perf_counter() - started) * 1e3)
        found.append(neighbours.rows)
    rows = digest_bytes(np.concatenate(found).tobytes())
    return {"median_ms": np.median(spent), "p95_ms": np.percentile(spent, 95), "found": rows}


def read_memory() -> dict[str, float]:
    """Return this process's memory, MB: all, its own alone, its share, and what no file backs."""
    full = psutil.Process().memory_full_info()
    of = {"rss_mb": full.rss, "uss_mb": full.uss, "pss_mb": full.pss}
    return {name: size / MB for name, size in of.items()} | {"anonymous_mb": read_status("RssAnon:")}


def read_status(name: str) -> float:
    """Return a figure of this process's status, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
