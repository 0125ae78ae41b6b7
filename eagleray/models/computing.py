"""How torch computes: on which device, with how many threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from eagleray.errors import ModelError

_ONE_AT_A_TIME: Final = threading.RLock()


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Let torch compute with that many threads for the length of a block.

    The number is the process's, so blocks of several threads come one after the other: no bit of a result
    depends on who else computes.
    """
    with _ONE_AT_A_TIME:
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
