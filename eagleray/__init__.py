"""eagleray: exact, point-in-time, entitled search over a desk's documents.

The shared base: contracts, errors, settings, parsing, chunking, embedders, the command line.
Importing this package needs no ray, torch, faiss or fastapi, and loads no part of it before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from eagleray.client import connect, connect_async
    from eagleray.client import open_collection as open  # noqa: A004 - reads as eagleray.open(...)
    from eagleray.contracts.hits import Fusion, Ranking

__version__ = "0.2.0"

__all__ = ["Fusion", "Ranking", "__version__", "connect", "connect_async", "open"]

_HOMES: Final = {
    "connect": ("eagleray.client", "connect"),
    "connect_async": ("eagleray.client", "connect_async"),
    "open": ("eagleray.client", "open_collection"),
    "Fusion": ("eagleray.contracts.hits", "Fusion"),
    "Ranking": ("eagleray.contracts.hits", "Ranking"),
}
"""Public name -> module that holds it, and its name there: processes that parse files load none of them."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
