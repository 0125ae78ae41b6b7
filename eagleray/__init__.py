"""eagleray: exact, point-in-time, entitled search over a desk's documents.

The shared base: contracts, errors, settings, parsing, chunking, embedders, the command line.
Importing this package needs no ray, torch, faiss or fastapi.
"""

__version__ = "0.1.0"
