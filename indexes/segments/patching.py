"""Patches laid over a segment's own `known_to` and group bitmaps, always in copies.

Two rules. *The earliest `known_to` wins*: a patch can close a row or close it sooner, never reopen
it or move its end later, so patches to `known_to` may come in any order. *The last groups win*:
each patch replaces a row's groups, so patches to groups apply in the snapshot's order.

Patch files are made and read in `indexes.snapshots.patches`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexes.segments.groups import Bitmaps, build_group_bits

PATCH_SCHEMA: Final = pa.schema(
    [
        pa.field("chunk_id", pa.int64(), nullable=False),
        pa.field("known_to", pa.int64()),
        pa.field("groups", pa.list_(pa.string())),
    ]
)
"""One row a changed row, chunk_id ascending; null leaves that part as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowState:
    """What patches may change of a segment's rows.

    Attributes:
        known_to: int64 [n], microseconds.
        group_names: names of the bitmaps; the first is `public`.
        group_bits: uint8 [len(group_names), ceil(n / 8)], little-endian bits.
    """

    known_to: npt.NDArray[np.int64]
    group_names: tuple[str, ...]
    group_bits: Bitmaps


def apply_patches(
    state: RowState, patches: Sequence[pa.Table], *, chunk_ids: npt.NDArray[np.int64]
) -> RowState:
    """Return the state with the patches on top; arrays no patch touches are handed through.

    Args:
        state: the segment's own state, or an earlier result; never changed.
        patches: tables of `PATCH_SCHEMA`, first to last.
        chunk_ids: int64 [n], ids of the segment's rows.
    """
    for patch in patches:
        ids = patch["chunk_id"].to_numpy()
        places = np.minimum(np.searchsorted(ids, chunk_ids), len(ids) - 1)
        rows = np.flatnonzero(ids[places] == chunk_ids)
        if len(rows):
            state = _apply(state, rows, patch.take(places[rows]))
    return state


def _apply(state: RowState, rows: npt.NDArray[np.int64], changes: pa.Table) -> RowState:
    """Return the state with `changes[i]` on top of row `rows[i]`."""
    known_to, names, bits = state.known_to, state.group_names, state.group_bits
    ends = changes["known_to"].combine_chunks()
    if ends.null_count < len(ends):
        is_closed = ends.is_valid().to_numpy(zero_copy_only=False)
        closed, sooner = rows[is_closed], ends.drop_null().to_numpy()
        known_to = known_to.copy()
        known_to[closed] = np.minimum(known_to[closed], sooner)
    groups = changes["groups"].combine_chunks()
    if groups.null_count < len(groups):
        is_changed = groups.is_valid().to_numpy(zero_copy_only=False)
        names, bits = _replace_groups(state, rows[is_changed], groups.drop_null())
    return RowState(known_to=known_to, group_names=names, group_bits=bits)


def _replace_groups(
    state: RowState, rows: npt.NDArray[np.int64], groups: pa.Array
) -> tuple[tuple[str, ...], Bitmaps]:
    new_names, new_bits = build_group_bits(groups)
    own = state.group_names[1:]
    names = (state.group_names[0], *own, *(name for name in new_names[1:] if name not in own))
    places = {name: place for place, name in enumerate(names[1:], start=1)}
    bits = np.zeros((len(names), state.group_bits.shape[1]), dtype=np.uint8)
    bits[: len(state.group_names)] = state.group_bits
    target, shifts = rows // 8, (rows % 8).astype(np.uint8)
    masks = np.left_shift(np.uint8(1), shifts)
    for bitmap in bits:
        np.bitwise_and.at(bitmap, target, ~masks)
    for number, name in enumerate(new_names):
        chosen = np.unpackbits(new_bits[number], bitorder="little", count=len(rows)).astype(np.bool_)
        place = 0 if number == 0 else places[name]
        np.bitwise_or.at(bits[place], target[chosen], masks[chosen])
    return names, bits
