"""Rows on their way to a device: the next block is laid ready while the device works on this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from eagleray.contracts.ports import FloatMatrix


def send_blocks(rows: FloatMatrix, *, n: int, device: torch.device) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield blocks of rows, in order, on a device.

    On a GPU they go through two pinned buffers, which a thread fills from memory or from a mapped file.

    Args:
        rows: float32 [n_rows, dim].
        n: rows a block holds at most.
        device: where they go.
    """
    blocks = [slice(start, min(start + n, len(rows))) for start in range(0, len(rows), n)]
    if device.type == "cuda":
        yield from _send_ahead(rows, blocks, device=device)
        return
    for block in blocks:
        yield block, torch.tensor(rows[block], device=device)


def _send_ahead(
    rows: FloatMatrix, blocks: Sequence[slice], *, device: torch.device
) -> Iterator[tuple[slice, torch.Tensor]]:
    buffers = [_Buffer(block.stop - block.start, rows.shape[1]) for block in blocks[:2]]
    with ThreadPoolExecutor(1, thread_name_prefix="lay-ready") as pool:
        laid = [
            pool.submit(buffer.fill, rows[block]) for buffer, block in zip(buffers, blocks[:2], strict=True)
        ]
        for number, block in enumerate(blocks):
            buffer = buffers[number % 2]
            yield block, buffer.send(laid[number].result(), device=device)
            if number + 2 < len(blocks):
                laid.append(pool.submit(buffer.fill, rows[blocks[number + 2]]))


class _Buffer:
    """Pinned memory for a block; it is filled again only when the device has read it."""

    def __init__(self, n: int, dim: int) -> None:
        self._memory = torch.empty((n, dim), dtype=torch.float32, pin_memory=True)
        self._read = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch has no types here

    def fill(self, rows: FloatMatrix) -> torch.Tensor:
        self._read.synchronize()
        laid = self._memory[: len(rows)]
        np.copyto(laid.numpy(), rows)
        return laid

    def send(self, laid: torch.Tensor, *, device: torch.device) -> torch.Tensor:
        on_device = laid.to(device, non_blocking=True)
        self._read.record(torch.cuda.current_stream(device))
        return on_device
