"""Which rows and instants the gate tries: a sample that depends on nothing but the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix
from eagleray.contracts.times import OPEN_END
from indexes.segments.view import SegmentView

_QUERY_WORDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSample:
    """How much the gate tries.

    Attributes:
        n_probes: rows whose own vectors and words are searched for.
        n_instants: instants at which as-of answers are compared.
        k: hits compared.
        max_rows: segments are taken into the as-of comparison until they hold so many rows; the
            first is always taken.
    """

    n_probes: int = 32
    n_instants: int = 4
    k: int = 10
    max_rows: int = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Rows to search for.

    Attributes:
        chunk_ids: int64 [n].
        known_from: int64 [n], microseconds.
        vectors: float32 [n, dim], C-contiguous, unit L2 norm.
        texts: first words of each row.
    """

    chunk_ids: npt.NDArray[np.int64]
    known_from: npt.NDArray[np.int64]
    vectors: FloatMatrix
    texts: tuple[str, ...]


def make_generator(snapshot: str) -> np.random.Generator:
    """Return the generator that a snapshot's id seeds."""
    return np.random.default_rng(int(snapshot[:16], 16))


def sample_probes(segments: Sequence[SegmentView], rng: np.random.Generator, *, n_probes: int) -> Probes:
    """Return distinct rows drawn evenly from all rows, or all rows where there are no more."""
    bounds = np.cumsum([0, *(segment.n_rows for segment in segments)])
    total = int(bounds[-1])
    drawn = np.sort(rng.choice(total, size=min(n_probes, total), replace=False))
    owners = np.searchsorted(bounds, drawn, side="right") - 1
    places = [(segments[owner], row) for owner, row in zip(owners, drawn - bounds[owners], strict=True)]
    return Probes(
        chunk_ids=np.array([segment.chunk_ids[row] for segment, row in places], dtype=np.int64),
        known_from=np.array([segment.known_from[row] for segment, row in places], dtype=np.int64),
        vectors=np.array([segment.vectors[row] for segment, row in places], dtype=np.float32),
        texts=tuple(
            " ".join(segment.rows["text"][int(row)].as_py().split()[:_QUERY_WORDS]) for segment, row in places
        ),
    )


def sample_instants(
    segments: Sequence[SegmentView], rng: np.random.Generator, *, n_instants: int
) -> list[int]:
    """Return instants where an answer may change: row ends and beginnings, and just before them."""
    starts = np.concatenate([segment.known_from for segment in segments])
    ends = np.concatenate([segment.known_to[segment.known_to != OPEN_END] for segment in segments])
    drawn = []
    for number in range(n_instants):
        moments = ends if number % 2 and len(ends) else starts
        drawn.append(int(rng.choice(moments)) - number // 2 % 2)
    return sorted(set(drawn))


def pick_segments(
    segments: Sequence[SegmentView], rng: np.random.Generator, *, max_rows: int
) -> tuple[SegmentView, ...]:
    """Return segments in drawn order until they hold `max_rows` rows; at least one."""
    picked: list[SegmentView] = []
    for number in rng.permutation(len(segments)):
        segment = segments[number]
        if picked and sum(item.n_rows for item in picked) + segment.n_rows > max_rows:
            continue
        picked.append(segment)
    return tuple(picked)
