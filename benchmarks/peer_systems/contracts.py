"""What a system must do to be compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from eagleray.contracts.ports import FloatMatrix

Columns = dict[str, npt.NDArray[np.int64]]
"""Integer columns of the rows, by name; a filter takes the rows below a value of one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """The filter `column < value`."""

    column: str
    value: int


class System(Protocol):
    """A search engine in this process."""

    name: str
    settings: tuple[Any, ...]
    """Search settings to try, the fastest first."""

    def build(self, vectors: FloatMatrix, columns: Columns, folder: Path) -> None:
        """Index the rows; a row's id is its place. `folder` is empty and the system's own."""
        ...

    def choose(self, setting: Any) -> None:
        """Search with this setting from now on."""
        ...

    def search(self, query: npt.NDArray[np.float32], k: int, below: Below | None) -> list[int]:
        """Return the ids of the rows most similar to one query, filtered by the system's own filter."""
        ...

    def supports_filters(self) -> bool:
        """Return whether it can filter at all from Python."""
        ...
