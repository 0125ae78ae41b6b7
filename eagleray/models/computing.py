"""How torch computes: on which device, with how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from eagleray.errors import ModelError


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Let torch compute with that many threads for the length of a block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def require_device(device: str, *, model: str) -> None:
    """Refuse a device that is not there.

    Args:
        device: `cpu` or `cuda`.
        model: name of the model, for the message.

    Raises:
        ModelError: torch sees no GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError(model=model, detail="device is cuda, but torch sees no GPU; set device to cpu")
