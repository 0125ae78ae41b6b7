"""Segments whose vectors lie on a GPU, too, for as long as they are searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from eagleray.errors import InputError
from indexes.segments.view import SegmentView

_HALF_BYTES: Final = 2


def bring_to_device(views: Sequence[SegmentView], device: str) -> tuple[SegmentView, ...]:
    """Return the segments with their vectors on a device, in half precision; on `cpu`, as they are.

    Args:
        views: opened segments.
        device: `cpu`, or one that torch knows.

    Raises:
        InputError: there is no such device, or they do not fit on it.
    """
    if device == "cpu":
        return tuple(views)
    import torch

    from indexes.dense.torch_flat import TorchFlatIndex

    if device.startswith("cuda") and not torch.cuda.is_available():
        detail = f"search device is {device}, but torch sees no GPU; set EAGLERAY_SEARCH__DEVICE=cpu"
        raise InputError(detail=detail)
    try:
        return tuple(
            replace(view, on_device=TorchFlatIndex(view.vectors, view.chunk_ids, device=device))
            for view in views
        )
    except torch.OutOfMemoryError as error:
        size_gb = sum(view.vectors.size for view in views) * _HALF_BYTES / 1e9
        detail = f"the vectors take {size_gb:.1f} GB on the GPU, which has less free"
        raise InputError(detail=f"{detail}; set EAGLERAY_SEARCH__DEVICE=cpu") from error
