"""Group bitmaps: for each group of readers, which rows carry it.

Bitmap 0 stands for rows without groups. A group that is really named `public` gets a bitmap of its
own behind it. Patches to bitmaps live in `patching`, their use in `indexes.masks`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

PUBLIC: Final = "public"
"""Name of bitmap 0: rows without groups."""

Bitmaps = npt.NDArray[np.uint8]
"""uint8 [n_groups, ceil(n_rows / 8)], little-endian bits."""


def count_bitmap_bytes(n_rows: int) -> int:
    """Return the bytes of one bitmap."""
    return (n_rows + 7) // 8


def build_group_bits(groups: pa.Array) -> tuple[tuple[str, ...], Bitmaps]:
    """Return the names of the bitmaps and the bitmaps.

    Args:
        groups: list<string> [n_rows], names of each row's groups.
    """
    n_rows = len(groups)
    parents = pc.list_parent_indices(groups).to_numpy()
    coded = pc.list_flatten(groups).dictionary_encode()
    found = coded.dictionary.to_pylist()
    order = sorted(range(len(found)), key=lambda code: found[code])
    codes = coded.indices.to_numpy()
    bits = np.zeros((len(found) + 1, count_bitmap_bytes(n_rows)), dtype=np.uint8)
    is_public = np.ones(n_rows, dtype=np.bool_)
    is_public[parents] = False
    bits[0] = np.packbits(is_public, bitorder="little")
    by_code = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[by_code], np.arange(len(found) + 1))
    for place, code in enumerate(order, start=1):
        has_group = np.zeros(n_rows, dtype=np.bool_)
        has_group[parents[by_code[bounds[code] : bounds[code + 1]]]] = True
        bits[place] = np.packbits(has_group, bitorder="little")
    return (PUBLIC, *(found[code] for code in order)), bits
