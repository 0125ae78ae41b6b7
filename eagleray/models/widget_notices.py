"""Notices of libraries that miss notebook widgets, for progress bars that are never shown here."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LOGGER: Final = "ray.widgets.util"


@contextmanager
def without_widget_notices() -> Iterator[None]:
    """Keep them back for the length of a block."""
    logger = logging.getLogger(_LOGGER)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="IProgress not found")
            yield
    finally:
        logger.setLevel(level)
