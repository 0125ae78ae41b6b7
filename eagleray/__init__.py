"""eagleray: exact, point-in-time, entitled search over a desk's documents.

The shared base: contracts, errors, settings, parsing, chunking, embedders, the command line.
Importing this package needs no ray, torch, faiss or fastapi.
"""

from eagleray.client import connect, connect_async
from eagleray.client import open_collection as open  # noqa: A004 - reads as eagleray.open(...)
from eagleray.contracts.hits import Fusion, Ranking

__version__ = "0.1.0"

__all__ = ["Fusion", "Ranking", "__version__", "connect", "connect_async", "open"]
