"""What the writer of a format must do."""

from __future__ import annotations

from typing import Protocol

from indexes.exchange.blocks import RowBlock


class Sink(Protocol):
    """Takes the blocks of an export in order; its files are whole once it is closed."""

    def write(self, block: RowBlock) -> None:
        """Append the rows of a block."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...
