"""Are bitmaps of groups better packed bit by bit, or as roaring bitmaps?

    python -m benchmarks.group_bitmaps [--rows N] [--groups N,N,…]

Each row carries up to three groups, drawn so that group `g` is carried as `1 / g` (Zipf). A caller is in 20
groups, drawn evenly. Both ways end in the same packed bits of the rows the caller may read, which is what a
search takes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from benchmarks.reporting import show_result
from indexes.segments.groups import build_group_bits
from indexes.selections import Bits

_CALLERS = 50
_GROUPS_OF_CALLER = 20


def main() -> None:
    """Build both for each number of groups, and print sizes and medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--groups", default="10,100,1000,5000")
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    results = [compare(arguments.rows, int(n), rng) for n in arguments.groups.split(",")]
    show_result({"rows": arguments.rows, "results": results})


def compare(n_rows: int, n_groups: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return bytes on disk and milliseconds to find what a caller may read, both ways."""
    started = time.perf_counter()
    names, packed = build_group_bits(draw_groups(n_rows, n_groups, rng))
    build_s = time.perf_counter() - started
    roaring = [BitMap(np.flatnonzero(_unpack(bits, n_rows))) for bits in packed]
    for bitmap in roaring:
        bitmap.run_optimize()
    kept = [bitmap.serialize() for bitmap in roaring]
    callers = [
        rng.choice(len(names) - 1, min(_GROUPS_OF_CALLER, len(names) - 1), replace=False) + 1
        for _ in range(_CALLERS)
    ]
    for mine in callers:
        if not np.array_equal(join_packed(packed, mine), join_roaring(kept, mine, n_rows)):
            raise ValueError("the two ways differ")
    return {
        "groups": n_groups,
        "packed_bytes": packed.nbytes,
        "roaring_bytes": sum(map(len, kept)),
        "packed_ms": _time(lambda mine: join_packed(packed, mine), callers),
        "roaring_ms": _time(lambda mine: join_roaring(kept, mine, n_rows), callers),
        "packed_build_s": round(build_s, 2),
    }


def draw_groups(n_rows: int, n_groups: int, rng: np.random.Generator) -> pa.Array:
    """Return list<string> [n_rows]: none to three groups a row."""
    weights = 1.0 / np.arange(1, n_groups + 1)
    counts = rng.integers(0, 4, size=n_rows)
    drawn = rng.choice(n_groups, size=int(counts.sum()), p=weights / weights.sum())
    names = np.array([f"desk-{number:05d}" for number in range(n_groups)])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(names[drawn].tolist(), pa.string()))


def join_packed(packed: Bits, mine: Sequence[int]) -> Bits:
    """Return the rows of some groups and the public ones, as the product does it."""
    bits: Bits = packed[0].copy()
    for number in mine:
        np.bitwise_or(bits, packed[number], out=bits)
    return bits


def join_roaring(kept: Sequence[bytes], mine: Sequence[int], n_rows: int) -> Bits:
    """Return the same from serialised roaring bitmaps."""
    joined = BitMap.union(*(BitMap.deserialize(kept[number]) for number in (0, *mine)))
    is_read = np.zeros(n_rows, dtype=np.bool_)
    is_read[np.array(joined.to_array(), dtype=np.int64)] = True
    return np.packbits(is_read, bitorder="little")


def _unpack(bits: Bits, n_rows: int) -> np.ndarray:
    return np.unpackbits(bits, count=n_rows, bitorder="little")


def _time(join: Callable[[Sequence[int]], Bits], callers: Sequence[Sequence[int]]) -> float:
    taken = []
    for mine in callers:
        started = time.perf_counter()
        join(mine)
        taken.append((time.perf_counter() - started) * 1000.0)
    return round(median(taken), 4)


if __name__ == "__main__":
    main()
