"""A collection as code is handed it: the store it lies in, and its name there."""

from __future__ import annotations

from dataclasses import dataclass

from eagleray.contracts.ports import Store


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of a store; everything of it lies below `name`.

    Attributes:
        store: where it lies.
        name: of the collection, the first part of all its paths.
    """

    store: Store
    name: str
