"""What the writer of a format must do."""

from __future__ import annotations

from typing import Protocol

from indexes.exchange.blocks import Block


class Sink(Protocol):
    """Takes the blocks of an export in order; its files are whole once it is closed."""

    def write(self, block: Block) -> None:
        """Append the rows of a block."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...
