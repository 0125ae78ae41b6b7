"""How torch computes: on which device, with how many threads, one batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from eagleray.errors import ModelError
from eagleray.models.compute_turns import ComputeTurns, TurnKind

_TURNS: Final = ComputeTurns()


@contextmanager
def take_turn(kind: TurnKind, *, threads: int) -> Iterator[None]:
    """Let torch compute one batch with that many threads, in the length of a block, without gradients.

    The number is the process's, so turns come one after the other: no bit of a result depends on who else
    computes.
    """
    with _TURNS.take(kind), torch.inference_mode():
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
