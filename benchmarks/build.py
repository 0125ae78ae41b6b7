"""How fast are inverted lists built, and are they the same bytes for any number of workers?

    python -m benchmarks.build --vectors N [--dim D] [--lists L] [--device cpu|cuda|faiss] [--kind KIND]

Real passages' vectors and made ones (`benchmarks.real_vectors`) lie in a file. The codebook is trained by
the product's passes on Ray, and the lists of each segment are built by a Ray task, with 1, 2 and 4 workers
of one thread each. The digest is that of the codebook and of every list file. The peer, autofaiss, builds
the same kind of index with as many lists, in one thread, and once more the index it chooses itself.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.real_vectors import fit_dimension, load_passages, make_vectors
from benchmarks.reporting import show_result
from eagleray.contracts.enrichment import WorkerResources
from eagleray.contracts.indexes import IndexKind
from eagleray.contracts.ports import FloatMatrix
from eagleray.digests import digest_bytes, digest_file, digest_json
from indexes.dense.codebook_files import decode_codebook, encode_codebook
from indexes.dense.codebooks import Codebook
from indexes.dense.codes import make_lists, train_encoder
from indexes.dense.devices import make_matcher
from indexes.dense.kmeans import Training, draw_first, train_centroids
from ray_jobs.clusters import connected
from ray_jobs.execution import WorkerLimits, run_stage
from ray_jobs.passes import spread_blocks
from ray_jobs.plans.training import ROWS_PER_LIST
from ray_jobs.stage_spec import StageSpec

_SEGMENT_ROWS = 250_000
_BLOCK_ROWS = 16_384
_ENCODER_ROWS = 8_192


def main() -> None:
    """Build with 1, 2 and 4 workers, and with the peer."""
    arguments = _parse_arguments()
    with tempfile.TemporaryDirectory(prefix="eagleray-build-") as name:
        folder = Path(name)
        vectors = make_vectors(load_passages(), arguments.vectors, seed=1)
        vectors = fit_dimension(vectors, arguments.dim, seed=1)
        np.save(folder / "vectors.npy", vectors)
        digests, seconds = {}, {}
        for workers in (1, 2, 4):
            out = folder / str(workers)
            out.mkdir()
            with connected(n_cpus=workers):
                warm_up(workers)
                started = time.perf_counter()
                digests[workers] = build(folder / "vectors.npy", out, arguments, workers=workers)
                seconds[workers] = time.perf_counter() - started
            print(f"{workers} workers: {seconds[workers]:.1f} s, digest {digests[workers][:16]}", flush=True)
        peer = {} if arguments.no_peer else measure_peer(vectors, arguments)
        size = sum(path.stat().st_size for path in (folder / "1").iterdir())
    show_result(
        {
            "vectors": arguments.vectors,
            "dim": arguments.dim,
            "lists": arguments.lists,
            "kind": arguments.kind,
            "vectors_per_s": round(arguments.vectors / seconds[1]),
            "peer": "autofaiss",
            "peer_vectors_per_s": round(arguments.vectors / min(peer.values())) if peer else None,
            "peer_seconds": {key: round(spent, 1) for key, spent in peer.items()},
            "seconds_by_workers": {n: round(spent, 1) for n, spent in seconds.items()},
            "bytes_per_vector": round(size / arguments.vectors, 1),
            "digest": digests[1],
            "digest_2_workers": digests[2],
            "digest_4_workers": digests[4],
        }
    )


def build(path: Path, out: Path, arguments: argparse.Namespace, *, workers: int) -> str:
    """Train, build every segment, and return the digest of all that was made."""
    n_rows = arguments.vectors
    n_sample = min(n_rows, arguments.lists * ROWS_PER_LIST)
    blocks = cut_rows(n_sample, _BLOCK_ROWS)
    training = Training(n_lists=arguments.lists, balance=0.5)
    read = partial(read_rows, path)
    with spread_blocks(
        read, blocks, workers=workers, memory_bytes=256 << 20, device=arguments.device
    ) as passes:
        first = draw_first(passes.take(2 * arguments.lists), training=training)
        trained = train_centroids(first, passes, training=training)
        sample = passes.take(_ENCODER_ROWS)
    kind = IndexKind(arguments.kind)
    encoder = train_encoder(make_lists(trained.centroids), sample, kind=kind)
    codebook = Codebook(
        kind=kind,
        centroids=trained.centroids,
        encoder=encoder,
        mean_error=trained.mean_error,
        probes=sample[:1],
    )
    data = encode_codebook(codebook)
    (out / "codebook.arrow").write_bytes(data)
    stage = StageSpec(
        name="segments",
        payloads=cut_rows(n_rows, _SEGMENT_ROWS),
        make_task=partial(SegmentTask, path, out, digest_bytes(data), arguments.device),
        outcome=str,
        resources=WorkerResources(n_gpus=float(arguments.device != "cpu")),
    )
    return digest_json([digest_bytes(data), *sorted(carry_out(stage, workers=workers))])


def carry_out(stage: StageSpec[RowRange, str], *, workers: int) -> list[str]:
    """Run a stage and return its outcomes."""
    limits = WorkerLimits(n_workers=workers)
    return run_stage(stage, ledger=None, limits=limits, on_progress=lambda *_: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRange:
    """Rows `start` to `end`, which is exclusive."""

    start: int
    end: int

    @property
    def key(self) -> str:
        """Name of the range."""
        return f"{self.start:012d}"


def cut_rows(n_rows: int, n: int) -> tuple[RowRange, ...]:
    """Return ranges of at most `n` rows each."""
    return tuple(RowRange(start=start, end=min(start + n, n_rows)) for start in range(0, n_rows, n))


class SegmentTask:
    """Builds the lists of a range of rows."""

    def __init__(self, path: Path, out: Path, codebook: str, device: str) -> None:
        data = (out / "codebook.arrow").read_bytes()
        self._codebook = decode_codebook(data, digest=codebook, path=str(out))
        self._path, self._out, self._matcher = path, out, make_matcher(device)

    def __call__(self, payload: RowRange) -> str:
        """Assign, encode and write; return the digest of what was written."""
        rows = np.load(self._path, mmap_mode="r")[payload.start : payload.end].view(np.ndarray)
        match = self._codebook.assign(rows, matcher=self._matcher)
        path = self._out / f"{payload.key}.faiss"
        path.write_bytes(self._codebook.encode(rows, match.labels))
        return digest_file(path)


def read_rows(path: Path, payload: RowRange) -> FloatMatrix:
    """Return a block of the file; its rows are in an order of chance."""
    return np.array(np.load(path, mmap_mode="r")[payload.start : payload.end])


def warm_up(workers: int) -> None:
    """Start the workers and their imports, which a long build does not notice."""
    stage = StageSpec(name="warm_up", payloads=cut_rows(workers, 1), make_task=_Nothing, outcome=str)
    carry_out(stage, workers=workers)


class _Nothing:
    def __call__(self, payload: RowRange) -> str:
        return payload.key


def measure_peer(vectors: FloatMatrix, arguments: argparse.Namespace) -> dict[str, float]:
    """Return the seconds autofaiss took, by index key; nothing where it is not installed."""
    try:
        from autofaiss import build_index
    except ImportError:
        print("autofaiss is not installed: make peers", flush=True)
        return {}
    seconds = {}
    same = f"IVF{arguments.lists},PQ{arguments.dim // 2}x4fs"
    for key in (same, None) if arguments.own_choice else (same,):
        started = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            index, _ = build_index(
                embeddings=vectors,
                save_on_disk=False,
                index_key=key,
                index_param="nprobe=64" if key else None,  # it tunes no index of this key
                metric_type="l2",  # which orders unit vectors alike; it refuses "ip" with this key
                nb_cores=1,
                max_index_memory_usage="8G",
                current_memory_available="18G",
                max_index_query_time_ms=10.0,
                verbose=50,
            )
        if index is None:
            raise RuntimeError(f"autofaiss built nothing for {key}")
        seconds[key or "its own choice"] = time.perf_counter() - started
        print(f"autofaiss {key or 'as it chooses'}: {seconds[key or 'its own choice']:.1f} s", flush=True)
    return seconds


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--lists", type=int, default=1024)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda", "faiss"])
    parser.add_argument("--kind", default="ivf_pq", choices=[str(kind) for kind in IndexKind][1:])
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--own-choice", action="store_true", help="also the index autofaiss chooses")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return parser.parse_args()


if __name__ == "__main__":
    main()
