"""What does a GPU save: lists a second, the scan of all that fits, and are its answers those of the CPU?

    python -m benchmarks.gpu [--build-rows N] [--scan-rows N] [--lists L] [--dim D] [--passages FILE.npy]

Rows are real passages' vectors and made ones (`benchmarks.real_vectors`), brought to the dimension by weaker
copies turned otherwise. Building is to assign rows that lie in memory to lists, in two levels, and to encode
them (ivf_sq8, FAISS on CPU) while the next segment is assigned; training is shown beside it. A scan is what
finds the candidates of one exact search; the candidates' comparison is a few rows. It needs torch and a GPU.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from indexes.dense.codebooks import Codebook
from indexes.dense.codes import make_lists, train_encoder
from indexes.dense.contracts import Effort
from indexes.dense.devices import make_matcher
from indexes.dense.flat import FlatIndex
from indexes.dense.kmeans import Training, draw_first, pass_over, train_centroids
from indexes.dense.queries import DenseQuery
from indexes.dense.torch_flat import HalfRows, TorchFlatIndex
from indexes.dense.torch_matching import TorchMatcher
from indexes.selections import Selection

_BLOCK: Final = 1 << 19
_SEGMENT: Final = 250_000
_STEP: Final = 0.4
"""`real_vectors.STEP`; importing it takes an embedder, which a machine with torch alone lacks."""
_DEVICE: Final = "cuda"
_EFFORT: Final = Effort(n_probes=1, n_candidates=1)


def main() -> None:
    """Compare answers, build, scan."""
    arguments = _parse_arguments()
    passages = load(arguments.passages)
    figures: dict[str, Any] = {"device": torch.cuda.get_device_name(), "dim": arguments.dim}
    for measure in (compare_answers, measure_build, measure_scan):
        figures |= measure(passages, arguments)
        print(json.dumps(figures), flush=True)
        torch.cuda.empty_cache()


def load(path: Path | None) -> torch.Tensor:
    """Return the passages' vectors on the device: float32 [n, 384]."""
    if path is None:
        from benchmarks.real_vectors import load_passages

        return torch.tensor(load_passages(), device=_DEVICE)
    return torch.tensor(np.load(path).astype(np.float32), device=_DEVICE)


def make_rows(passages: torch.Tensor, n: int, *, dim: int, seed: int) -> Iterator[torch.Tensor]:
    """Yield float32 [<= _BLOCK, dim] on the device, unit L2 norm, `n` rows in all."""
    drawn = torch.Generator(device=_DEVICE).manual_seed(seed)
    own = passages.shape[1]
    turning = torch.Generator(device=_DEVICE).manual_seed(1)
    turns = []
    for number in range(-(-dim // own)):
        noise = torch.randn((own, own), generator=turning, device=_DEVICE)
        turns.append(torch.linalg.qr(noise).Q[:, : min(own, dim - number * own)] * 0.5**number)
    turn = torch.cat(turns, dim=1)
    for start in range(0, n, _BLOCK):
        size = min(_BLOCK, n - start)
        base, one, other = torch.randint(len(passages), (3, size), generator=drawn, device=_DEVICE)
        rows = passages[base] + _STEP * (passages[one] - passages[other])
        yield torch.nn.functional.normalize(rows @ turn, dim=1)


def make_host_rows(passages: torch.Tensor, n: int, *, dim: int, seed: int) -> FloatMatrix:
    """Return float32 [n, dim] in the host's memory."""
    rows = np.empty((n, dim), dtype=np.float32)
    start = 0
    for block in make_rows(passages, n, dim=dim, seed=seed):
        rows[start : start + len(block)] = block.cpu().numpy()
        start += len(block)
    return rows


def make_selections(n: int) -> dict[str, Selection]:
    """Return all rows, the first half, and a tenth by chance."""
    bits = np.packbits(np.random.default_rng(3).random(n) < 0.1, bitorder="little")
    return {
        "all": Selection(n_rows=n, n_prefix=n),
        "first half": Selection(n_rows=n, n_prefix=n // 2),
        "a tenth by chance": Selection(n_rows=n, n_prefix=n, bits=bits),
    }


def compare_answers(passages: torch.Tensor, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how many exact answers are those of the CPU, to the bit."""
    n = arguments.compare_rows
    rows = make_host_rows(passages, n, dim=arguments.dim, seed=4)
    queries = make_host_rows(passages, 50, dim=arguments.dim, seed=5)
    ids = np.random.default_rng(6).permutation(n).astype(np.int64)
    own, theirs = TorchFlatIndex(rows, ids, device=_DEVICE), FlatIndex(rows, ids)
    n_equal = n_asked = 0
    for selection in make_selections(n).values():
        for vector in queries:
            query = DenseQuery(vector, dim=arguments.dim)
            one = own.search(query, k=10, selection=selection, effort=_EFFORT)
            other = theirs.search(query, k=10, selection=selection, effort=_EFFORT)
            n_asked += 1
            n_equal += (one.rows.tobytes(), one.similarities.tobytes()) == (
                other.rows.tobytes(),
                other.similarities.tobytes(),
            )
    return {"compared_rows": n, "answers": n_asked, "equal": n_equal}


def measure_build(passages: torch.Tensor, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return rows a second, assigned and built, and what training took."""
    rows = make_host_rows(passages, arguments.build_rows, dim=arguments.dim, seed=7)
    matcher = make_matcher(_DEVICE)
    training = Training(n_lists=arguments.lists, n_iterations=4)
    sample = rows[: 16 * arguments.lists]
    started = time.perf_counter()
    first = draw_first(sample, training=training)
    trained = train_centroids(first, pass_over([sample], matcher=matcher), training=training)
    train_s = time.perf_counter() - started
    encoder = train_encoder(make_lists(trained.centroids), sample[:8_192], kind=IndexKind.IVF_SQ8)
    codebook = Codebook(
        kind=IndexKind.IVF_SQ8,
        centroids=trained.centroids,
        encoder=encoder,
        mean_error=trained.mean_error,
        probes=sample[:1],
    )
    codebook.assign(rows[: 1 << 18], matcher=matcher)  # groups, kernels and pinned memory
    started = time.perf_counter()
    labels = codebook.assign(rows, matcher=matcher).labels
    assign_s = time.perf_counter() - started
    exact = TorchMatcher(_DEVICE).match(rows[:50_000], trained.centroids, handicaps=None)
    started = time.perf_counter()
    size = build_segments(codebook, rows, matcher, threads=arguments.threads)
    build_s = time.perf_counter() - started
    return {
        "build_rows": len(rows),
        "lists": arguments.lists,
        "train_s": round(train_s, 1),
        "assigned_per_s": round(len(rows) / assign_s),
        "built_per_s": round(len(rows) / build_s),
        "nearest_share": round(float((labels[:50_000] == exact.labels).mean()), 4),
        "bytes_per_row": round(size / len(rows)),
    }


def build_segments(codebook: Codebook, rows: FloatMatrix, matcher: Any, *, threads: int) -> int:
    """Return the bytes of all segments; threads encode one while the device assigns the next."""
    with ThreadPoolExecutor(threads) as pool:
        done = []
        for start in range(0, len(rows), _SEGMENT):
            segment = rows[start : start + _SEGMENT]
            labels = codebook.assign(segment, matcher=matcher).labels
            done.append(pool.submit(lambda mine, into: len(codebook.encode(mine, into)), segment, labels))
        return sum(future.result() for future in done)


def measure_scan(passages: torch.Tensor, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return milliseconds a scan, and its share of the bandwidth of a copy on the device."""
    n = arguments.scan_rows
    half = torch.empty((n, arguments.dim), dtype=torch.float16, device=_DEVICE)
    start = 0
    for block in make_rows(passages, n, dim=arguments.dim, seed=8):
        half[start : start + len(block)] = block.half()
        start += len(block)
    held = HalfRows(half)
    queries = make_host_rows(passages, 12, dim=arguments.dim, seed=9)
    figures: dict[str, Any] = {"scan_rows": n, "copy_gb_per_s": round(measure_copy())}
    for name, selection in make_selections(n).items():
        spent, found = [], 0
        for vector in queries:
            started = time.perf_counter()
            found += len(held.find(vector, k=10, selection=selection))
            spent.append(time.perf_counter() - started)
        median = statistics.median(spent[2:])
        rate = selection.n_prefix * arguments.dim * 2 / median / 1e9
        figures[name] = {
            "ms": round(1e3 * median, 2),
            "gb_per_s": round(rate),
            "of_copy": round(rate / figures["copy_gb_per_s"], 3),
            "candidates": found // len(queries),
        }
    return figures


def measure_copy() -> float:
    """Return GB a second of a copy from memory of the device to memory of the device, read and written."""
    source = torch.ones(1 << 32, dtype=torch.uint8, device=_DEVICE)
    target = torch.empty_like(source)
    target.copy_(source)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(10):
        target.copy_(source)
    torch.cuda.synchronize()
    return 10 * 2 * len(source) / (time.perf_counter() - started) / 1e9


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compare-rows", type=int, default=500_000)
    parser.add_argument("--build-rows", type=int, default=4_000_000)
    parser.add_argument("--scan-rows", type=int, default=50_000_000)
    parser.add_argument("--lists", type=int, default=65_536)
    parser.add_argument("--dim", type=int, default=1_024)
    parser.add_argument("--threads", type=int, default=4, help="that encode")
    parser.add_argument(
        "--passages", type=Path, help="float16 or float32 [n, 384], where no corpus is at hand"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
